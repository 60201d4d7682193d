//! The state of a session, which its requests and tasks share.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use scylla::client::session::Session as Driver;
use scylla::policies::load_balancing::LoadBalancingPolicy;
use tokio::time::Instant;

use crate::prepared::ALL_ROWS;
use crate::session::config::SessionConfig;
use crate::session::config::translation::Translation;
use crate::session::deadline_timer::DeadlineTimer;
use crate::session::schema::age::SchemaAge;
use crate::session::schema::generation::SchemaClock;
use crate::session::schema::keyspaces::Keyspaces;
use crate::session::schema::tables::Tables;
use crate::session::schema::watcher::Watcher;
use crate::session::topology::clocks::Clocks;
use crate::session::topology::node_attempts::NodeAttempts;
use crate::session::wait::{self, ShutdownSignal};

pub(in crate::session) struct Inner {
    pub(in crate::session) driver: Driver,
    pub(in crate::session) config: SessionConfig,
    pub(in crate::session) schema: SchemaClock,
    pub(in crate::session) age: Arc<SchemaAge>,
    pub(in crate::session) tables: Tables,
    pub(in crate::session) keyspaces: Keyspaces,
    /// For what has to be coordinated by the first replica of its token.
    pub(in crate::session) first_replica: Arc<dyn LoadBalancingPolicy>,
    /// Of its load balancing policy.
    pub(in crate::session) attempts: Arc<NodeAttempts>,
    pub(in crate::session) translation: Arc<Translation>,
    /// By which the nodes know its connections.
    pub(in crate::session) client_id: String,
    pub(in crate::session) clocks: Clocks,
    /// A server was seen to end a page, by its bytes, of a read that asked for none.
    pub(in crate::session) ends_pages: AtomicBool,
    pub(in crate::session) watcher: Watcher,
    /// The last, so that all else is gone when its end is noticed.
    pub(in crate::session) shutdown: ShutdownSignal,
}

impl Inner {
    /// Whether requests are to end now, answered or not.
    pub(in crate::session) fn is_aborted(&self) -> bool {
        self.shutdown.aborted.is_cancelled()
    }

    /// Waits until then, or until the session is shut down.
    pub(in crate::session) fn until<T>(
        &self,
        until: Instant,
        future: impl Future<Output = T>,
    ) -> impl Future<Output = Option<T>> {
        wait::until(&self.shutdown.aborted, until, future)
    }

    /// Ready when the time of a request is over, or the session is shut down. Costs next to nothing where it is
    /// dropped soon. The timer is that of [`wait::timer`].
    pub(in crate::session) fn over(
        &self,
        timer: &mut DeadlineTimer,
        started: Instant,
        until: Instant,
    ) -> impl Future<Output = ()> {
        wait::over(timer, &self.shutdown.aborted, started, until)
    }

    /// As the driver takes it. [`ALL_ROWS`] means something else.
    pub(in crate::session) fn page_size(&self) -> i32 {
        i32::try_from(self.config.page_size).unwrap_or(ALL_ROWS).min(ALL_ROWS - 1)
    }
}
