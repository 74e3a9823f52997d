//! The listener.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::router::router;
use super::state::AppState;

/// Serves on `listener` until `stop` comes, then finishes what is being answered.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(listener: TcpListener, state: AppState, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let service = router(state).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stop).await
}
