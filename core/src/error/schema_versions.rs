//! What nodes told of their schema.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use uuid::Uuid;

/// The versions of the schema that nodes had, when the time to agree on a change was over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaVersions {
    /// How long it was waited for after the change was done.
    pub after: Duration,
    /// The nodes that were connected, at the addresses that are their own, and the version that each told last; none if it did not tell it.
    pub told: Vec<(SocketAddr, Option<Uuid>)>,
}

/// How many nodes are named for each version.
const NAMED: usize = 3;

impl SchemaVersions {
    /// For what a test puts in place of a session.
    #[must_use]
    pub fn new(after: Duration, told: Vec<(SocketAddr, Option<Uuid>)>) -> Self {
        Self { after, told }
    }

    /// Whether two nodes told different versions.
    pub(crate) fn disagree(&self) -> bool {
        let mut versions = self.told.iter().filter_map(|(_, version)| version.as_ref());
        let first = versions.next();
        versions.any(|version| Some(version) != first)
    }
}

/// With the nodes of each version.
impl fmt::Display for SchemaVersions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the schema was changed, and {:.1?} later ", self.after)?;
        f.write_str(if self.disagree() {
            "nodes have different versions of it: "
        } else {
            "it is not known whether the nodes agree on it: "
        })?;
        let mut nodes_of = BTreeMap::<_, Vec<_>>::new();
        for (node, version) in &self.told {
            // Those that told nothing come last.
            nodes_of.entry((version.is_none(), version)).or_default().push(node);
        }
        if nodes_of.is_empty() {
            return f.write_str("no node was connected");
        }
        for (index, ((_, version), nodes)) in nodes_of.into_iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "; " })?;
            match version {
                Some(version) => write!(f, "{version} at ")?,
                None => f.write_str("no answer from ")?,
            }
            for (index, node) in nodes.iter().take(NAMED).enumerate() {
                write!(f, "{}{node}", if index == 0 { "" } else { ", " })?;
            }
            if let more @ 1.. = nodes.len().saturating_sub(NAMED) {
                write!(f, " and {more} more")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_named_by_version_and_few_of_each() {
        let (old, new) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let node = |last: u8| SocketAddr::from(([127, 0, 0, last], 9042));
        let mut told = vec![(node(9), None), (node(1), Some(new)), (node(2), Some(old))];
        told.extend((3..8).map(|last| (node(last), Some(new))));
        let mut versions = SchemaVersions { after: Duration::from_secs(10), told };
        assert!(versions.disagree());
        assert_eq!(
            versions.to_string(),
            "the schema was changed, and 10.0s later nodes have different versions of it: \
             00000000-0000-0000-0000-000000000001 at 127.0.0.2:9042; \
             00000000-0000-0000-0000-000000000002 at 127.0.0.1:9042, 127.0.0.3:9042, 127.0.0.4:9042 and 3 more; \
             no answer from 127.0.0.9:9042"
        );
        versions.told.retain(|(_, version)| *version != Some(old));
        assert!(!versions.disagree());
        versions.told.clear();
        assert_eq!(
            versions.to_string(),
            "the schema was changed, and 10.0s later it is not known whether the nodes agree on it: no node was \
             connected"
        );
    }
}
