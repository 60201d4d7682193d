//! How a request is to be executed.

use std::fmt;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use scylla::frame::types::{Consistency, SerialConsistency};
use scylla::statement::batch::Batch as DriverBatch;
use scylla::statement::bound::BoundStatement;
use tokio::time::Instant;

use crate::attempts::Attempts;
use crate::error::Work;
use crate::statement::{Defaults, SchemaFacts, Statement, takes_timestamp};
use crate::timestamp::Stamp;

/// How a request is to be executed; what is `None` is for the session to decide.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub(crate) consistency: Option<Consistency>,
    serial_consistency: Option<SerialLevel>,
    pub(super) page_size: Option<PageSize>,
    pub(crate) attempt_timeout: Option<Duration>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) stamp: Stamp,
    pub(crate) attempts: Option<Attempts>,
    pub(crate) is_traced: bool,
}

/// The protocol has 31 bits for the rows of a page.
pub(crate) const PAGE_SIZES: RangeInclusive<u32> = 1..=i32::MAX.unsigned_abs();

/// How many rows a page has, or that there are no pages. In four bytes, also where it may be left open: a request is
/// copied at each layer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageSize(NonZeroU32);

impl PageSize {
    /// All rows at once.
    pub(crate) const NONE: Self = Self(NonZeroU32::MAX);

    /// One more than the rows. More than the protocol has is refused later.
    pub(crate) const fn new(rows: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(if rows < u32::MAX - 2 { rows } else { u32::MAX - 2 }))
    }

    pub(crate) fn rows(self) -> Option<u32> {
        (self != Self::NONE).then(|| self.0.get() - 1)
    }
}

impl fmt::Debug for PageSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rows() {
            Some(rows) => write!(f, "{rows}"),
            None => f.write_str("unpaged"),
        }
    }
}

/// The driver's level, in one byte of two: the other one is `is_traced`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SerialLevel {
    Serial,
    LocalSerial,
}

impl From<SerialConsistency> for SerialLevel {
    fn from(level: SerialConsistency) -> Self {
        match level {
            SerialConsistency::Serial => Self::Serial,
            SerialConsistency::LocalSerial => Self::LocalSerial,
        }
    }
}

impl From<SerialLevel> for SerialConsistency {
    fn from(level: SerialLevel) -> Self {
        match level {
            SerialLevel::Serial => Self::Serial,
            SerialLevel::LocalSerial => Self::LocalSerial,
        }
    }
}

/// What of the options goes to the driver with a bound statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ForDriver {
    consistency: Option<Consistency>,
    serial_consistency: Option<SerialLevel>,
    page_size: Option<i32>,
    timestamp: Option<i64>,
    is_traced: bool,
}

impl ForDriver {
    #[inline]
    pub(crate) fn apply(&self, bound: &mut BoundStatement) {
        if let Some(consistency) = self.consistency {
            bound.set_consistency(consistency);
        }
        if let Some(serial) = self.serial_consistency {
            bound.set_serial_consistency(Some(serial.into()));
        }
        if let Some(rows) = self.page_size {
            bound.set_page_size(rows);
        }
        bound.set_timestamp(self.timestamp);
        if self.is_traced {
            bound.set_tracing(true);
        }
    }
}

impl Options {
    /// What the statement says.
    #[inline]
    pub(super) fn of(statement: &Statement) -> Self {
        let Defaults { consistency, serial_consistency, page_size, attempt_timeout, .. } =
            statement.defaults();
        let serial_consistency = serial_consistency.map(SerialLevel::from);
        Self { consistency, serial_consistency, page_size, attempt_timeout, ..Self::default() }
    }

    /// With a timestamp, if it is one of a write.
    #[inline]
    pub(super) fn stamped(mut self, statement: &Statement) -> Self {
        if takes_timestamp(statement.kind()) {
            self.stamp = Stamp::new(statement.defaults().timestamps);
        }
        self
    }

    pub(crate) fn serial_consistency(&self) -> Option<SerialConsistency> {
        self.serial_consistency.map(SerialConsistency::from)
    }

    pub(super) fn set_serial_consistency(&mut self, consistency: SerialConsistency) {
        self.serial_consistency = Some(consistency.into());
    }

    pub(crate) fn page_size(&self) -> Option<u32> {
        self.page_size.and_then(PageSize::rows)
    }

    pub(crate) fn is_unpaged(&self) -> bool {
        self.page_size == Some(PageSize::NONE)
    }

    pub(crate) fn apply_to_batch(&self, batch: &mut DriverBatch) {
        if let Some(consistency) = self.consistency {
            batch.set_consistency(consistency);
        }
        if let Some(serial) = self.serial_consistency() {
            batch.set_serial_consistency(Some(serial));
        }
        batch.set_timestamp(self.stamp.micros());
        batch.set_tracing(self.is_traced);
    }

    #[inline]
    pub(crate) fn for_driver(&self) -> ForDriver {
        ForDriver {
            consistency: self.consistency,
            serial_consistency: self.serial_consistency,
            page_size: self.driver_page_size(),
            timestamp: self.stamp.micros(),
            is_traced: self.is_traced,
        }
    }

    /// The driver panics at a page without rows; the session refuses such a request.
    #[inline]
    pub(crate) fn driver_page_size(&self) -> Option<i32> {
        let rows = self.page_size().filter(|rows| *rows > 0)?;
        Some(i32::try_from(rows).unwrap_or(i32::MAX))
    }

    /// The column of the table of promises.
    pub(crate) fn work(
        &self,
        statement: &Statement,
        facts: SchemaFacts,
        default: Option<Consistency>,
    ) -> Work {
        let consistency = self.consistency.or(default);
        Work {
            kind: statement.kind_with(facts),
            serial: matches!(consistency, Some(Consistency::Serial | Consistency::LocalSerial)),
            several: statement.may_be_several(facts),
            idempotent: statement.is_idempotent_with(facts),
        }
    }
}
