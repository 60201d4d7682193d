//! What servers noted of a request.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use scylla::errors::TracingError;
use scylla::observability::tracing::TracingInfo;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::error::{Error, ErrorKind, Failure};
use crate::request::Request;
use crate::session::inner::Inner;
use crate::session::wait::add;
use crate::statement::StaticStatement;

/// Servers write a trace after they have answered.
const PAUSE: Duration = Duration::from_millis(20);

static TRACE: StaticStatement =
    StaticStatement::new("SELECT * FROM system_traces.events WHERE session_id = ?").named("trace");

/// What servers noted of a request [with tracing](crate::Request::with_tracing).
///
/// **It can contain CQL and values**: `Debug` shows numbers only.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trace {
    /// What was asked for: `Execute CQL3 prepared query`, for example.
    pub request: Option<String>,
    /// The node that coordinated it, by the address at which nodes speak with each other.
    pub coordinator: Option<IpAddr>,
    /// How long the coordinator was at it; none as long as the trace is not complete.
    pub took: Option<Duration>,
    /// What else was noted: consistency level, text, bound values.
    pub parameters: Vec<(String, String)>,
    /// The steps, in the order in which they were noted.
    pub events: Vec<TraceEvent>,
}

/// A step of a request on one node.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TraceEvent {
    /// What the node did.
    pub activity: String,
    /// Which node, by the address at which nodes speak with each other.
    pub node: Option<IpAddr>,
    /// How long after the request came to this node.
    pub after: Option<Duration>,
    /// The thread, or the shard.
    pub thread: Option<String>,
}

impl From<TracingInfo> for Trace {
    fn from(info: TracingInfo) -> Self {
        let micros = |micros: i32| u64::try_from(micros).ok().map(Duration::from_micros);
        let mut events = info.events;
        // By version 1 of UUIDs, which has the time.
        events.sort_by_key(|event| event.event_id);
        let events = events.into_iter().map(|event| TraceEvent {
            activity: event.activity.unwrap_or_default(),
            node: event.source,
            after: event.source_elapsed.and_then(micros),
            thread: event.thread,
        });
        let mut parameters: Vec<_> = info.parameters.unwrap_or_default().into_iter().collect();
        parameters.sort();
        Self {
            request: info.request,
            coordinator: info.coordinator,
            took: info.duration.and_then(micros),
            parameters,
            events: events.collect(),
        }
    }
}

/// The trace, as soon as it is complete, or as it is when the time is over.
pub(in crate::session) async fn trace(
    session: &Inner,
    id: Uuid,
    within: Duration,
) -> Result<Trace, Error> {
    let request = Request::from(&TRACE);
    let until = add(Instant::now(), within);
    let mut found = Err(ErrorKind::Timeout { after: within });
    loop {
        match session.until(until, session.driver.get_tracing_info(&id)).await {
            Some(Ok(info)) if info.duration.is_some() => return Ok(info.into()),
            Some(Ok(info)) => found = Ok(info.into()),
            Some(Err(TracingError::EmptyResults)) if found.is_err() => {
                let missing = "there is no such trace, or not yet: ask again, for longer";
                found = Err(ErrorKind::Rows(missing.to_owned()));
            }
            Some(Err(TracingError::EmptyResults)) | None => {}
            Some(Err(error)) if found.is_err() => return Err(request.error(failure(error), None)),
            // What there is goes before an error.
            Some(Err(_)) => return found.map_err(|kind| request.error(kind, None)),
        }
        let pause = async { sleep(PAUSE).await };
        if session.until(until, pause).await.is_none() {
            if session.is_aborted() {
                found = found.or(Err(ErrorKind::AbortedByShutdown));
            }
            return found.map_err(|kind| request.error(kind, None));
        }
    }
}

fn failure(error: TracingError) -> Failure {
    match error {
        TracingError::ExecutionError(error) => error.into(),
        TracingError::PrepareError(error) => error.into(),
        _ => ErrorKind::UnreadableAnswer.into(),
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace")
            .field("coordinator", &self.coordinator)
            .field("took", &self.took)
            .field("events", &self.events.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for TraceEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceEvent")
            .field("node", &self.node)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}
