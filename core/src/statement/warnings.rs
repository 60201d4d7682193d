//! A warning for texts that have values in them.

use std::sync::atomic::{AtomicU64, Ordering};

use cqlstack_syntax::{fingerprint, normalized};

/// So many different texts are warned of in a process.
const MOST: usize = 1024;
/// How far from its place a fingerprint is looked for.
const REACH: usize = 8;

/// Fingerprints that were warned of, each near the place that it has by its value; 0 where none is.
static WARNED: [AtomicU64; MOST] = [const { AtomicU64::new(0) }; MOST];

/// Tells, once for all texts that differ in values only, that a value would be better bound. The text
/// is shown without its values.
///
/// Costs one look at the text each time, and no lock.
pub(super) fn bind_the_literal(text: &str, name: &str) {
    let Ok(fingerprint) = fingerprint(text) else { return };
    if !is_new(fingerprint) {
        return;
    }
    let text = normalized(text).unwrap_or_default();
    tracing::warn!(
        statement = name,
        text,
        "a value stands in the WHERE of a text that was made at run time: bind it with `?`; as it is, \
         each value is prepared and cached anew, and a value can change what the statement means"
    );
}

fn is_new(fingerprint: u64) -> bool {
    #[expect(clippy::cast_possible_truncation, reason = "the lowest bits choose the place")]
    let first = fingerprint as usize % MOST;
    for place in (first..first + REACH).filter_map(|place| WARNED.get(place % MOST)) {
        match place.compare_exchange(0, fingerprint, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return true,
            Err(known) if known == fingerprint => return false,
            Err(_) => {}
        }
    }
    // Its neighbourhood is full: enough was said.
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_new_once_and_a_full_table_is_silent() {
        assert!(is_new(5));
        assert!(!is_new(5));
        let known = (0..100_000_u64).filter(|&n| is_new(n * 7919 + 1_000_003)).count();
        assert!((MOST / 2..=MOST).contains(&known), "{known}");
        assert!(!is_new(5));
    }
}
