//! What is known about a statement, as a `static` holds it.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use cqlstack_syntax::{Facts, StatementKind};
use scylla::frame::types::{Consistency, SerialConsistency};

use super::kind;
use crate::request::PageSize;
use crate::timestamp::Timestamps;

/// How its requests are to be executed, where they leave it open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Defaults {
    pub(crate) consistency: Option<Consistency>,
    pub(crate) serial_consistency: Option<SerialConsistency>,
    pub(crate) page_size: Option<PageSize>,
    pub(crate) attempt_timeout: Option<Duration>,
    pub(crate) timestamps: Option<Timestamps>,
}

impl Defaults {
    const NONE: Self = Self {
        consistency: None,
        serial_consistency: None,
        page_size: None,
        attempt_timeout: None,
        timestamps: None,
    };
}

/// Where the facts of a text are from.
#[derive(Debug, Clone)]
pub(super) enum Known {
    /// The macro read it, or there is nothing to read.
    Given(Facts),
    /// It is read when first asked for.
    Read(OnceLock<Facts>),
}

/// The facts behind a [`Statement`](super::Statement), in a form that a `static` can hold.
///
/// ```
/// use cqlstack_core::{Statement, StaticStatement};
///
/// static RENAME: StaticStatement =
///     StaticStatement::new("UPDATE app.users SET name = ? WHERE id = ?").named("rename_user");
///
/// let rename = Statement::from_static(&RENAME); // `db.execute(&RENAME, ...)` does it by itself
/// assert_eq!(rename.name(), "rename_user");
/// assert!(rename.is_idempotent());
/// ```
pub struct StaticStatement {
    pub(super) text: Cow<'static, str>,
    pub(super) name: Option<&'static str>,
    pub(super) kind: Option<StatementKind>,
    pub(super) idempotent: Option<bool>,
    pub(super) defaults: Defaults,
    facts: Known,
    /// 0 until first asked for.
    pub(super) id: AtomicU32,
}

impl StaticStatement {
    /// A statement whose text is known when the program is compiled.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        Self::with_text(Cow::Borrowed(text))
    }

    pub(super) const fn with_text(text: Cow<'static, str>) -> Self {
        Self::made(text, Known::Read(OnceLock::new()))
    }

    /// A statement whose text need not be read: its facts are known when the program is compiled.
    pub(crate) const fn with_facts(text: &'static str, facts: Facts) -> Self {
        Self::made(Cow::Borrowed(text), Known::Given(facts))
    }

    pub(super) const fn made(text: Cow<'static, str>, facts: Known) -> Self {
        Self {
            text,
            name: None,
            kind: None,
            idempotent: None,
            defaults: Defaults::NONE,
            facts,
            id: AtomicU32::new(0),
        }
    }

    /// As [`Statement::named`](super::Statement::named).
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }

    /// As [`Statement::with_kind`](super::Statement::with_kind).
    #[must_use]
    pub const fn with_kind(mut self, kind: StatementKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// As [`Statement::idempotent`](super::Statement::idempotent).
    #[must_use]
    pub const fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = Some(idempotent);
        self
    }

    /// As [`Statement::with_consistency`](super::Statement::with_consistency).
    #[must_use]
    pub const fn with_consistency(mut self, consistency: Consistency) -> Self {
        self.defaults.consistency = Some(consistency);
        self
    }

    /// As [`Statement::with_serial_consistency`](super::Statement::with_serial_consistency).
    #[must_use]
    pub const fn with_serial_consistency(mut self, consistency: SerialConsistency) -> Self {
        self.defaults.serial_consistency = Some(consistency);
        self
    }

    /// As [`Statement::with_page_size`](super::Statement::with_page_size).
    #[must_use]
    pub const fn with_page_size(mut self, rows: u32) -> Self {
        self.defaults.page_size = Some(PageSize::new(rows));
        self
    }

    /// As [`Statement::without_paging`](super::Statement::without_paging).
    #[must_use]
    pub const fn without_paging(mut self) -> Self {
        self.defaults.page_size = Some(PageSize::NONE);
        self
    }

    /// As [`Statement::with_attempt_timeout`](super::Statement::with_attempt_timeout).
    #[must_use]
    pub const fn with_attempt_timeout(mut self, timeout: Duration) -> Self {
        self.defaults.attempt_timeout = Some(timeout);
        self
    }

    pub(super) fn name(&self) -> &str {
        self.name.unwrap_or_else(|| self.facts().label())
    }

    #[inline]
    pub(crate) fn facts(&self) -> &Facts {
        match &self.facts {
            Known::Given(facts) => facts,
            Known::Read(facts) => facts.get_or_init(|| {
                let made_at_run_time = matches!(self.text, Cow::Owned(_));
                kind::read(&self.text, made_at_run_time)
            }),
        }
    }
}

/// Another statement, which has an id of its own: its name may differ.
impl Clone for StaticStatement {
    fn clone(&self) -> Self {
        Self {
            text: self.text.clone(),
            name: self.name,
            kind: self.kind,
            idempotent: self.idempotent,
            defaults: self.defaults,
            facts: self.facts.clone(),
            id: AtomicU32::new(0),
        }
    }
}

impl fmt::Debug for StaticStatement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticStatement").field("name", &self.name()).finish_non_exhaustive()
    }
}
