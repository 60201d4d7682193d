//! The session that follows a script.

use std::fmt;
use std::future::ready;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures::FutureExt;
use tokio::time::{Instant, sleep, timeout_at};
use tower_service::Service;

use super::answer::{Answer, Outcome};
use super::schema::Tables;
use super::script::Script;
use super::sent::{Bindings, Sent, bound, columns};
use crate::error::{Error, ErrorKind, Failure, Waited};
use crate::lending::given_up;
use crate::lock::lock;
use crate::paging::Start;
use crate::prepared::{Made, Prepared};
use crate::request::Request;
use crate::response::Response;
use crate::task;
use crate::traits::Described;

/// A service in a [`Session`](crate::Session)'s place. See the [module](super).
///
/// Clones are the same session. A request for which the script has no answer is a mistake of the
/// test: the call panics, and names the statement.
#[derive(Clone)]
#[must_use = "a session does nothing until it is called"]
pub struct ScriptedSession {
    inner: Arc<Inner>,
}

struct Inner {
    tables: Mutex<Option<Arc<Tables>>>,
    executes: Mutex<Script>,
    prepares: Mutex<Script>,
    sent: Mutex<Vec<Sent>>,
    in_flight: AtomicUsize,
    peak: AtomicUsize,
    schema: Arc<AtomicU64>,
    is_schema_lost: AtomicBool,
}

impl Default for ScriptedSession {
    fn default() -> Self {
        Self::new()
    }
}

impl ScriptedSession {
    /// Every statement can be prepared, at once; there is no answer to anything else yet.
    pub fn new() -> Self {
        let inner = Inner {
            tables: Mutex::default(),
            executes: Mutex::default(),
            prepares: Mutex::new(Script::always(Answer::done())),
            sent: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            schema: Arc::default(),
            is_schema_lost: AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Tells the columns of tables by a script of `CREATE` statements, as a schema file is: for
    /// [`Answer::rows_by_schema`] and [`Sent::values`], and to refuse values that do not fit their statement, as a server
    /// does. Tables without a keyspace are found by statements without one.
    ///
    /// # Panics
    ///
    /// If the script is not CQL, or makes what cannot be: with the line.
    pub fn with_schema(self, script: &str) -> Self {
        match Tables::new(script) {
            Ok(tables) => *lock(&self.inner.tables) = Some(Arc::new(tables)),
            Err(why) => panic!("the schema of a scripted session: {why}"),
        }
        self
    }

    /// Gives these answers, one after another, to requests with the statement of this name.
    pub fn on(self, name: &str, answers: impl IntoIterator<Item = Answer>) -> Self {
        lock(&self.inner.executes).add(name, answers);
        self
    }

    /// Gives these answers, one after another, to requests for which there is none by name.
    pub fn then(self, answers: impl IntoIterator<Item = Answer>) -> Self {
        lock(&self.inner.executes).then(answers);
        self
    }

    /// Gives this answer to all requests for which there is no other.
    pub fn otherwise(self, answer: Answer) -> Self {
        lock(&self.inner.executes).otherwise(answer);
        self
    }

    /// Gives these answers, one after another, to prepares of the statement of this name; after that
    /// they succeed again.
    pub fn on_prepare(self, name: &str, answers: impl IntoIterator<Item = Answer>) -> Self {
        lock(&self.inner.prepares).add(name, answers);
        self
    }

    /// Gives this answer to all prepares for which there is no other.
    pub fn otherwise_prepare(self, answer: Answer) -> Self {
        lock(&self.inner.prepares).otherwise(answer);
        self
    }

    /// From now on, whatever was prepared before is out of date.
    pub fn change_schema(&self) {
        self.inner.schema.fetch_add(1, Ordering::Relaxed);
    }

    /// From now on whatever was prepared before is out of date, and what is prepared serves one request: as of
    /// a session that can ask no node for the schema.
    pub fn lose_schema(&self) {
        self.inner.is_schema_lost.store(true, Ordering::Relaxed);
        self.change_schema();
    }

    /// Ends what [`lose_schema`](Self::lose_schema) began.
    pub fn find_schema(&self) {
        self.inner.is_schema_lost.store(false, Ordering::Relaxed);
    }

    /// All that came, in order.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        lock(&self.inner.sent).clone()
    }

    /// How many requests came, prepares not counted.
    #[must_use]
    pub fn executes(&self) -> usize {
        lock(&self.inner.sent).iter().filter(|sent| !sent.is_prepare()).count()
    }

    /// How many prepares came.
    #[must_use]
    pub fn prepares(&self) -> usize {
        lock(&self.inner.sent).iter().filter(|sent| sent.is_prepare()).count()
    }

    /// What came and has neither been answered nor dropped.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.inner.in_flight.load(Ordering::Relaxed)
    }

    /// The most that were in flight at once.
    #[must_use]
    pub fn peak(&self) -> usize {
        self.inner.peak.load(Ordering::Relaxed)
    }
}

/// In flight until dropped.
struct InFlight(Arc<Inner>);

