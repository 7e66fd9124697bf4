//! The socket from both ends.

use std::sync::Arc;

use crate::{Answer, Reply, Request, Server, ask};

struct Echo;

#[async_trait::async_trait]
impl Answer for Echo {
    async fn answer(&self, request: Request) -> Reply {
        match request {
            Request::Runs { limit: 0, .. } => Reply::Error("nothing was asked for".to_owned()),
            other => Reply::Data(serde_json::to_value(other).unwrap()),
        }
    }
}

async fn ask_aside(folder: &std::path::Path, request: Request) -> Option<Reply> {
    let folder = folder.to_owned();
    tokio::task::spawn_blocking(move || ask(&folder, &request).unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_request_gets_its_answer_and_a_folder_without_owner_gives_none() {
    let folder = tempfile::tempdir().unwrap();
    let request = Request::Checkpoint {
        scope: "a".to_owned(),
    };
    assert_eq!(ask_aside(folder.path(), request.clone()).await, None);
    let server = Server::start(folder.path(), Arc::new(Echo)).unwrap();
    let expected = serde_json::json!({"ask": "checkpoint", "scope": "a"});
    assert_eq!(
        ask_aside(folder.path(), request.clone()).await,
        Some(Reply::Data(expected))
    );
    let nothing = Request::Runs {
        scope: "a".to_owned(),
        limit: 0,
    };
    assert_eq!(
        ask_aside(folder.path(), nothing).await,
        Some(Reply::Error("nothing was asked for".to_owned()))
    );
    drop(server);
    assert_eq!(ask_aside(folder.path(), request).await, None);
}

#[tokio::test]
async fn a_socket_that_a_killed_owner_left_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    drop(std::os::unix::net::UnixListener::bind(folder.path().join("control.sock")).unwrap());
    let request = Request::ResetCheckpoint {
        scope: "b".to_owned(),
    };
    assert_eq!(ask_aside(folder.path(), request.clone()).await, None);
    let _server = Server::start(folder.path(), Arc::new(Echo)).unwrap();
    assert!(ask_aside(folder.path(), request).await.is_some());
}
