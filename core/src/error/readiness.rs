//! How many ranges of a keyspace can be read or written.

use std::fmt;
use std::net::SocketAddr;

use scylla::frame::types::Consistency;

/// How many of the ranges of a keyspace have enough replicas up for a consistency level: what
/// [`Session::check_ready_at`](crate::Session::check_ready_at) found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Readiness {
    /// The keyspace in use.
    pub keyspace: String,
    /// The level that was asked for.
    pub consistency: Consistency,
    /// Ranges with enough replicas up.
    pub ready: usize,
    /// All ranges of the ring; 1 where tablets or another strategy put replicas anywhere, and all nodes count.
    pub ranges: usize,
    /// The nodes that did not answer in time.
    pub down: Vec<SocketAddr>,
}

impl Readiness {
    /// For what a test puts in place of a session.
    #[must_use]
    pub fn new(keyspace: impl Into<String>, consistency: Consistency) -> Self {
        Self { keyspace: keyspace.into(), consistency, ready: 0, ranges: 0, down: Vec::new() }
    }

    /// The share of the ranges with enough replicas up, from 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "no ring has 2^52 ranges")]
    pub fn share(&self) -> f64 {
        if self.ranges == 0 { 0.0 } else { self.ready as f64 / self.ranges as f64 }
    }
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { keyspace, consistency, ready, ranges, down } = self;
        let percent = self.share() * 100.0;
        write!(
            f,
            "{ready} of {ranges} ranges ({percent:.0} %) of keyspace `{keyspace}` have enough replicas up for \
             {consistency}"
        )?;
        for (index, node) in down.iter().enumerate() {
            write!(f, "{}{node}", if index == 0 { "; no answer from " } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_said_and_the_nodes_are_named() {
        let mut readiness = Readiness::new("app", Consistency::Quorum);
        assert_eq!(readiness.share().to_bits(), 0);
        (readiness.ready, readiness.ranges) = (6, 24);
        readiness.down = vec![SocketAddr::from(([127, 0, 0, 1], 1)); 2];
        assert_eq!(
            readiness.to_string(),
            "6 of 24 ranges (25 %) of keyspace `app` have enough replicas up for Quorum; no answer from \
             127.0.0.1:1, 127.0.0.1:1"
        );
    }
}
