//! The service on a runtime of one thread for each core, as `docs/runtimes.md` recommends.

use std::io;
use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use cqlstack_core::Error;
use tokio::runtime::Builder;
use tokio::sync::watch;

use super::app::App;

/// For what is under way when the service ends.
const GRACE: Duration = Duration::from_secs(5);

/// A thread of the service.
pub(crate) type Server = JoinHandle<Result<(), Box<dyn std::error::Error + Send + Sync>>>;

/// Serves on as many threads, each with a runtime and a session of its own, which `app` makes: no request wakes
/// another thread. All accept from one socket, until `stop` changes or its sender is gone.
pub(crate) fn serve<F, A>(
    socket: &TcpListener,
    threads: NonZeroUsize,
    app: F,
    stop: &watch::Receiver<()>,
) -> io::Result<Vec<Server>>
where
    F: Fn() -> A + Clone + Send + 'static,
    A: Future<Output = Result<App, Error>>,
{
    socket.set_nonblocking(true)?;
    let server = |_| {
        let (socket, app, mut stop) = (socket.try_clone()?, app.clone(), stop.clone());
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(thread::spawn(move || {
            runtime.block_on(async {
                let app = app().await?;
                let listener = tokio::net::TcpListener::from_std(socket)?;
                axum::serve(listener, app.clone().router())
                    .with_graceful_shutdown(async move { drop(stop.changed().await) })
                    .await?;
                match app.db.session() {
                    Some(session) if !session.shutdown(GRACE).await.complete => {
                        Err("requests were aborted".into())
                    }
                    _ => Ok(()),
                }
            })
        }))
    };
    (0..threads.get()).map(server).collect()
}
