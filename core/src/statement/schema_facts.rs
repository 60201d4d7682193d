//! What a server tells of a statement when it is prepared.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// What preparing or sending told of a write, that its text does not. It is of what was prepared: the same text may write
/// a list in one keyspace and a set in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SchemaFacts {
    /// It writes a counter.
    pub(crate) counter: bool,
    /// Whether an `IN` of it may be on the partition key; `None` if it has none.
    pub(crate) several: Option<bool>,
    /// It writes a list anew, which would have each element twice after it was sent twice.
    pub(crate) list: bool,
    /// A server stamps it, each attempt anew: sent again it would undo what was written in between.
    pub(crate) by_server: bool,
}

impl SchemaFacts {
    const COUNTER: u8 = 1;
    const ONE_PARTITION: u8 = 2;
    const SEVERAL: u8 = 4;
    const LIST: u8 = 8;
    const BY_SERVER: u8 = 16;

    const fn bits(self) -> u8 {
        let partitions = match self.several {
            Some(true) => Self::SEVERAL,
            Some(false) => Self::ONE_PARTITION,
            None => 0,
        };
        let counter = if self.counter { Self::COUNTER } else { 0 };
        let list = if self.list { Self::LIST } else { 0 };
        counter | partitions | list | if self.by_server { Self::BY_SERVER } else { 0 }
    }

    /// The most careful of all that was told.
    const fn of_bits(bits: u8) -> Self {
        let several = match (bits & Self::SEVERAL != 0, bits & Self::ONE_PARTITION != 0) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        };
        Self {
            counter: bits & Self::COUNTER != 0,
            several,
            list: bits & Self::LIST != 0,
            by_server: bits & Self::BY_SERVER != 0,
        }
    }
}

/// What all clones of one request were told. It may have been bound several times, on its way to several
/// attempts.
#[derive(Debug, Default)]
pub(crate) struct Told {
    bits: AtomicU8,
    /// Where attempts of a write may have been applied: the number of the `USE`, and in the last 16 bits how
    /// many of them there are.
    sent: AtomicU64,
}

/// An attempt of a write that is under way. Dropped without an answer, it stays one that may have been
/// applied.
#[must_use]
pub(crate) struct Attempt<'t>(Option<&'t Told>);

impl Attempt<'_> {
    /// Of what depends on no keyspace, or leaves nothing behind.
    pub(crate) const ANYWHERE: Self = Self(None);

    /// Its answer leaves no doubt: who sends the request once more knows that.
    pub(crate) fn end(self) {
        if let Some(told) = self.0 {
            told.sent.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Told {
    /// Beside those of [`SchemaFacts`].
    const KEEPS_STAMP: u8 = 128;

    #[inline]
    pub(crate) fn add(&self, facts: SchemaFacts) {
        let bits = facts.bits();
        // Mostly there is nothing to tell.
        if bits & !self.bits.load(Ordering::Relaxed) != 0 {
            self.bits.fetch_or(bits, Ordering::Relaxed);
        }
    }

    /// It is sent with the timestamp that it was made with, and every resend keeps that.
    #[inline]
    pub(crate) fn keep_stamp(&self) {
        if !self.keeps_stamp() {
            self.bits.fetch_or(Self::KEEPS_STAMP, Ordering::Relaxed);
        }
    }

    #[inline]
    pub(crate) fn keeps_stamp(&self) -> bool {
        self.bits.load(Ordering::Relaxed) & Self::KEEPS_STAMP != 0
    }

    #[inline]
    pub(crate) fn all(&self) -> SchemaFacts {
        SchemaFacts::of_bits(self.bits.load(Ordering::Relaxed))
    }

    /// A write is about to be sent. None if an attempt of it may have been applied in another keyspace.
    pub(crate) fn send_to(&self, keyspace: u64) -> Option<Attempt<'_>> {
        let one_more = |sent: u64| match (sent >> 16 == keyspace, sent & 0xffff) {
            (_, 0) => Some(keyspace << 16 | 1),
            // Who sends so often need not be counted exactly.
            (true, 0xffff) => Some(sent),
            (true, _) => Some(sent + 1),
            (false, _) => None,
        };
        let sent = self.sent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        sent.is_ok().then_some(Attempt(Some(self)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_goes_to_one_keyspace_while_there_is_doubt() {
        let told = Told::default();
        let first = told.send_to(1).unwrap();
        let second = told.send_to(1).unwrap();
        assert!(told.send_to(2).is_none());
        first.end();
        assert!(told.send_to(2).is_none(), "the second may have been applied");
        second.end();
        drop(told.send_to(2).unwrap());
        assert!(told.send_to(1).is_none() && told.send_to(2).is_some());
        Attempt::ANYWHERE.end();
    }

    #[test]
    fn what_was_told_twice_is_taken_at_its_most_careful() {
        let told = Told::default();
        assert_eq!(told.all(), SchemaFacts::default());
        let (one, several) = (Some(false), Some(true));
        for (facts, all) in [
            (SchemaFacts { several: one, ..SchemaFacts::default() }, (false, one, false, false)),
            (SchemaFacts { list: true, ..SchemaFacts::default() }, (false, one, true, false)),
            (SchemaFacts { several, ..SchemaFacts::default() }, (false, several, true, false)),
            (
                SchemaFacts { by_server: true, ..SchemaFacts::default() },
                (false, several, true, true),
            ),
            (SchemaFacts { counter: true, ..SchemaFacts::default() }, (true, several, true, true)),
        ] {
            told.add(facts);
            let SchemaFacts { counter, several, list, by_server } = told.all();
            assert_eq!((counter, several, list, by_server), all, "{facts:?}");
        }
    }
}
