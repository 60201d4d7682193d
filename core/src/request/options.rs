//! How a request is to be executed.

use std::num::NonZeroU32;
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
    pub(crate) serial_consistency: Option<SerialConsistency>,
    pub(super) page_size: Option<PageSize>,
    pub(crate) attempt_timeout: Option<Duration>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) stamp: Stamp,
    pub(crate) attempts: Option<Attempts>,
}

/// One more than the rows, which makes it half as large: a request is copied at each layer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageSize(NonZeroU32);

impl PageSize {
    pub(super) fn new(rows: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(rows))
    }

    fn rows(self) -> u32 {
        self.0.get() - 1
    }
}

impl Options {
    /// What the statement says.
    #[inline]
    pub(super) fn of(statement: &Statement) -> Self {
        let Defaults { consistency, serial_consistency, page_size, attempt_timeout, .. } =
            statement.defaults();
        let page_size = page_size.map(PageSize::new);
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

    pub(crate) fn page_size(&self) -> Option<u32> {
        self.page_size.map(PageSize::rows)
    }

    pub(crate) fn apply_to_batch(&self, batch: &mut DriverBatch) {
        if let Some(consistency) = self.consistency {
            batch.set_consistency(consistency);
        }
        if let Some(serial) = self.serial_consistency {
            batch.set_serial_consistency(Some(serial));
        }
        batch.set_timestamp(self.stamp.micros());
    }

    pub(crate) fn apply(&self, bound: &mut BoundStatement) {
        if let Some(consistency) = self.consistency {
            bound.set_consistency(consistency);
        }
        if let Some(serial) = self.serial_consistency {
            bound.set_serial_consistency(Some(serial));
        }
        if let Some(rows) = self.driver_page_size() {
            bound.set_page_size(rows);
        }
        bound.set_timestamp(self.stamp.micros());
    }

    /// The driver panics at a page without rows; the session refuses such a request.
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
