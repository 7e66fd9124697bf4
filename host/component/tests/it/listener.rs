//! A server that says what a test tells it to, and remembers who came.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const TRICKLE: &str = "HTTP/1.1 200 OK\r\n\r\n";

pub(crate) struct Listener {
    pub(crate) origin: String,
    /// What each connection brought, as text; empty until it sent something.
    came: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Listener {
    /// Gives every connection these bytes and closes it; without any, it
    /// keeps silent for ever.
    pub(crate) async fn start(answer: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let came = Arc::new(Mutex::new(Vec::new()));
        let kept = came.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let at = {
                    let mut came = kept.lock().unwrap();
                    came.push(String::new());
                    came.len() - 1
                };
                tokio::spawn(serve(stream, answer.clone(), kept.clone(), at));
            }
        });
        Self { origin, came, task }
    }

    pub(crate) async fn ok(body: &str) -> Self {
        let head = "HTTP/1.1 200 OK\r\nconnection: close";
        let length = body.len();
        Self::start(Some(format!(
            "{head}\r\ncontent-length: {length}\r\n\r\n{body}"
        )))
        .await
    }

    /// Begins an answer, and gives a byte of it now and then for ever.
    pub(crate) async fn trickling() -> Self {
        Self::start(Some(TRICKLE.to_owned())).await
    }

    pub(crate) fn came(&self) -> Vec<String> {
        self.came.lock().unwrap().clone()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    answer: Option<String>,
    came: Arc<Mutex<Vec<String>>>,
    at: usize,
) {
    let mut text = String::new();
    let mut chunk = [0; 4096];
    while !whole(&text) {
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(read) => text.push_str(&String::from_utf8_lossy(&chunk[..read])),
        }
        came.lock().unwrap()[at].clone_from(&text);
    }
    match answer {
        Some(answer) if answer == TRICKLE => {
            stream.write_all(answer.as_bytes()).await.unwrap();
            // Until the caller goes.
            while stream.write_all(b".").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
        None => std::future::pending().await,
    }
}

fn whole(request: &str) -> bool {
    request.split_once("\r\n\r\n").is_some_and(|(head, body)| {
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        body.len() >= length.map_or(0, |length| length.parse().unwrap())
    })
}
