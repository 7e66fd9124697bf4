//! A server for tests: answers by script, byte for byte, and keeps what it
//! was sent. It speaks no more HTTP than that takes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What happens to the next request.
pub(in crate::capability) enum Step {
    /// These bytes, and the connection stays open.
    Reply(Vec<u8>),
    /// These bytes, and the connection is closed.
    Last(Vec<u8>),
    /// What this makes of the request.
    Made(fn(&str) -> Vec<u8>),
    /// Nothing, ever.
    Silence,
}

pub(in crate::capability) struct Listener {
    pub(in crate::capability) origin: String,
    received: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Listener {
    pub(in crate::capability) async fn start(steps: Vec<Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let steps = Arc::new(Mutex::new(VecDeque::from(steps)));
        let kept = received.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, steps.clone(), kept.clone()));
            }
        });
        Self {
            origin,
            received,
            task,
        }
    }

    /// Whole requests in the order in which they came, as text.
    pub(in crate::capability) fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A `200` with these headers, each ending in a line break, and this body.
pub(in crate::capability) fn ok(headers: &str, body: &str) -> Step {
    Step::Reply(
        format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{headers}\r\n{body}",
            body.len()
        )
        .into_bytes(),
    )
}

async fn serve(
    mut stream: TcpStream,
    steps: Arc<Mutex<VecDeque<Step>>>,
    received: Arc<Mutex<Vec<String>>>,
) {
    while let Some(request) = read(&mut stream).await {
        received.lock().unwrap().push(request.clone());
        let step = steps.lock().unwrap().pop_front();
        match step {
            Some(Step::Reply(bytes)) => stream.write_all(&bytes).await.unwrap(),
            Some(Step::Last(bytes)) => {
                stream.write_all(&bytes).await.unwrap();
                return;
            }
            Some(Step::Made(make)) => stream.write_all(&make(&request)).await.unwrap(),
            Some(Step::Silence) => std::future::pending().await,
            None => panic!("a request beyond the script"),
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return Some(text.into_owned());
            }
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
        }
    }
}
