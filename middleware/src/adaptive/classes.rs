//! Classes of statements: each has a limit of its own.

use std::fmt;

use cqlstack_core::layer::Described;
use cqlstack_core::{InvalidConfig, Statement, StatementKind};

/// So many classes can there be: each has a limit, and figures.
pub(super) const MOST_CLASSES: usize = 16;

/// The classes that there are without [`classes`](super::AdaptiveLimitBuilder::classes), in the order of
/// [`AdaptiveHandle::stats`](super::AdaptiveHandle::stats).
///
/// | class | statements |
/// |---|---|
/// | `read` | a `SELECT` that asks for keys: `=` or `IN` in its `WHERE`, without `ALLOW FILTERING` |
/// | `scan` | any other `SELECT` ([`Statement::is_scan`]) |
/// | `write` | `INSERT`, `UPDATE`, `DELETE`, batches, counters |
/// | `conditional` | a write with `IF` |
/// | `other` | what changes a schema, and what the parser does not know |
pub const DEFAULT_CLASSES: [&str; 5] = ["read", "scan", "write", "conditional", "other"];

type OfStatement = Box<dyn Fn(&Statement) -> usize + Send + Sync>;

/// The names of classes, and which one a statement is of.
pub(super) struct Classes {
    pub(super) names: Box<[&'static str]>,
    of: Option<OfStatement>,
}

impl Default for Classes {
    fn default() -> Self {
        Self { names: DEFAULT_CLASSES.into(), of: None }
    }
}

impl Classes {
    pub(super) fn new(
        names: &[&'static str],
        of: impl Fn(&Statement) -> usize + Send + Sync + 'static,
    ) -> Result<Self, InvalidConfig> {
        let invalid = |why: String| Err(InvalidConfig::new("classes", why));
        if names.is_empty() || names.len() > MOST_CLASSES {
            return invalid(format!("are {}, and there can be 1 to {MOST_CLASSES}", names.len()));
        }
        let twice = (1..names.len()).find(|index| names[..*index].contains(&names[*index]));
        match twice {
            Some(index) => invalid(format!("have the name `{}` twice", names[index])),
            None => Ok(Self { names: names.into(), of: Some(Box::new(of)) }),
        }
    }

    /// A class that there is not is the last.
    #[inline]
    pub(super) fn of(&self, request: &impl Described) -> usize {
        match &self.of {
            None => default(request),
            Some(of) => of(request.statement()).min(self.names.len() - 1),
        }
    }
}

#[inline]
fn default(request: &impl Described) -> usize {
    match request.kind() {
        StatementKind::Read => usize::from(request.statement().is_scan()),
        StatementKind::Write
        | StatementKind::MultiPartition
        | StatementKind::LoggedBatch
        | StatementKind::Counter => 2,
        StatementKind::Conditional => 3,
        _ => 4,
    }
}

impl fmt::Debug for Classes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.names.fmt(f)
    }
}
