//! Noticing that the schema changed.
//!
//! Others change it: one task a session asks a node for the version of its schema, again and again. The
//! session itself does: its statement is answered after the nodes agree and the tables were read again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use futures::future::join;
use tokio::select;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use super::execute::{add, until};
use super::tables::Refreshed;
use super::{Inner, agreement};
use crate::error::{Error, ErrorClass, ErrorKind, Failure};
use crate::request::Request;
use crate::response::Response;

/// How long a statement that changed the schema is held up for what the session knows of it.
const CATCH_UP: Duration = Duration::from_secs(2);

/// How long the driver may take to read nodes and keyspaces.
const FOR_CLUSTER: Duration = Duration::from_secs(2);

/// The task, which ends with this.
#[derive(Default)]
pub(super) struct Watcher {
    task: OnceLock<AbortHandle>,
    /// The driver could not read nodes and keyspaces.
    is_blind: AtomicBool,
}

impl Watcher {
    pub(super) fn stop(&self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop();
    }
}

/// To be called once, when the session is built.
pub(super) fn start(session: &Arc<Inner>) {
    let age = Arc::clone(&session.age);
    let watch = watch(Arc::downgrade(session), session.config.schema_refresh);
    let task = async move {
        select! { () = watch => (), () = age.keep() => () }
    };
    session.watcher.task.get_or_init(|| tokio::spawn(task).abort_handle());
}

async fn watch(session: Weak<Inner>, every: Duration) {
    let mut pause = Box::pin(sleep(every));
    loop {
        pause.as_mut().await;
        // The cluster may take longer to be read than tables can wait.
        pause.set(sleep(every));
        let Some(session) = session.upgrade() else { return };
        let _no_request = session.inside.no_request();
        let refreshed = session.tables.refresh(&session).await;
        let is_blind = session.watcher.is_blind.load(Ordering::Relaxed);
        // Where no node tells of tables, none would tell of the cluster.
        if refreshed.is_ok_and(|refreshed| is_blind || refreshed == Refreshed::Other) {
            refresh_cluster(&session, every.min(FOR_CLUSTER)).await;
        }
    }
}

/// After a statement that may have changed the schema: the nodes agree on it, and what the session knows is as
/// new as its answer.
pub(super) async fn catch_up(
    session: &Inner,
    request: &Request,
    until: Instant,
    answer: Result<Response, Error>,
) -> Result<Response, Error> {
    if !request.statement().may_change_schema() {
        return answer;
    }
    let answer = match answer {
        Ok(response) => agreed(session, request, until, response).await,
        failed => failed,
    };
    let is_known = match &answer {
        Ok(_) => {
            let by = until.min(Instant::now() + CATCH_UP);
            let is_cut = || session.inside.is_cut();
            let (tables, ()) = join(
                self::until(is_cut, by, session.tables.refresh(session)),
                refresh_cluster(session, by.saturating_duration_since(Instant::now())),
            )
            .await;
            tables.is_some_and(|refreshed| refreshed.is_ok())
        }
        // It was not executed.
        Err(error) => error.class() != ErrorClass::Ambiguous,
    };
    if !is_known {
        session.tables.forget(session);
    }
    answer
}

/// The answer, once the nodes agree on what it changed.
async fn agreed(
    session: &Inner,
    request: &Request,
    until: Instant,
    response: Response,
) -> Result<Response, Error> {
    let by = until.min(add(Instant::now(), session.config.schema_agreement_timeout));
    let reach = agreement::reach(session, response.coordinator_id(), by);
    // It keeps its time by itself.
    let reached = self::until(|| session.inside.is_cut(), add(by, CATCH_UP), reach).await;
    let kind = match reached {
        Some(Ok(())) => return Ok(response),
        Some(Err(kind)) => kind,
        None => ErrorKind::CutOff,
    };
    let failure = Failure { attempted: true, ..kind.into() };
    Err(request.error(failure, Some(session.config.consistency)))
}

/// The driver reads nodes and keyspaces. If it cannot it goes on with what it knew, and nobody would learn
/// of it.
async fn refresh_cluster(session: &Inner, within: Duration) {
    let refresh = session.driver.refresh_metadata();
    let refreshed = until(|| session.inside.is_cut(), Instant::now() + within, refresh).await;
    // Who is cut off is told otherwise.
    if session.inside.is_cut() {
        return;
    }
    let is_blind = !matches!(refreshed, Some(Ok(())));
    let was_blind = session.watcher.is_blind.swap(is_blind, Ordering::Relaxed);
    session.schema.generation(&session.driver);
    match refreshed {
        Some(Err(error)) if !was_blind => tracing::warn!(
            %error,
            "nodes and keyspaces of the cluster cannot be read: the session goes on with those that it knows"
        ),
        None if !was_blind => tracing::warn!(
            "nodes and keyspaces of the cluster were not read in {within:.1?}: the session goes on with those \
             that it knows"
        ),
        Some(Ok(())) if was_blind => {
            tracing::info!("nodes and keyspaces of the cluster are read again");
        }
        _ => {}
    }
}
