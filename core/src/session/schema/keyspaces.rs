//! The keyspace in use.
//!
//! It is a property of each connection, and the driver changes one after another: it stores the new name
//! first, and then tells all connections. In between, and after a `USE` that did not succeed, a text without
//! a keyspace means one thing on one connection and another on the next. So a `USE` runs alone: it waits for
//! what was sent without a keyspace before it, and what comes after it waits for its answer.
//!
//! What is prepared and bound is not held up: a server knows a prepared statement by a hash of its keyspace
//! and text, so that it stays where it was prepared.

use std::sync::Arc;

use scylla::client::session::Session as Driver;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use crate::session::schema::generation::Clock;

pub(in crate::session) struct Keyspaces {
    /// Written by a `USE`; read for as long as something is sent that depends on it. It is fair: who waits
    /// for one `USE` does not wait for a later one.
    in_use: Arc<RwLock<InUse>>,
    clock: Arc<Clock>,
}

struct InUse {
    name: Option<Arc<String>>,
    /// Of the `USE` that made it so. It is certain while the clock has the same number.
    number: u64,
}

/// The keyspace in use, which stays so for as long as this is held.
pub(in crate::session) struct Settled(OwnedRwLockReadGuard<InUse>);

impl Settled {
    pub(in crate::session) fn name(&self) -> Option<&Arc<String>> {
        self.0.name.as_ref()
    }

    /// What was prepared under another number is out of date.
    pub(in crate::session) fn number(&self) -> u64 {
        self.0.number
    }
}

impl Keyspaces {
    pub(in crate::session) fn new(driver: &Driver, clock: Arc<Clock>) -> Self {
        clock.settle_keyspace(1);
        let in_use = InUse { name: driver.get_keyspace(), number: 1 };
        Self { in_use: Arc::new(RwLock::new(in_use)), clock }
    }

    /// The keyspace in use, or to be in use by the `USE` that is under way.
    pub(in crate::session) fn name(&self, driver: &Driver) -> Option<Arc<String>> {
        match self.in_use.try_read() {
            Ok(in_use) => in_use.name.clone(),
            Err(_) => driver.get_keyspace(),
        }
    }

    /// To be called when a server answers for another keyspace than the one in use.
    pub(in crate::session) fn unsettle(&self) {
        self.clock.unsettle_keyspace();
    }

    /// Waits until no `USE` is under way.
    pub(in crate::session) async fn read(&self) -> Settled {
        Settled(Arc::clone(&self.in_use).read_owned().await)
    }

    /// Whether it is what the connections have in use. Users can have the driver's own session, and may have
    /// told that another one.
    pub(in crate::session) fn is_certain(&self, driver: &Driver, settled: &Settled) -> bool {
        driver.get_keyspace().as_ref() == settled.name()
            && self.clock.keyspace() == settled.number()
    }

    /// Waits until nothing is under way that depends on it, and begins to change it.
    pub(in crate::session) async fn change(&self) -> Change {
        let in_use = Arc::clone(&self.in_use).write_owned().await;
        Change::begin(in_use, Arc::clone(&self.clock))
    }

    /// By which all that was prepared learns of it.
    pub(in crate::session) fn clock(&self) -> Arc<Clock> {
        Arc::clone(&self.clock)
    }
}

/// A `USE` under way: for as long as it lives, and if nobody settles it, no keyspace is certain.
pub(in crate::session) struct Change {
    in_use: OwnedRwLockWriteGuard<InUse>,
    clock: Arc<Clock>,
    was_certain: bool,
}

impl Change {
    fn begin(in_use: OwnedRwLockWriteGuard<InUse>, clock: Arc<Clock>) -> Self {
        let was_certain = clock.keyspace() == in_use.number;
        clock.unsettle_keyspace();
        Self { in_use, clock, was_certain }
    }

    /// Its number.
    pub(in crate::session) fn settle(&mut self, name: Option<Arc<String>>) -> u64 {
        let is_same = self.was_certain && self.in_use.name == name;
        let number = self.in_use.number + u64::from(!is_same);
        *self.in_use = InUse { name, number };
        self.clock.settle_keyspace(number);
        number
    }

    pub(in crate::session) fn clock(&self) -> &Clock {
        &self.clock
    }
}
