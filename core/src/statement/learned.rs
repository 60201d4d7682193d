//! What a statement learns when it is prepared.

/// What preparing a statement told, that its text does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Learned {
    /// It writes a counter.
    pub(crate) counter: bool,
    /// No `IN` of it is on the partition key.
    pub(crate) one_partition: bool,
    /// It writes a list anew, which would have each element twice after it was sent twice.
    pub(crate) list: bool,
}

impl Learned {
    pub(super) const COUNTER: u8 = 1;
    pub(super) const ONE_PARTITION: u8 = 2;
    pub(super) const LIST: u8 = 4;

    pub(super) const fn bits(self) -> u8 {
        (if self.counter { Self::COUNTER } else { 0 })
            | (if self.one_partition { Self::ONE_PARTITION } else { 0 })
            | (if self.list { Self::LIST } else { 0 })
    }
}
