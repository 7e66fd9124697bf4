//! The answering side, in the process that owns the data folder.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use crate::{Error, MAX_LINE, Reply, Request, socket};

/// Answers requests from what the owning process has open.
#[async_trait::async_trait]
pub trait Answer: Send + Sync + 'static {
    async fn answer(&self, request: Request) -> Reply;
}

/// Serves until dropped; the socket goes with it.
pub struct Server {
    place: PathBuf,
    task: JoinHandle<()>,
}

impl Server {
    /// Must be called inside a tokio runtime, by the owner of the folder: a
    /// socket that lies there belongs to nobody and is replaced.
    pub fn start(data: &Path, answer: Arc<dyn Answer>) -> Result<Self, Error> {
        let place = socket(data);
        let failed = |error: std::io::Error| Error::Socket {
            place: place.clone(),
            reason: error.to_string(),
        };
        if place.exists() {
            std::fs::remove_file(&place).map_err(failed)?;
        }
        let listener = UnixListener::bind(&place).map_err(failed)?;
        // Who may read the data folder's state is its owner only.
        let owner_only = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&place, owner_only).map_err(failed)?;
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let answer = answer.clone();
                // A client that goes away spoils only its own answer.
                tokio::spawn(async move { serve(stream, answer.as_ref()).await.ok() });
            }
        });
        Ok(Self { place, task })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
        std::fs::remove_file(&self.place).ok();
    }
}

async fn serve(mut stream: UnixStream, answer: &dyn Answer) -> std::io::Result<()> {
    let (reading, mut writing) = stream.split();
    let mut line = String::new();
    BufReader::new(reading.take(MAX_LINE))
        .read_line(&mut line)
        .await?;
    let reply = match serde_json::from_str(&line) {
        Ok(request) => answer.answer(request).await,
        Err(error) => Reply::Error(format!("the request cannot be read: {error}")),
    };
    let mut reply = serde_json::to_vec(&reply)?;
    reply.push(b'\n');
    writing.write_all(&reply).await
}
