//! Names as numbers, by which traits of core find the columns and fields of a statement.

use proc_macro2::Literal;

/// FNV-1a with 64 bits, <https://datatracker.ietf.org/doc/html/rfc9923>.
pub(crate) fn hash_of(name: &str) -> Literal {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    Literal::u64_unsuffixed(hash)
}
