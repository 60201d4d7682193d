//! What can go wrong with making something go wrong.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::script::Way;
use crate::cluster::ClusterError;

/// Why a proxy or a script did not do what it was told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FaultError {
    /// Only nodes of this machine are to be disturbed.
    #[error("{0} is not a loopback address, and a fault proxy leads to no other")]
    NotLoopback(SocketAddr),
    /// No loopback address is free.
    #[error(transparent)]
    Lease(#[from] ClusterError),
    /// The proxy cannot listen.
    #[error("cannot listen at {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// There is nothing to play.
    #[error("the script has no steps")]
    NoSteps,
    /// A step follows one that has no end, or ends the connection.
    #[error(
        "step {number}, {step}, is never reached: the one before it has no end, or ends the connection"
    )]
    NeverReached {
        /// The step's number, from 1.
        number: usize,
        /// The step.
        step: String,
    },
    /// It would do nothing, for ever.
    #[error("the script would go round for ever: over and over, and no step takes bytes or time")]
    Spins,
    /// One script at a time.
    #[error("a script for {0:?} is being played already: drop its `Playing` first")]
    Busy(Way),
    /// No frame came for which the condition holds.
    #[error("the script has not begun within {within:?}: no such frame came{trouble}")]
    NotBegun {
        /// How long was waited.
        within: Duration,
        /// What else is known.
        trouble: String,
    },
    /// A step still waits.
    #[error("after {within:?} the script is still at step {at}")]
    Unfinished {
        /// How long was waited.
        within: Duration,
        /// The step, with its number.
        at: String,
    },
    /// A step could not be done.
    #[error("step {at}: {why}")]
    Failed {
        /// The step, with its number.
        at: String,
        /// What was in its way.
        why: String,
    },
}
