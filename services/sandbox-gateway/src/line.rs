//! The TCP connection under a request, so that it can be cut instead of answered.
//!
//! The request's handler cannot reach the socket, and the socket does not know the request, so they share a flag: once a
//! line is cut, the next write to it fails instead, and dropping the socket resets the connection. A line answers one
//! request at a time, so only the request that was cut is hit.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    extract::connect_info::Connected,
    http::StatusCode,
    response::{IntoResponse, Response},
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

/// Accepts connections that can be cut.
pub struct Lines(pub TcpListener);

/// A request's end of its connection.
#[derive(Clone, Debug, Default)]
pub struct Line {
    cut: Arc<AtomicBool>,
}

/// The server's end.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    line: Line,
}

impl Line {
    /// Resets the connection in place of an answer. Give what this returns to the server: it never leaves the house.
    pub fn cut(&self) -> Response {
        self.cut.store(true, Ordering::Release);
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

impl Socket {
    /// The stream to write to, unless the line is cut.
    fn uncut(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        if self.line.cut.load(Ordering::Acquire) {
            // Without lingering, closing the socket sends a reset, not an orderly end.
            self.stream.set_zero_linger()?;
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(Pin::new(&mut self.stream))
    }
}

impl Listener for Lines {
    type Io = Socket;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Socket, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "answers may be held back for a moment");
        }
        (Socket { stream, line: Line::default() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Lines>> for Line {
    fn connect_info(stream: IncomingStream<'_, Lines>) -> Self {
        stream.io().line.clone()
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.uncut()?.poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.uncut()?.poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.uncut()?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.uncut()?.poll_shutdown(context)
    }
}
