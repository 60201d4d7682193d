//! The session: the driver's, with deadlines and typed errors.

mod alarm;
mod balancing;
mod batch;
mod builder;
mod config;
mod connect;
mod execute;
mod learned;
mod nodes;
mod placement;
mod runner;
mod schema;
mod warm_up;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

pub use builder::SessionBuilder;
pub use config::Compression;
use config::Config;
pub use nodes::NodeFigures;
pub use warm_up::{WarmNode, WarmUp};

use nodes::NodeAttempts;
use schema::SchemaClock;
use tokio::time::Instant;
use tower_service::Service;

use crate::error::Error;
use crate::prepared::Prepared;
use crate::request::Request;
use crate::response::Response;
use crate::statement::Statement;

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
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
}

struct Inner {
    driver: scylla::client::session::Session,
    config: Config,
    schema: SchemaClock,
    /// Of its load balancing policy.
    attempts: Arc<NodeAttempts>,
    /// By which the nodes know its connections.
    client_id: String,
}

impl Session {
    /// Starts with the defaults that [`SessionBuilder`] documents.
    pub fn builder() -> SessionBuilder {
        SessionBuilder::default()
    }

    /// Prepares a statement on all nodes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::PrepareTimeout`](crate::ErrorKind::PrepareTimeout) if a node does not answer; what the server says about the text.
    pub async fn prepare(&self, statement: impl Into<Statement>) -> Result<Prepared, Error> {
        execute::prepare(&self.inner, &Request::prepare(statement), Instant::now()).await
    }

    /// A number that grows whenever this session learns of another schema, or of another keyspace in
    /// use, by `USE` through the session. Costs a few atomics.
    #[must_use]
    pub fn schema_generation(&self) -> u64 {
        self.inner.schema.generation(&self.inner.driver)
    }

    /// What this session knows of each node of the cluster: up or down, attempts, errors, latency; and
    /// its connections, if [they were counted](Self::count_connections). Asks nobody.
    ///
    /// How many requests are in flight at a node is not in it: the driver does not tell of attempts
    /// that are given up.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeFigures> {
        nodes::nodes(&self.inner)
    }

    /// Asks each node that is up how many connections it has open from this session, for
    /// [`nodes`](Self::nodes). Ends within a second. The node lists all its clients for it: with many
    /// of them, ask seldom.
    pub async fn count_connections(&self) {
        nodes::count_connections(&self.inner).await;
    }

    /// Sends so many cheap queries to **each** node, one after another, to all nodes at the same time: so
    /// that connections are open, and caches and code warm, before the first request that matters. Does
    /// not fail: what a node does not answer is in the report. Each query has the session's request
    /// timeout.
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
        warm_up::warm_up(&self.inner, queries_per_host).await
    }

    /// The driver's session, for what this crate does not offer. What goes this way passes no layer
    /// and no deadline.
    #[must_use]
    pub fn driver(&self) -> &scylla::client::session::Session {
        &self.inner.driver
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
        ResponseFuture { call: execute::start(Arc::clone(&self.inner), request) }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("config", &self.inner.config).finish_non_exhaustive()
    }
}

/// The answer of a [`Session`] to come.
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture {
    call: execute::Call,
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
