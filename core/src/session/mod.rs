//! The session: the driver's, with deadlines and typed errors.

mod builder;
mod config;
mod deadline_timer;
mod execution;
mod inner;
mod lifecycle;
mod schema;
mod topology;
mod trace;
mod wait;

use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use scylla::frame::types::Consistency;
use tokio::time::Instant;
use tower_service::Service;
use uuid::Uuid;

pub use builder::SessionBuilder;
pub use config::credentials::{Credentials, Password};
pub use config::node_key::NodeKey;
pub use config::tls::Tls;
pub use config::{Compression, SessionConfig};
use execution::{call, prepare};
use inner::Inner;
use lifecycle::Lifecycle;
pub use lifecycle::Shutdown;
pub use schema::age::SchemaStats;
pub(crate) use schema::basis::Basis;
pub(crate) use schema::tables::NATIVE_TYPES;
#[cfg(feature = "testing")]
pub use schema::tables::TableAsRead;
pub(crate) use schema::tables::{Definition, Shape};
pub use topology::clocks::ClockOffset;
pub use topology::health::{Health, NodeHealth};
pub use topology::nodes::NodeStats;
pub use topology::warm_up::{WarmNode, WarmUp};
use topology::{health, nodes, readiness, warm_up};
pub use trace::{Trace, TraceEvent};

use crate::error::{Error, ErrorKind, Readiness};
use crate::prepared::Prepared;
use crate::profile::Profile;
use crate::request::Request;
use crate::response::Response;
use crate::statement::Statement;
use crate::task;

/// A connected session: the innermost service of every stack.
///
/// Cloning is one atomic increment, and all clones are the same session. It is always ready: limits
/// are the business of layers.
///
/// # What it does by itself
///
/// - A request that is not bound yet is **prepared**, each time, at the price of a round trip to
///   every node: put a statement cache above, or [`prepare`](Self::prepare) and
///   [`bind`](Request::bind). A statement without values that is neither read nor write (`CREATE`,
///   `TRUNCATE`, `USE`) goes as it is.
/// - A read asks for **one page**.
/// - **Failover**: of reads and plain writes, the driver's default retry policy sends to the next
///   node what certainly was not executed, and what is idempotent also after an error that leaves it
///   open, without waiting, at most once to each node. Conditional, counter and several-partition
///   statements are never sent twice.
/// - **Time**: the earlier of the request's timeout and its deadline ends a call, with
///   [`ErrorKind::Timeout`](crate::ErrorKind::Timeout).
///
/// # The keyspace in use
///
/// It is the same for all clones: that of [`SessionBuilder::keyspace`], until a `USE` changes it. A `USE` runs
/// alone, and takes as long as the slowest node. What names no keyspace and is not prepared yet waits for it,
/// within its own time, and a `USE` waits for what was sent so. After one that failed, timed out or was
/// dropped nobody knows what the connections have in use: until one succeeds, what names no keyspace ends with
/// [`ErrorKind::KeyspaceUnsettled`](crate::ErrorKind::KeyspaceUnsettled). A `USE` that did not get its turn in
/// its time changed nothing. A text without a keyspace (`TRUNCATE`, `CREATE`) that was given up is waited for as
/// long as a connection can have it in its queue, 4.2 s. A write without one, of which an attempt may have been
/// applied, is not sent again in another keyspace
/// ([`ErrorKind::KeyspaceChanged`](crate::ErrorKind::KeyspaceChanged)). Name the keyspace in each statement, and
/// none of this concerns you.
///
/// # On drop
///
/// A dropped future gives the request up. The driver may have sent it, or may send it still: it is
/// ambiguous whether it is applied.
///
/// ```no_run
/// use cqlstack_core::{Client, Session, Statement};
///
/// # async fn run() -> Result<(), cqlstack_core::Error> {
/// let session = Session::builder()
///     .contact_points(["127.0.0.1:9042"])
///     .local_datacenter("dc1")
///     .build()
///     .await?;
/// let db = Client::new(session);
/// let version = Statement::new("SELECT release_version FROM system.local");
/// println!("{}", db.request(&version).await?.value::<&str>()?);
/// # Ok(())
/// # }
/// ```
#[doc(alias("CqlSession", "Cluster"))]
#[derive(Clone)]
pub struct Session {
    lifecycle: Arc<Lifecycle>,
}

/// The driver's session, for as long as this is held: a shutdown waits for it.
pub struct DriverRef(Arc<Inner>);

impl Deref for DriverRef {
    type Target = scylla::client::session::Session;

    fn deref(&self) -> &Self::Target {
        &self.0.driver
    }
}

impl fmt::Debug for DriverRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DriverRef(..)")
    }
}

impl Session {
    /// Starts with the defaults that [`SessionBuilder`] documents.
    pub fn builder() -> SessionBuilder {
        SessionBuilder::default()
    }

