//! Small facts that are looked up often, without a lock.

use std::sync::atomic::Ordering;

use crate::sync::AtomicU64;

/// Two bytes for each of the hashes that were asked for last. Each has a place by its hash, which the next one
/// there takes over. A place is a single number, so that none is read in halves: 48 bits of the hash, and the
/// bytes.
pub(crate) struct Remembered(Box<[AtomicU64]>);

impl Remembered {
    pub(crate) fn new(places: usize) -> Self {
        Self((0..places).map(|_| AtomicU64::new(0)).collect())
    }

    /// What was found for this hash, or is found now.
    #[inline]
    pub(crate) fn of(&self, hash: u64, find: impl FnOnce() -> [u8; 2]) -> [u8; 2] {
        #[expect(clippy::cast_possible_truncation, reason = "the lowest bits choose the place")]
        let place = &self.0[hash as usize % self.0.len()];
        let known = place.load(Ordering::Relaxed);
        // An empty place is no hash's.
        if known >> 16 == hash >> 16 && known != 0 {
            let [.., first, second] = known.to_be_bytes();
            return [first, second];
        }
        let [first, second] = find();
        let found = u16::from_be_bytes([first, second]);
        place.store(hash >> 16 << 16 | u64::from(found), Ordering::Relaxed);
        [first, second]
    }
}
