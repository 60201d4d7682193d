//! The service on a runtime of one thread for each core, as `docs/runtimes.md` recommends.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use cqlstack_core::Error;
use futures::future::try_join_all;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{oneshot, watch};

use super::app::App;

/// For what is under way when the service ends.
const GRACE: Duration = Duration::from_secs(5);
/// Connections that wait to be accepted by one thread.
const BACKLOG: u32 = 1_024;

type Failure = Box<dyn std::error::Error + Send + Sync>;
/// A thread of the service.
pub(crate) type Server = JoinHandle<Result<(), Failure>>;

/// Serves on as many threads, each with a runtime, a session and a listening socket of its own: the kernel spreads
/// connections over the sockets of one address. `app` is what a thread serves, with the session that it makes there.
///
/// Returns when all serve, or with the first failure when none does. They end when `stop` changes, or its sender is gone.
pub(crate) async fn serve<F, A>(
    address: SocketAddr,
    threads: NonZeroUsize,
    app: F,
    stop: &watch::Receiver<()>,
) -> Result<Vec<Server>, Failure>
where
    F: Fn() -> A + Clone + Send + 'static,
    A: Future<Output = Result<App, Error>>,
{
    let (mut servers, mut starting, mut gates) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..threads.get() {
        let (app, stop) = (app.clone(), stop.clone());
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listener = listen(&runtime, address)?;
        let ((started, is_started), (go, gate)) = (oneshot::channel(), oneshot::channel());
        servers.push(thread::spawn(move || {
            runtime.block_on(async {
                match app().await {
                    Ok(app) => {
                        drop(started.send(Ok(())));
                        // Without the others there is nothing to serve.
                        if gate.await.is_ok() { run(listener, app, stop).await } else { Ok(()) }
                    }
                    Err(error) => {
                        drop(started.send(Err(error)));
                        Ok(())
                    }
                }
            })
        }));
        starting.push(async { is_started.await?.map_err(Failure::from) });
        gates.push(go);
    }
    try_join_all(starting).await?;
    for gate in gates {
        // A thread that has ended says why when it is joined.
        let _ = gate.send(());
    }
    Ok(servers)
}

fn listen(runtime: &Runtime, address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    let _of_its_runtime = runtime.enter();
    socket.listen(BACKLOG)
}

async fn run(
    listener: TcpListener,
    app: App,
    mut stop: watch::Receiver<()>,
) -> Result<(), Failure> {
    let stopped = async move { drop(stop.changed().await) };
    axum::serve(listener, app.clone().router()).with_graceful_shutdown(stopped).await?;
    match app.db.session() {
        Some(session) if !session.shutdown(GRACE).await.complete => {
            Err("requests were aborted".into())
        }
        _ => Ok(()),
    }
}
