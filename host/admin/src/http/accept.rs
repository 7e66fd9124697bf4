//! Connections: so many at a time, and none that a slow caller can hold for
//! as long as it likes. What is asked over them is not looked at here.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::problem::Problem;
use super::tls::Tls;

/// How much callers may have, and how long they may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Connections at a time; more wait until one ends.
    pub(crate) connections: usize,
    /// For a handshake, and for the head of each request from the end of the
    /// one before: this is also how long nothing may be asked.
    pub(crate) head: Duration,
    /// For a body, which has this many bytes at most.
    pub(crate) body: Duration,
    pub(crate) body_bytes: usize,
    /// After it a connection takes no further request.
    pub(crate) connection: Duration,
    /// For what is under way at the end, of a connection or of the service.
    pub(crate) rest: Duration,
}

pub(crate) const PATIENCE: Patience = Patience {
    connections: 1024,
    head: Duration::from_secs(10),
    body: Duration::from_secs(20),
    body_bytes: 256 << 10,
    connection: Duration::from_secs(300),
    rest: Duration::from_secs(60),
};

/// Bytes of one request's head.
const MOST_HEAD: usize = 32 << 10;
/// How often the certificate is looked at.
const LOOK: Duration = Duration::from_secs(10);
/// After the machine had no more to give, as sockets.
const BREATH: Duration = Duration::from_millis(100);

/// Answers until `stopped` ends, and then those that are under way.
pub(crate) async fn accept(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    app: Router,
    patience: Patience,
    stopped: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let app = app.layer(axum::middleware::from_fn(move |request, next| {
        whole(request, next, patience)
    }));
    let slots = Arc::new(Semaphore::new(patience.connections));
    let (close, closing) = watch::channel(false);
    let mut open = JoinSet::new();
    let mut look = tokio::time::interval(LOOK);
    let mut stopped = pin!(stopped);
    loop {
        tokio::select! {
            biased;
            () = &mut stopped => break,
            Some(_) = open.join_next(), if !open.is_empty() => {}
            _ = look.tick(), if tls.is_some() => look_at(tls.as_deref()),
            accepted = next(&listener, &slots) => {
                let Some((stream, from, slot)) = accepted else {
                    tokio::time::sleep(BREATH).await;
                    continue;
                };
                let (app, closing, tls) = (app.clone(), closing.clone(), tls.clone());
                open.spawn(async move {
                    let _slot = slot;
                    greet(stream, from, tls, app, patience, closing).await;
                });
            }
        }
    }
    drop(listener);
    close.send_replace(true);
    let rest = async { while open.join_next().await.is_some() {} };
    if tokio::time::timeout(patience.rest, rest).await.is_err() {
        tracing::warn!("callers were left without an answer");
    }
    Ok(())
}

/// `None` where the machine cannot take another one right now.
async fn next(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let slot = slots.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, from)) => Some((stream, from, slot)),
        Err(error) => {
            tracing::warn!(%error, "a connection was not taken");
            None
        }
    }
}

fn look_at(tls: Option<&Tls>) {
    match tls.map(Tls::look) {
        Some(Ok(true)) => tracing::info!("the certificate was read again"),
        Some(Err(error)) => tracing::warn!(%error, "the certificate stays the one before"),
        Some(Ok(false)) | None => {}
    }
}

async fn greet(
    stream: TcpStream,
    from: SocketAddr,
    tls: Option<Arc<Tls>>,
    app: Router,
    patience: Patience,
    closing: watch::Receiver<bool>,
) {
    // Without it an answer only comes later.
    stream.set_nodelay(true).ok();
    let Some(tls) = tls else {
        return Box::pin(converse(stream, from, app, patience, closing)).await;
    };
    let shaking = TlsAcceptor::from(tls.config()).accept(stream);
    match tokio::time::timeout(patience.head, shaking).await {
        Ok(Ok(stream)) => Box::pin(converse(stream, from, app, patience, closing)).await,
        Ok(Err(error)) => tracing::debug!(%from, %error, "no TLS was agreed on"),
        Err(_) => tracing::debug!(%from, "a handshake took too long"),
    }
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    from: SocketAddr,
    app: Router,
    patience: Patience,
    mut closing: watch::Receiver<bool>,
) {
    let app = TowerToHyperService::new(app);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(from));
        app.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_buf_size(MOST_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let end = async {
        tokio::select! {
            _ = closing.wait_for(|closing| *closing) => {}
            () = tokio::time::sleep(patience.connection) => {}
        }
    };
    tokio::select! {
        ended = connection.as_mut() => return tell(from, ended),
        () = end => {}
    }
    connection.as_mut().graceful_shutdown();
    match tokio::time::timeout(patience.rest, connection).await {
        Ok(ended) => tell(from, ended),
        Err(_) => tracing::debug!(%from, "a caller took too long"),
    }
}

fn tell(from: SocketAddr, ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%from, %error, "a connection ended early");
    }
}

/// A request goes on when all of its body is there. A deed is done to its end
/// and written down, also where the caller has hung up meanwhile.
async fn whole(request: Request, next: Next, patience: Patience) -> Response {
    let (parts, body) = request.into_parts();
    let read = to_bytes(body, patience.body_bytes);
    let problem = match tokio::time::timeout(patience.body, read).await {
        Ok(Ok(body)) => {
            let deed = !parts.method.is_safe();
            let answer = next.run(Request::from_parts(parts, Body::from(body)));
            return match deed {
                true => tokio::spawn(answer).await.unwrap_or_else(|_| died()),
                false => answer.await,
            };
        }
        Ok(Err(_)) => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            format!(
                "a body of at most {} bytes was expected",
                patience.body_bytes
            ),
            "ask for less at a time",
        ),
        Err(_) => Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "too_slow",
            "the body did not come in time",
            "send it whole",
        ),
    };
    let close = [(header::CONNECTION, "close")];
    (close, problem).into_response()
}

fn died() -> Response {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "failed",
        "it ended half way",
        "see the log of the service, and ask again",
    )
    .into_response()
}

#[cfg(test)]
mod tests;
