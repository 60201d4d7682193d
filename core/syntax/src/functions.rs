//! The functions of Cassandra 5 that every keyspace has.

use crate::keyword::{Keyword, Use};

/// Native functions and aggregates, and whether each is known to give the same for the same. Those that convert have a
/// name for each type, and are not among them.
const NATIVE: [(&str, bool); 55] = [
    ("abs", true),
    ("avg", false),
    ("collection_avg", true),
    ("collection_count", true),
    ("collection_max", true),
    ("collection_min", true),
    ("collection_sum", true),
    ("count", false),
    ("current_date", false),
    ("current_time", false),
    ("current_timestamp", false),
    ("current_timeuuid", false),
    ("currentdate", false),
    ("currenttime", false),
    ("currenttimestamp", false),
    ("currenttimeuuid", false),
    ("exp", true),
    ("floor", true),
    ("from_json", true),
    ("fromjson", true),
    ("log", true),
    ("log10", true),
    ("map_keys", true),
    ("map_values", true),
    ("mask_default", false),
    ("mask_hash", false),
    ("mask_inner", false),
    ("mask_null", false),
    ("mask_outer", false),
    ("mask_replace", false),
    ("max", false),
    ("max_timeuuid", true),
    ("maxtimeuuid", true),
    ("maxwritetime", false),
    ("min", false),
    ("min_timeuuid", true),
    ("mintimeuuid", true),
    ("now", false),
    ("round", true),
    ("similarity_cosine", true),
    ("similarity_dot_product", true),
    ("similarity_euclidean", true),
    ("sum", false),
    ("to_date", true),
    ("to_json", true),
    ("to_timestamp", true),
    ("to_unix_timestamp", true),
    ("todate", true),
    ("tojson", false),
    ("token", true),
    ("totimestamp", true),
    ("tounixtimestamp", true),
    ("ttl", false),
    ("uuid", false),
    ("writetime", false),
];

fn native(name: &str) -> Option<bool> {
    let at = NATIVE.binary_search_by_key(&name, |(name, _)| name).ok()?;
    NATIVE.get(at).map(|(_, is_repeatable)| *is_repeatable)
}

/// The names of those that have one name, for all types.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    NATIVE.iter().map(|(name, _)| *name)
}

/// Whether there is a function of this name.
pub(crate) fn is_native(name: &str) -> bool {
    native(name).is_some() || converts_blob(name) || cast_to(name).is_some_and(is_type)
}

/// Whether it gives the same again. What is not known to do so, does not.
pub(crate) fn is_repeatable(name: &str) -> bool {
    native(name) == Some(true) || converts_blob(name)
}

/// Whether it makes one value of many rows.
pub(crate) fn is_aggregate(name: &str) -> bool {
    matches!(name, "count" | "max" | "min" | "sum" | "avg")
}

/// Whether it tells of a cell when it was written or when it expires. Such are no functions to the server, but part
/// of a selection.
pub(crate) fn is_of_cell(name: &str) -> bool {
    matches!(name, "writetime" | "maxwritetime" | "ttl")
}

/// `blob_as_int`, `int_as_blob`, and as they were called before: `blobAsInt`, `intAsBlob`.
fn converts_blob(name: &str) -> bool {
    of_blob(name).or(to_blob(name)).is_some_and(is_type)
}

/// `int` of `blob_as_int`.
pub(crate) fn of_blob(name: &str) -> Option<&str> {
    ["blob_as_", "blobas"].iter().find_map(|prefix| name.strip_prefix(prefix))
}

/// `int` of `int_as_blob`.
pub(crate) fn to_blob(name: &str) -> Option<&str> {
    ["_as_blob", "asblob"].iter().find_map(|suffix| name.strip_suffix(suffix))
}

/// `int` of `cast_as_int`.
pub(crate) fn cast_to(name: &str) -> Option<&str> {
    name.strip_prefix("cast_as_")
}

fn is_type(word: &str) -> bool {
    Keyword::of(word).is_some_and(|keyword| keyword.may_be() == Use::Type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_found() {
        assert!(NATIVE.is_sorted());
        assert!(NATIVE.iter().all(|(name, _)| is_native(name)));
        assert!(is_repeatable("token") && !is_repeatable("now") && is_repeatable("blobasint"));
        assert!(is_native("cast_as_text") && !is_native("nwo") && !is_native("blob_as_nothing"));
    }
}