    /// Prepares a statement on all nodes, within `prepare_timeout`, which is 5 s unless it is set.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::PrepareTimeout`](crate::ErrorKind::PrepareTimeout) if a node does not answer; what the server says about the text.
    pub async fn prepare(&self, statement: impl Into<Statement>) -> Result<Prepared, Error> {
        let request = Request::prepare(statement);
        task::runtime().map_err(|error| error.about(request.statement()))?;
        let Some(session) = self.lifecycle.enter() else {
            return Err(request.error(ErrorKind::Closed, None));
        };
        prepare::prepare(session.session(), &request, Instant::now()).await
    }

    /// A number that grows whenever this session learns of another schema, or of another keyspace in
    /// use, by `USE` through the session. Costs a few atomics. 0 once it is shut down.
    #[must_use]
    pub fn schema_generation(&self) -> u64 {
        self.lifecycle.session().map_or(0, |inner| inner.schema.generation(&inner.driver))
    }

    /// How old what this session knows of the schema is. Asks nobody. `None` once it is shut down.
    #[must_use]
    pub fn schema(&self) -> Option<SchemaStats> {
        self.lifecycle.session().map(|inner| inner.age.stats())
    }

    /// What this session knows of each node of the cluster: up or down, attempts, errors, latency; and
    /// its connections, if [they were counted](Self::count_connections). Asks nobody.
    ///
    /// How many requests are in flight at a node is not in it: the driver does not tell of attempts
    /// that are given up. Nothing once it is shut down.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeStats> {
        self.lifecycle.session().map(|inner| nodes::nodes(&inner)).unwrap_or_default()
    }

    /// Asks each node that is up how many connections it has open from this session, for
    /// [`nodes`](Self::nodes). Ends within a second. The node lists all its clients for it: with many
    /// of them, ask seldom.
    pub async fn count_connections(&self) {
        if let Some(inner) = self.lifecycle.session() {
            nodes::count_connections(&inner).await;
        }
    }

    /// Sends so many cheap queries to **each** node, one after another, to all nodes at the same time: so
    /// that connections are open, and caches and code warm, before the first request that matters. Does
    /// not fail: what a node does not answer is in the report. Each query has the session's attempt timeout,
    /// 10 s unless it is set, and a node that does not answer one within it is asked no more.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), cqlstack_core::Error> {
    /// let session = cqlstack_core::Session::builder().build().await?;
    /// let report = session.warm_up(10).await;
    /// if !report.is_complete() {
    ///     eprintln!("{report}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn warm_up(&self, queries_per_host: u32) -> WarmUp {
        match self.lifecycle.session() {
            Some(inner) => warm_up::warm_up(&inner, queries_per_host).await,
            None => WarmUp { nodes: Vec::new() },
        }
    }

    /// Asks each node, at the same time, by a query that it answers from memory, and waits for so long at
    /// most: for the page of a service that tells how it is. A node that does not answer in time is not
    /// reachable, frozen or not. Costs a query to each node: ask every few seconds, not for each request.
    ///
    /// ```no_run
    /// # async fn run(session: cqlstack_core::Session) {
    /// let health = session.health(std::time::Duration::from_secs(1)).await;
    /// println!("{health}"); // a line for each node, and one for the schema
    /// # }
    /// ```
    pub async fn health(&self, within: Duration) -> Health {
        match self.lifecycle.session() {
            Some(inner) => health::health(&inner, within).await,
            None => Health { nodes: Vec::new(), schema: None },
        }
    }

    /// Whether requests can be sent, for a service's readiness probe: as soon as any node answers, of the
    /// local datacentre if one is set. (`ready` is what tower's `ServiceExt` calls something else.)
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoConnection`](crate::ErrorKind::NoConnection) if none answered within this time;
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) once it is shut down.
    pub async fn check_ready(&self, within: Duration) -> Result<(), Error> {
        health::ready(&*self.open()?, within).await
    }

    /// Whether requests at this level can be done: as long as **some** range of the keyspace in use has enough
    /// replicas up, those that answer within this time. It says for how large a share of the ranges that holds.
    /// Nodes that are down are not waited for, and a silent one is, to the end of the time. Costs a query to each
    /// node, and a look at each range of the ring, a microsecond or two. Where `ScyllaDB`'s tablets put replicas
    /// anywhere, all nodes count for one range.
    ///
    /// Think twice before a readiness probe asks this. Whatever all instances find at the same moment takes all
    /// of them out of service at the same moment: two nodes of three that are down at QUORUM would take down
    /// even what reads at ONE, answers from a cache, or has a good error page. [`check_ready`](Self::check_ready)
    /// is for the probe, and this for a gauge, an alarm, or the probe of a service that can do nothing else.
    ///
    /// ```no_run
    /// # async fn run(session: cqlstack_core::Session) {
    /// use cqlstack_core::Consistency;
    ///
    /// match session.check_ready_at(Consistency::LocalQuorum, std::time::Duration::from_secs(1)).await {
    ///     Ok(readiness) => println!("{readiness}"), // 24 of 24 ranges (100 %) of keyspace `app` ...
    ///     Err(error) => eprintln!("{error}"),
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooFewReplicas`](crate::ErrorKind::TooFewReplicas) if no range has enough replicas up;
    /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) if no keyspace is in use;
    /// [`ErrorKind::UnknownKeyspace`](crate::ErrorKind::UnknownKeyspace) if the session does not know its
    /// replication; [`ErrorKind::Closed`](crate::ErrorKind::Closed) once it is shut down.
    pub async fn check_ready_at(
        &self,
        level: Consistency,
        within: Duration,
    ) -> Result<Readiness, Error> {
        readiness::ready_at(&*self.open()?, level, within).await
    }

    /// What servers noted of a request [with tracing](Request::with_tracing), by the
    /// [id of its response](Response::tracing_id). They write it after they have answered: it is asked for until it is
    /// complete, or until this time is over. They keep it for a day.
    ///
    /// ```no_run
    /// # async fn run(session: cqlstack_core::Session) -> Result<(), cqlstack_core::Error> {
    /// use cqlstack_core::{Client, Request, Statement};
    ///
    /// let by_id = Statement::new("SELECT name FROM app.users WHERE id = ?");
    /// let db = Client::new(session.clone());
    /// let answer = db.request(Request::new(&by_id, (42,)).with_tracing()).await?;
    /// if let Some(id) = answer.tracing_id() {
    ///     for event in session.trace(id, std::time::Duration::from_secs(2)).await?.events {
    ///         println!("{:?} {:?} {}", event.node, event.after, event.activity);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rows`](crate::ErrorKind::Rows) if there is nothing of it when the time is over, or
    /// [`ErrorKind::Timeout`](crate::ErrorKind::Timeout) if no node answered;
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) once it is shut down; what reading it ends with.
    #[doc(alias("get_tracing_info"))]
    pub async fn trace(&self, id: Uuid, within: Duration) -> Result<Trace, Error> {
        trace::trace(&*self.open()?, id, within).await
    }

    /// The options of this name in its [`SessionConfig`], for statements: ask when the program starts.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) if there are none; it names those that there are.
    pub fn profile(&self, name: &str) -> Result<Profile, Error> {
        Ok(*self.open()?.config.profile(name)?)
    }

    /// Shuts it down, for all its clones: from now on a request is refused with
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed), and what was sent before may take so long to end.
    /// After that it is aborted within 0.4 s, with
    /// [`ErrorKind::AbortedByShutdown`](crate::ErrorKind::AbortedByShutdown); the driver, its tasks and its
    /// connections are gone when the last request is. (A [`Response`] that is kept
    /// holds on to the driver's connections to the node that gave it.)
    ///
    /// It may be called more than once, also at the same time. Dropped, it leaves the session closed, and
    /// nothing is aborted. Dropping all clones of a session closes it too.
    ///
    /// ```no_run
    /// # async fn run(session: cqlstack_core::Session) {
    /// let shutdown = session.shutdown(std::time::Duration::from_secs(5)).await;
    /// if shutdown.aborted > 0 {
    ///     eprintln!("{} requests had no answer", shutdown.aborted);
    /// }
    /// # }
    /// ```
    #[doc(alias("close", "closeAsync"))]
    pub async fn shutdown(&self, deadline: Duration) -> Shutdown {
        self.lifecycle.shut(deadline).await
    }

    fn open(&self) -> Result<Arc<Inner>, Error> {
        self.lifecycle.session().ok_or_else(|| Error::setup(ErrorKind::Closed))
    }

    /// The driver's session, for what this crate does not offer. What goes this way passes no layer
    /// and no deadline, and a change of the schema does not wait until nodes agree on it:
    /// `await_schema_agreement` does.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) once it is shut down.
    pub fn driver(&self) -> Result<DriverRef, Error> {
        self.open().map(DriverRef)
    }
}

impl Service<Request> for Session {
    type Response = Response;
    type Error = Error;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, request: Request) -> ResponseFuture {
        request.count_sent();
        let call = match self.lifecycle.enter() {
            Some(inner) => call::start(inner, request),
            None => call::refuse(request.error(ErrorKind::Closed, None)),
        };
        ResponseFuture { call }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lifecycle.session() {
            Some(inner) => f.debug_struct("Session").field("config", &inner.config).finish(),
            None => f.write_str("Session(shut down)"),
        }
    }
}

/// The answer of a [`Session`] to come.
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture {
    call: call::Call,
}

impl Future for ResponseFuture {
    type Output = Result<Response, Error>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.call.poll(cx)
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
