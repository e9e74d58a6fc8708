//! Accepting connections: HTTP/1.1 and HTTP/2 without TLS, no delay for small writes, no patience with silence.

use std::{net::SocketAddr, time::Duration};

use axum::{Extension, Router, extract::ConnectInfo};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Layer;

/// Who says nothing for this long when it is their turn is gone.
const SILENCE: Duration = Duration::from_secs(30);

/// Serves until `stopping`, then until every connection has ended. Streams end by themselves when it is time to stop.
pub async fn serve(listener: TcpListener, router: Router, stopping: CancellationToken) {
    let connections = TaskTracker::new();
    while let Some((stream, peer)) = accept(&listener, &stopping).await {
        connections.spawn(connection(stream, peer, router.clone(), stopping.clone()));
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn accept(listener: &TcpListener, stopping: &CancellationToken) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => return None,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(connection) => return Some(connection),
            Err(error) => {
                // Out of file descriptors, most likely: others end, and then it goes on.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, router: Router, stopping: CancellationToken) {
    // Small pieces of a stream leave at once.
    let _ = stream.set_nodelay(true);
    let spoke = tokio::select! {
        () = stopping.cancelled() => return,
        spoke = tokio::time::timeout(SILENCE, stream.readable()) => spoke,
    };
    if !matches!(spoke, Ok(Ok(()))) {
        return;
    }
    let service = TowerToHyperService::new(Extension(ConnectInfo(peer)).layer(router));
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(SILENCE);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(SILENCE);
    let mut served = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = stopping.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "a connection broke");
    }
}
