//! Changes of the schema by the session itself.

use std::time::Duration;

use futures::future::join;
use tokio::time::Instant;

use crate::error::{Error, ErrorClass, ErrorKind, Failure};
use crate::request::Request;
use crate::response::Response;
use crate::session::execution::error::error_of;
use crate::session::inner::Inner;
use crate::session::schema::agreement;
use crate::session::schema::agreement::Told;
use crate::session::schema::watcher::refresh_cluster;
use crate::session::wait::add;

/// How long a statement that changed the schema is held up for what the session knows of it.
const CATCH_UP: Duration = Duration::from_secs(2);

/// A statement under way that may change the schema.
pub(in crate::session) struct SchemaChange<'s> {
    session: &'s Inner,
    request: &'s Request,
    /// The time of the call.
    until: Instant,
    before: Told,
}

impl<'s> SchemaChange<'s> {
    /// To be called before the statement is sent. None if it changes no schema.
    pub(in crate::session) async fn begin(
        session: &'s Inner,
        request: &'s Request,
        until: Instant,
    ) -> Option<Self> {
        if !request.statement().may_change_schema() {
            return None;
        }
        let before = agreement::before(session, until).await;
        Some(Self { session, request, until, before })
    }

    /// Ends when the nodes agree on the change, if it is one, and what the session knows is as new as the answer.
    pub(in crate::session) async fn end(
        change: Option<Self>,
        answer: Result<Response, Error>,
    ) -> Result<Response, Error> {
        let Some(change) = change else { return answer };
        let answer = match answer {
            Ok(response) => change.agreed(response).await,
            failed => failed,
        };
        let is_known = match &answer {
            Ok(_) => change.is_read().await,
            // It was not executed.
            Err(error) => error.class() != ErrorClass::Ambiguous,
        };
        if !is_known {
            change.session.tables.forget(change.session);
        }
        answer
    }

    async fn agreed(&self, response: Response) -> Result<Response, Error> {
        let Self { session, request, until: time, before } = self;
        let by = (*time).min(add(Instant::now(), session.config.schema_agreement_timeout));
        let reach = agreement::reach(session, before, response.coordinator_id(), by);
        // It keeps its time by itself.
        let reached = session.until(add(by, CATCH_UP), reach).await;
        let kind = match reached {
            Some(Ok(())) => return Ok(response),
            Some(Err(kind)) => kind,
            None => ErrorKind::AbortedByShutdown,
        };
        let failure = Failure { attempted: true, ..kind.into() };
        Err(error_of(session, request, failure))
    }

    /// Whether the tables were read again.
    async fn is_read(&self) -> bool {
        let session = self.session;
        let by = self.until.min(Instant::now() + CATCH_UP);
        let tables = session.tables.refresh(session);
        let tables = session.until(by, tables);
        let cluster = refresh_cluster(session, by.saturating_duration_since(Instant::now()));
        let (tables, ()) = join(tables, cluster).await;
        tables.flatten().is_some()
    }
}
