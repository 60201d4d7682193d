//! The rows of a batch, as the driver asks for them, and how often it writes them to a frame.
//!
//! The driver prepares a statement that the server has forgotten, and sends the batch again, for as long as the
//! server forgets one. A cache that does not hold all statements of a batch forgets one for each that is
//! prepared, for ever. So the rows end the loop: a batch is sent once, once more for each of its texts, and a few times
//! more, since others may have statements forgotten too.

use std::slice;
use std::sync::atomic::{AtomicU32, Ordering};

use scylla::errors::SerializationError;
use scylla::serialize::batch::{BatchValues, BatchValuesIterator};
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::writers::RowWriter;

use crate::sent;
use crate::serialized_row::Cells;

/// More than a frame for each text.
const MORE: u32 = 5;

/// How often a batch is written to a frame, from one node to the next.
#[derive(Debug)]
pub(crate) struct Rounds {
    most: u32,
    /// One more than the most once a frame was refused.
    written: AtomicU32,
    /// How many nodes ended it before.
    failed: AtomicU32,
}

impl Rounds {
    /// For a batch of so many different texts.
    pub(crate) fn new(texts: usize) -> Self {
        let most = u32::try_from(texts).unwrap_or(u32::MAX).saturating_add(MORE);
        Self { most, written: AtomicU32::new(0), failed: AtomicU32::new(0) }
    }

    /// Whether the server forgot more statements than there are. It answered each frame by that, so that it
    /// executed none.
    pub(crate) fn is_over(&self) -> bool {
        self.written.load(Ordering::Relaxed) > self.most
    }

    /// Whether another node ended it before, which may have executed it.
    pub(crate) fn has_failed_over(&self) -> bool {
        self.failed.load(Ordering::Relaxed) > 0
    }

    /// Whether the node that has it now has forgotten statements again and again.
    pub(crate) fn is_preparing(&self) -> bool {
        self.written.load(Ordering::Relaxed) > 2
    }

    /// Whether another frame may be written.
    fn begin(&self) -> bool {
        let failed = sent::so_far();
        if self.failed.swap(failed, Ordering::Relaxed) != failed {
            self.written.store(0, Ordering::Relaxed);
        }
        self.written.fetch_add(1, Ordering::Relaxed) < self.most
    }
}

/// The rows of a batch.
pub(crate) struct Rows<'b> {
    rows: Vec<Cells<'b>>,
    rounds: &'b Rounds,
}

impl<'b> Rows<'b> {
    pub(crate) fn new(rows: impl Iterator<Item = Cells<'b>>, rounds: &'b Rounds) -> Self {
        Self { rows: rows.collect(), rounds }
    }
}

impl BatchValues for Rows<'_> {
    type BatchValuesIter<'r>
        = RowsIter<'r>
    where
        Self: 'r;

    fn batch_values_iter(&self) -> RowsIter<'_> {
        RowsIter { rows: self.rows.iter(), rounds: Some(self.rounds) }
    }
}

pub(crate) struct RowsIter<'r> {
    rows: slice::Iter<'r, Cells<'r>>,
    /// None once it has ended.
    rounds: Option<&'r Rounds>,
}

impl<'r> BatchValuesIterator<'r> for RowsIter<'r> {
    fn serialize_next(
        &mut self,
        context: &RowSerializationContext<'_>,
        writer: &mut RowWriter<'_>,
    ) -> Option<Result<(), SerializationError>> {
        self.rows.next().map(|row| row.serialize(context, writer))
    }

    fn is_empty_next(&mut self) -> Option<bool> {
        self.rows.next().map(SerializeRow::is_empty)
    }

    /// Whoever writes a frame looks last whether there is a row too many: one that must not be sent has one.
    fn skip_next(&mut self) -> Option<()> {
        if self.rows.next().is_some() {
            return Some(());
        }
        let is_refused = !self.rounds.take()?.begin();
        is_refused.then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_written_once_for_each_text_and_a_few_times_more() {
        let rounds = Rounds::new(2);
        let rows = Rows::new([Cells(&[]), Cells(&[])].into_iter(), &rounds);
        let write = || {
            let mut iter = rows.batch_values_iter();
            let (first, second) = (iter.skip_next(), iter.skip_next());
            assert_eq!((first, second), (Some(()), Some(())));
            // As many as there are too many.
            iter.count()
        };
        assert_eq!([write(), write()], [0, 0]);
        assert!(!rounds.is_preparing());
        assert_eq!([(); 5].map(|()| write()), [0; 5]);
        assert!(rounds.is_preparing() && !rounds.is_over());
        assert_eq!(write(), 1);
        assert!(rounds.is_over() && !rounds.has_failed_over());
    }
}
