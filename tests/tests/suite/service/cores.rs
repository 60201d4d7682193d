//! The service on a runtime of one thread for each core, as `docs/runtimes.md` recommends.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use cqlstack_core::Error;
use futures::future::try_join_all;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Builder;
use tokio::select;
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;

use super::app::App;

/// For connections, and then for requests, that are under way when the service ends.
const GRACE: Duration = Duration::from_secs(5);
/// Connections that wait to be accepted by one thread.
const BACKLOG: u32 = 1_024;

type Failure = Box<dyn std::error::Error + Send + Sync>;
/// A thread of the service.
pub(crate) type Server = JoinHandle<Result<(), Failure>>;

/// Serves on as many threads, each with a runtime, a session and a listening socket of its own: the kernel spreads
/// connections over the sockets of one address. `app` is what a thread serves, with the session that it makes there.
///
/// Returns when all listen, or with the first failure when none does. They end when `stop` changes, or its sender is gone.
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
        let (app, stop, socket) = (app.clone(), stop.clone(), bind(address)?);
        let ((started, is_started), (go, gate)) = (oneshot::channel(), oneshot::channel());
        servers.push(thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let app = match app().await {
                    Ok(app) => app,
                    Err(error) => {
                        drop(started.send(Err(error)));
                        return Ok(());
                    }
                };
                drop(started.send(Ok(())));
                // Without the others there is nothing to serve.
                let Ok(listening) = gate.await else { return Ok(()) };
                let listener = socket.listen(BACKLOG)?;
                let _ = oneshot::Sender::<()>::send(listening, ());
                run(listener, app, stop).await
            })
        }));
        starting.push(async { is_started.await.map_err(|_| PANICKED)?.map_err(Failure::from) });
        gates.push(go);
    }
    try_join_all(starting).await?;
    let listening = gates.into_iter().map(|gate| {
        let (listens, is_listening) = oneshot::channel();
        // A thread that is gone does not listen.
        drop(gate.send(listens));
        async { is_listening.await.map_err(|_| Failure::from(PANICKED)) }
    });
    try_join_all(listening).await?;
    Ok(servers)
}

const PANICKED: &str = "a thread has ended before it listened";

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn run(listener: TcpListener, app: App, stop: watch::Receiver<()>) -> Result<(), Failure> {
    let stopped = |mut stop: watch::Receiver<()>| async move { drop(stop.changed().await) };
    let too_long = async {
        stopped(stop.clone()).await;
        sleep(GRACE).await;
    };
    let serving = axum::serve(listener, app.clone().router());
    select! {
        served = serving.with_graceful_shutdown(stopped(stop.clone())) => served?,
        () = too_long => {}
    }
    match app.db.session() {
        Some(session) if !session.shutdown(GRACE).await.complete => {
            Err("requests were aborted".into())
        }
        _ => Ok(()),
    }
}
