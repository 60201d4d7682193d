//! How far the nodes' clocks are from that of this program, by which plain writes are stamped.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use futures::future::join_all;
use scylla::cluster::Node;
use scylla::value::CqlTimestamp;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::lock::lock;
use crate::session::inner::Inner;
use crate::session::topology::ask::query;
use crate::timestamp;

/// How often they are compared.
const EVERY: Duration = Duration::from_secs(60);
/// How often a node is asked each time.
const ASKED: usize = 3;
/// How long a node may take to tell its time.
const ANSWER: Duration = Duration::from_millis(300);
/// A node tells milliseconds: in the mean it is half of one later.
const HALF: i64 = 500;

/// How far a node's clock is from that of this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClockOffset {
    /// How many microseconds the node is ahead; less than zero if it is behind.
    pub ahead_micros: i64,
    /// How wrong that can be: half of the time that the node took to answer, and half a millisecond.
    pub error: Duration,
}

impl fmt::Display for ClockOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (by, where_to) = (Duration::from_micros(self.ahead_micros.unsigned_abs()), self.is());
        write!(f, "{by:.1?} {where_to} (± {:.1?})", self.error)
    }
}

impl ClockOffset {
    fn is(&self) -> &'static str {
        if self.ahead_micros < 0 { "behind" } else { "ahead" }
    }

    /// Asked before and answered after by our clock, in microseconds.
    fn new(before: i64, node_millis: i64, after: i64) -> Self {
        let half = after.saturating_sub(before).max(0) / 2;
        let ours = before.saturating_add(half);
        let theirs = node_millis.saturating_mul(1_000).saturating_add(HALF);
        let error = Duration::from_micros(half.saturating_add(HALF).unsigned_abs());
        Self { ahead_micros: theirs.saturating_sub(ours), error }
    }

    /// How far it is off for certain.
    fn is_off_by(&self) -> Duration {
        Duration::from_micros(self.ahead_micros.unsigned_abs()).saturating_sub(self.error)
    }

    /// How far the node may be behind.
    fn may_be_behind(&self) -> Duration {
        let error = i64::try_from(self.error.as_micros()).unwrap_or(i64::MAX);
        let behind = error.saturating_sub(self.ahead_micros).max(0);
        Duration::from_micros(behind.unsigned_abs())
    }
}

#[derive(Default)]
pub(in crate::session) struct Clocks(Mutex<HashMap<Uuid, Known>>);

#[derive(Clone, Copy)]
struct Known {
    offset: ClockOffset,
    /// It told it when it was asked last.
    is_told: bool,
    is_warned_of: bool,
}

impl Clocks {
    pub(in crate::session) fn of(&self, node: Uuid) -> Option<ClockOffset> {
        self.known().get(&node).filter(|known| known.is_told).map(|known| known.offset)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Uuid, Known>> {
        lock(&self.0)
    }

    /// Asks all nodes that are connected, and returns how far one of them may be behind: of one that does not
    /// tell, by what it told last.
    pub(in crate::session) async fn compare(&self, session: &Inner) -> Duration {
        let cluster = session.driver.get_cluster_state();
        let nodes = cluster.get_nodes_info();
        self.known().retain(|id, _| nodes.iter().any(|node| node.host_id == *id));
        let compared = nodes.iter().map(async |node| {
            let told = if node.is_connected() { ask(session, node).await } else { None };
            match told {
                Some(offset) => self.note(session, node, offset),
                None => self.has_not_told(node.host_id),
            }
        });
        join_all(compared).await;
        let behind = self.known().values().map(|known| known.offset.may_be_behind()).max();
        behind.unwrap_or_default()
    }

    fn has_not_told(&self, node: Uuid) {
        if let Some(known) = self.known().get_mut(&node) {
            known.is_told = false;
        }
    }

    fn note(&self, session: &Inner, node: &Node, offset: ClockOffset) {
        let (off_by, limit) = (offset.is_off_by(), session.config.clock_warning);
        let mut known = self.known();
        let was_warned_of = known.get(&node.host_id).is_some_and(|before| before.is_warned_of);
        // It is worth another warning after it was well within the limit.
        let is_warned_of = off_by > limit || (was_warned_of && off_by > limit / 2);
        known.insert(node.host_id, Known { offset, is_told: true, is_warned_of });
        drop(known);
        if is_warned_of && !was_warned_of {
            let node = session.translation.address(node);
            tracing::warn!(
                "the clock of {node} is {offset} of this program's: of two writes of a cell that with the later \
                 timestamp stays; synchronise the clocks"
            );
        }
    }
}

/// The best of a few answers: that which came first tells the most.
async fn ask(session: &Inner, node: &Arc<Node>) -> Option<ClockOffset> {
    let mut best = ask_once(session, node).await?;
    for _ in 1..ASKED {
        let Some(offset) = ask_once(session, node).await else { break };
        if offset.error < best.error {
            best = offset;
        }
    }
    Some(best)
}

async fn ask_once(session: &Inner, node: &Arc<Node>) -> Option<ClockOffset> {
    let text = "SELECT toTimestamp(now()) FROM system.local WHERE key = 'local'";
    let before = timestamp::now();
    let answer = query(&session.driver, node, text);
    let answer = session.until(Instant::now() + ANSWER, answer).await;
    let after = timestamp::now();
    let rows = answer?.ok()?.into_rows_result().ok()?;
    let (CqlTimestamp(millis),) = rows.single_row::<(CqlTimestamp,)>().ok()?;
    Some(ClockOffset::new(before, millis, after))
}

/// Compares them again and again, for as long as the session is there.
pub(in crate::session) async fn keep(session: Weak<Inner>) {
    loop {
        {
            let Some(session) = session.upgrade() else { return };
            session.clocks.compare(&session).await;
        }
        sleep(EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_known_to_half_of_the_round_trip() {
        let offset = ClockOffset::new(1_000_000, 1_201, 1_004_000);
        assert_eq!(offset.ahead_micros, 1_201_500 - 1_002_000);
        assert_eq!(offset.error, Duration::from_micros(2_500));
        assert_eq!(offset.is_off_by(), Duration::from_millis(197));
        assert_eq!(offset.may_be_behind(), Duration::ZERO);
        assert_eq!(offset.to_string(), "199.5ms ahead (± 2.5ms)");
        let behind = ClockOffset::new(1_000_000, 800, 1_000_000);
        assert_eq!(behind.may_be_behind(), Duration::from_millis(200));
        // Our clock stepped back while it was asked; or one of them is at the end of time.
        ClockOffset::new(1_000_000, i64::MAX, 0);
        ClockOffset::new(i64::MIN, i64::MIN, i64::MAX);
    }
}
