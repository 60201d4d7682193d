//! The fixture's own session, kept on a runtime that outlives every test.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::policies::load_balancing::{NodeIdentifier, SingleTargetLoadBalancingPolicy};
use scylla::statement::Consistency;
use scylla::statement::unprepared::Statement;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::error::ClusterError;

/// For one statement or one attempt to connect. A change of the schema waits for all nodes to agree.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a future on the fixture's runtime, so that it does not matter on which runtime the caller is,
/// how long that lives, or whether its clock stands still. Dropping the call ends the future.
pub(super) async fn on_our_runtime<T: Send + 'static>(
    future: impl Future<Output = Result<T, ClusterError>> + Send + 'static,
) -> Result<T, ClusterError> {
    static RUNTIME: OnceLock<Result<Runtime, io::Error>> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("cqlstack-cluster")
            .enable_all()
            .build()
    });
    let failed = |reason: String| ClusterError::Io {
        what: "running a task of the fixture".into(),
        source: io::Error::other(reason),
    };
    let runtime = runtime.as_ref().map_err(|error| failed(error.to_string()))?;
    let (running, ended) = mpsc::channel::<()>();
    let mut call = Call { tasks: JoinSet::new(), ended };
    let task = async move {
        let _running = running;
        future.await
    };
    call.tasks.spawn_on(task, runtime.handle());
    match call.tasks.join_next().await {
        Some(Ok(result)) => result,
        Some(Err(error)) => Err(failed(error.to_string())),
        None => Err(failed("it is gone".into())),
    }
}

/// A future on our runtime. Dropping it ends that future and waits until it is gone: what it started
/// must not outlive a caller that gives up.
struct Call<T: 'static> {
    tasks: JoinSet<T>,
    ended: mpsc::Receiver<()>,
}

impl<T: 'static> Drop for Call<T> {
    fn drop(&mut self) {
        self.tasks.abort_all();
        // Nothing is ever sent: the channel closes when the future is dropped.
        let _ = self.ended.recv_timeout(Duration::from_secs(10));
    }
}

/// Connects when it is first asked to, and again after [`forget`](Self::forget).
#[derive(Debug)]
pub(super) struct Driver {
    contact_points: Vec<SocketAddr>,
    credentials: Option<(&'static str, &'static str)>,
    session: Mutex<Option<Arc<Session>>>,
}

impl Driver {
    pub(super) fn new(
        contact_points: Vec<SocketAddr>,
        credentials: Option<(&'static str, &'static str)>,
    ) -> Self {
        Self { contact_points, credentials, session: Mutex::new(None) }
    }

    /// Drops the session. After a node came back this is quicker than to wait until the driver's
    /// pool, which backs off up to 10 s, tries again.
    pub(super) async fn forget(&self) {
        *self.session.lock().await = None;
    }

    /// Has a session, or says why there can be none.
    pub(super) async fn connect(&self) -> Result<(), ClusterError> {
        self.session().await.map(drop)
    }

    /// Runs a statement; of a change to the schema, waits until all nodes know it.
    pub(super) async fn run(&self, statement: Statement) -> Result<(), ClusterError> {
        let session = self.session().await?;
        match timeout(PATIENCE, session.query_unpaged(statement, ())).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(ClusterError::Statement(Box::new(error))),
            Err(_) => {
                let step = "a statement of the fixture (is a node frozen or down?)".to_owned();
                Err(ClusterError::Timeout { step, waited: PATIENCE })
            }
        }
    }

    /// Waits until all nodes answer and the first one's replicas are up in everybody's eyes: reads at
    /// consistency `ALL` from `table`, which all nodes hold, through each node.
    pub(super) async fn settle(&self, table: Option<&str>) -> Result<(), ClusterError> {
        let settled = async {
            loop {
                match self.see_each_other(table).await {
                    Ok(()) => return,
                    // The nodes may not know one another yet, and the session asks them only once.
                    Err(error) => tracing::debug!(%error, "the cluster is not settled"),
                }
                self.forget().await;
                sleep(Duration::from_millis(100)).await;
            }
        };
        timeout(PATIENCE, settled).await.map_err(|_| ClusterError::Timeout {
            step: "waiting until every node answers and sees the others (is one frozen or down?)"
                .into(),
            waited: PATIENCE,
        })
    }

    async fn see_each_other(&self, table: Option<&str>) -> Result<(), ClusterError> {
        let text = table.map_or("SELECT key FROM system.local".into(), |table| {
            format!("SELECT id FROM {table} WHERE id = 0")
        });
        for &address in &self.contact_points {
            let mut statement = Statement::new(text.as_str());
            statement.set_is_idempotent(true);
            statement.set_consistency(if table.is_some() {
                Consistency::All
            } else {
                Consistency::One
            });
            statement.set_load_balancing_policy(Some(SingleTargetLoadBalancingPolicy::new(
                NodeIdentifier::NodeAddress(address),
                None,
            )));
            self.run(statement).await?;
        }
        Ok(())
    }

    async fn session(&self) -> Result<Arc<Session>, ClusterError> {
        let mut kept = self.session.lock().await;
        if let Some(session) = &*kept {
            return Ok(session.clone());
        }
        let mut builder = SessionBuilder::new()
            .known_nodes_addr(&self.contact_points)
            .fetch_schema_metadata(false)
            // A frozen node is noticed in seconds, not in a minute.
            .keepalive_interval(Duration::from_secs(2))
            .keepalive_timeout(Duration::from_secs(2));
        if let Some((user, password)) = self.credentials {
            builder = builder.user(user, password);
        }
        let contact_points =
            || self.contact_points.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let session = match timeout(PATIENCE, builder.build()).await {
            Ok(Ok(session)) => Arc::new(session),
            Ok(Err(error)) => {
                let source = Box::new(error);
                return Err(ClusterError::Connect { contact_points: contact_points(), source });
            }
            Err(_) => {
                let step = format!("connecting to {}", contact_points());
                return Err(ClusterError::Timeout { step, waited: PATIENCE });
            }
        };
        *kept = Some(session.clone());
        Ok(session)
    }
}
