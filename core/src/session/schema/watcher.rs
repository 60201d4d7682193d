//! Noticing that others changed the schema.
//!
//! One task a session asks a node for the version of its schema, again and again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use tokio::select;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use crate::session::inner::Inner;
use crate::session::schema::tables::Refreshed;
use crate::session::topology::clocks;
use crate::session::topology::presence::Presence;

/// How long the driver may take to read nodes and keyspaces.
const FOR_CLUSTER: Duration = Duration::from_secs(2);

/// The task, which ends with this.
#[derive(Default)]
pub(in crate::session) struct Watcher {
    task: OnceLock<AbortHandle>,
    /// The driver could not read nodes and keyspaces.
    is_blind: AtomicBool,
}

impl Watcher {
    pub(in crate::session) fn stop(&self) {
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
pub(in crate::session) fn start(session: &Arc<Inner>) {
    let age = Arc::clone(&session.age);
    let watch = watch(Arc::downgrade(session), session.config.schema_refresh);
    let clocks = clocks::keep(Arc::downgrade(session));
    let presence = Presence::new(session).keep(Arc::downgrade(session));
    let task = async move {
        select! { () = watch => (), () = clocks => (), () = presence => (), () = age.keep() => () }
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
        let refreshed = session.tables.refresh(&session).await;
        let is_blind = session.watcher.is_blind.load(Ordering::Relaxed);
        // Where no node tells of tables, none would tell of the cluster.
        if refreshed.is_some_and(|refreshed| is_blind || refreshed == Refreshed::Other) {
            refresh_cluster(&session, every.min(FOR_CLUSTER)).await;
        }
    }
}

/// The driver reads nodes and keyspaces. If it cannot it goes on with what it knew, and nobody would learn
/// of it.
pub(in crate::session) async fn refresh_cluster(session: &Inner, within: Duration) {
    if within.is_zero() {
        // With the next look.
        session.watcher.is_blind.store(true, Ordering::Relaxed);
        return;
    }
    let refresh = session.driver.refresh_metadata();
    let refreshed = session.until(Instant::now() + within, refresh).await;
    // What is aborted is told otherwise.
    if session.is_aborted() {
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