impl InFlight {
    fn new(session: &Arc<Inner>) -> Self {
        let now = session.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        session.peak.fetch_max(now, Ordering::Relaxed);
        Self(Arc::clone(session))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Service<Request> for ScriptedSession {
    type Response = Response;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        request.count_sent();
        let columns = columns(&request, lock(&self.inner.tables).as_deref());
        let mut values = Box::pin(bound(request.clone(), columns));
        // What a request has of its own is there at once.
        if let Some(values) = values.as_mut().now_or_never() {
            return match self.take(request, values) {
                Ok(taken) => Box::pin(taken.answered()),
                Err(error) => Box::pin(ready(Err(error))),
            };
        }
        let session = self.clone();
        Box::pin(async move {
            let values = match request.latest_after(Instant::now()) {
                // Else it is given up, as of a caller that is gone.
                Some(until) => timeout_at(until, values)
                    .await
                    .unwrap_or_else(|_| Err(request.error(given_up(), None))),
                None => values.await,
            };
            session.take(request, values)?.answered().await
        })
    }
}

/// A request that a session took, and what the script has for it.
struct Taken {
    request: Request,
    at: Instant,
    start: Start,
    tables: Option<Arc<Tables>>,
    answer: Answer,
    is_prepare: bool,
    /// As of before the prepare, which a change may overtake.
    schema: u64,
    is_schema_lost: bool,
    in_flight: InFlight,
}

impl ScriptedSession {
    /// Refuses what a real session would refuse.
    fn take(&self, request: Request, values: Bindings) -> Result<Taken, Error> {
        let at = Instant::now();
        if request.deadline().is_some_and(|deadline| deadline <= at) {
            return Err(error(&request, ErrorKind::DeadlinePassed(Waited::BeforeTheSession)));
        }
        if let Some(fault) = request.fault() {
            return Err(error(&request, ErrorKind::Batch(fault.clone())));
        }
        let start = request.start(None)?;
        if let Some(why) = request.paging_fault(&start.page) {
            return Err(error(&request, ErrorKind::InvalidRequest(why.to_owned())));
        }
        let tables = lock(&self.inner.tables).clone();
        let sent = Sent::new(request.clone(), at, start.page.clone(), values)?;
        let is_prepare = sent.is_prepare();
        lock(&self.inner.sent).push(sent);
        let scripts = if is_prepare { &self.inner.prepares } else { &self.inner.executes };
        let name = request.statement().name();
        let answer = lock(scripts).next(name);
        let Some(answer) = answer else { panic!("the script has no answer for `{name}`") };
        let in_flight = InFlight::new(&self.inner);
        let schema = self.inner.schema.load(Ordering::Relaxed);
        let is_schema_lost = self.inner.is_schema_lost.load(Ordering::Relaxed);
        Ok(Taken {
            request,
            at,
            start,
            tables,
            answer,
            is_prepare,
            schema,
            is_schema_lost,
            in_flight,
        })
    }
}

impl Taken {
    /// The answer, in the time of the request: until its deadline, and for as long as one attempt may take.
    async fn answered(self) -> Result<Response, Error> {
        task::runtime().map_err(|error| error.about(self.request.statement()))?;
        let (request, at) = (self.request.clone(), self.at);
        let is_prepare = self.is_prepare;
        let Some(until) = request.latest_after(at) else { return self.answer().await };
        let Ok(answer) = timeout_at(until, self.answer()).await else {
            let after = until - at;
            let late = if is_prepare {
                ErrorKind::PrepareTimeout { after }
            } else {
                ErrorKind::Timeout { after }
            };
            return Err(error(&request, late));
        };
        answer
    }

    async fn answer(self) -> Result<Response, Error> {
        let Self { request, answer, tables, schema: then, .. } = self;
        sleep(answer.after).await;
        match answer.outcome {
            Outcome::Never => std::future::pending().await,
            Outcome::Error(kind) => Err(error(&request, kind)),
            Outcome::Rows { .. } if self.is_prepare => {
                let now = Arc::clone(&self.in_flight.0.schema);
                let made = if self.is_schema_lost {
                    Made::OneShot
                } else {
                    Made::While(Box::new(move || now.load(Ordering::Relaxed) == then))
                };
                let prepared = Prepared::made_for(request.statement(), made);
                Ok(Response::of_prepared(prepared))
            }
            Outcome::Rows { rows, next, tracing_id } => {
                let statement = request.statement();
                let rows = match rows.of(&request, tables.as_deref()) {
                    Ok(rows) => rows.traced(tracing_id),
                    Err(why) => panic!("the script's answer to `{}`: {why}", statement.name()),
                };
                let response = Response::of_made(statement, rows);
                let response = match next {
                    Some(page) => response.followed_by(page),
                    None => response,
                };
                Ok(response.started_at(self.start))
            }
        }
    }
}

/// As a real session makes it: what a node answered may come after a failover.
fn error(request: &Request, kind: ErrorKind) -> Error {
    let attempted = !matches!(
        kind,
        ErrorKind::DeadlinePassed(_)
            | ErrorKind::Closed
            | ErrorKind::InvalidRequest(_)
            | ErrorKind::Batch(_)
            | ErrorKind::PageToken
            | ErrorKind::Values(_)
            | ErrorKind::PrepareTimeout { .. }
            | ErrorKind::PrepareFailed
            | ErrorKind::PrepareUnreadable
            | ErrorKind::PreparedIdsDiffer
            | ErrorKind::KeyspaceUnsettled
            | ErrorKind::KeyspaceChanged
            | ErrorKind::OtherResult
            // As where no node was tried before.
            | ErrorKind::NoConnection
            | ErrorKind::NoStreamId
            | ErrorKind::StatementsForgotten { .. }
    );
    request.error(Failure { attempted, ..kind.into() }, None)
}

impl fmt::Debug for ScriptedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedSession")
            .field("executes", &self.executes())
            .field("prepares", &self.prepares())
            .field("in_flight", &self.in_flight())
            .finish_non_exhaustive()
    }
}
