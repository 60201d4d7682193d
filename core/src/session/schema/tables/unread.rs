//! Why something of the schema could not be read.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::error::ErrorKind;

/// Why something of the schema could not be read from a node. Another one may tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::session) enum Unread {
    /// No node is connected.
    NoNode,
    /// The node did not tell this.
    Node { node: SocketAddr, asked: String, why: ReadFault },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::session) enum ReadFault {
    /// No answer within this time.
    Late(Duration),
    Failed(ErrorKind),
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Node { node, asked, why } = self else {
            return f.write_str("no node is connected");
        };
        write!(f, "{node} did not tell {asked}: ")?;
        match why {
            ReadFault::Late(after) => write!(f, "no answer within {after:.1?}"),
            ReadFault::Failed(kind) => write!(f, "{kind}"),
        }
    }
}
