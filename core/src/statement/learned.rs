//! What a server tells of a statement when it is prepared.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// What preparing told of a write, that its text does not. It is of what was prepared: the same text may write
/// a list in one keyspace and a set in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Learned {
    /// It writes a counter.
    pub(crate) counter: bool,
    /// Whether an `IN` of it is on the partition key; `None` if it has none, or if that is not known.
    pub(crate) several: Option<bool>,
    /// It writes a list anew, which would have each element twice after it was sent twice.
    pub(crate) list: bool,
}

impl Learned {
    const COUNTER: u8 = 1;
    const ONE_PARTITION: u8 = 2;
    const SEVERAL: u8 = 4;
    const LIST: u8 = 8;

    const fn bits(self) -> u8 {
        let partitions = match self.several {
            Some(true) => Self::SEVERAL,
            Some(false) => Self::ONE_PARTITION,
            None => 0,
        };
        let counter = if self.counter { Self::COUNTER } else { 0 };
        counter | partitions | if self.list { Self::LIST } else { 0 }
    }

    /// The most careful of all that was told.
    const fn of_bits(bits: u8) -> Self {
        let several = match (bits & Self::SEVERAL != 0, bits & Self::ONE_PARTITION != 0) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        };
        Self { counter: bits & Self::COUNTER != 0, several, list: bits & Self::LIST != 0 }
    }
}

/// What all clones of one request were told. It may have been bound several times, on its way to several
/// attempts.
#[derive(Debug, Default)]
pub(crate) struct Told {
    bits: AtomicU8,
    /// The keyspace in use where a write was sent to, by the number of its `USE`; 0 if none was.
    keyspace: AtomicU64,
}

impl Told {
    #[inline]
    pub(crate) fn add(&self, learned: Learned) {
        let bits = learned.bits();
        // Mostly there is nothing to tell.
        if bits & !self.bits.load(Ordering::Relaxed) != 0 {
            self.bits.fetch_or(bits, Ordering::Relaxed);
        }
    }

    #[inline]
    pub(crate) fn all(&self) -> Learned {
        Learned::of_bits(self.bits.load(Ordering::Relaxed))
    }

    /// A write is about to be sent. Whether it may: none of its attempts may have been applied in another
    /// keyspace.
    pub(crate) fn sends_to(&self, keyspace: u64) -> bool {
        let ordering = Ordering::Relaxed;
        match self.keyspace.compare_exchange(0, keyspace, ordering, ordering) {
            Ok(_) => true,
            Err(before) => before == keyspace,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_twice_is_taken_at_its_most_careful() {
        let told = Told::default();
        assert_eq!(told.all(), Learned::default());
        let (one, several) = (Some(false), Some(true));
        for (learned, all) in [
            (Learned { several: one, ..Learned::default() }, (false, one, false)),
            (Learned { list: true, ..Learned::default() }, (false, one, true)),
            (Learned { several, ..Learned::default() }, (false, several, true)),
            (Learned { several: one, counter: true, list: false }, (true, several, true)),
        ] {
            told.add(learned);
            let Learned { counter, several, list } = told.all();
            assert_eq!((counter, several, list), all, "{learned:?}");
        }
    }
}
