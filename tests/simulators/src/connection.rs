//! Loopback connections that a handler can cut: closing without an answer is something HTTP has no word for.

use crate::simulators::Error as NotStarted;
use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use std::io::{Error, ErrorKind, Result};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// The handler's side of its connection.
#[derive(Clone, Default)]
pub(crate) struct Link(Arc<AtomicBool>);

impl Link {
    /// Nothing more is written; the connection closes when the answer would start.
    pub(crate) fn cut(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Connected<IncomingStream<'_, Loopback>> for Link {
    fn connect_info(stream: IncomingStream<'_, Loopback>) -> Self {
        stream.io().link.clone()
    }
}

pub(crate) struct Loopback(pub(crate) TcpListener);

impl Listener for Loopback {
    type Io = Cuttable;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Cuttable, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Pages are written whole; waiting for more would only add delay. Failing to say so harms nobody.
        _ = stream.set_nodelay(true);
        (
            Cuttable {
                stream,
                link: Link::default(),
            },
            address,
        )
    }

    fn local_addr(&self) -> Result<SocketAddr> {
        self.0.local_addr()
    }
}

pub(crate) struct Cuttable {
    stream: TcpStream,
    link: Link,
}

impl Cuttable {
    fn check(&self) -> Result<()> {
        if self.link.0.load(Ordering::SeqCst) {
            return Err(Error::new(
                ErrorKind::ConnectionReset,
                "cut by a fault rule",
            ));
        }
        Ok(())
    }
}

impl AsyncRead for Cuttable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Cuttable {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Serves on a loopback port, until the runtime ends.
pub(crate) fn serve(
    runtime: &Runtime,
    port: u16,
    router: Router,
) -> std::result::Result<SocketAddr, NotStarted> {
    let failed = |error| NotStarted::Listen { port, error };
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let _inside = runtime.enter();
    let listener = Loopback(TcpListener::from_std(listener).map_err(failed)?);
    let service = router.into_make_service_with_connect_info::<Link>();
    runtime.spawn(async move {
        // Serving ends with the runtime only.
        _ = axum::serve(listener, service).await;
    });
    Ok(address)
}
