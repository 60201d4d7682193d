//! The functions that a statement may call.

use super::find::{Of, is_system, quoted};
use super::{Checker, Finding, Lint, nearest};
use crate::keyword::{Keyword, Use};
use crate::tree::Function;

/// Native functions and aggregates of Cassandra 5, but for conversions of blobs and casts, which have one for each
/// type.
const NATIVE: [&str; 57] = [
    "abs",
    "avg",
    "collection_avg",
    "collection_count",
    "collection_max",
    "collection_min",
    "collection_sum",
    "count",
    "countrows",
    "current_date",
    "current_time",
    "current_timestamp",
    "current_timeuuid",
    "currentdate",
    "currenttime",
    "currenttimestamp",
    "currenttimeuuid",
    "exp",
    "floor",
    "from_json",
    "fromjson",
    "log",
    "log10",
    "map_keys",
    "map_values",
    "mask_default",
    "mask_hash",
    "mask_inner",
    "mask_null",
    "mask_outer",
    "mask_replace",
    "max",
    "max_timeuuid",
    "maxtimeuuid",
    "maxwritetime",
    "min",
    "min_timeuuid",
    "mintimeuuid",
    "minwritetime",
    "now",
    "round",
    "similarity_cosine",
    "similarity_dot_product",
    "similarity_euclidean",
    "sum",
    "to_date",
    "to_json",
    "to_timestamp",
    "to_unix_timestamp",
    "todate",
    "tojson",
    "token",
    "totimestamp",
    "tounixtimestamp",
    "ttl",
    "uuid",
    "writetime",
];

/// Whether there is a function of this name for each type: `text_as_blob`, `blobasint`, `cast_as_date`.
fn is_of_a_type(name: &str) -> bool {
    let affixes = ["blob_as_", "blobas", "cast_as_", "castas"];
    let after = affixes.iter().find_map(|prefix| name.strip_prefix(prefix));
    let before = ["_as_blob", "asblob"].iter().find_map(|suffix| name.strip_suffix(suffix));
    let is_type = |word| Keyword::of(word).is_some_and(|keyword| keyword.may_be() == Use::Type);
    after.or(before).is_some_and(is_type)
}

fn is_native(name: &str) -> bool {
    NATIVE.contains(&name) || is_of_a_type(name)
}

impl<'s> Checker<'s> {
    /// That there is such a function; a newer server may have more of its own.
    pub(super) fn function(&mut self, of: Of<'s>, function: &Function<'_>) {
        let name = function.name.resolved();
        let within = match function.keyspace {
            Some(keyspace) if is_system(&keyspace.resolved()) => None,
            Some(keyspace) => match self.keyspace(keyspace) {
                Some((_, within)) => Some(within),
                None => return,
            },
            None => Some(of.within),
        };
        let own = within.into_iter().flat_map(|it| it.functions.iter().chain(&it.aggregates));
        let own: Vec<&str> = own.map(|function| &*function.name).collect();
        let may_be_native = function.keyspace.is_none_or(|it| is_system(&it.resolved()));
        if own.contains(&&*name) || may_be_native && is_native(&name) {
            return;
        }
        let native = NATIVE.iter().copied().filter(|_| may_be_native);
        let near = nearest(&name, own.iter().copied().chain(native));
        let message = format!("there is no function `{name}`");
        let expected = "a native function, or one of the schema's";
        let finding = Finding::new(function.name.span(), message, expected);
        let finding = finding.with_lint(Lint::UnknownFunction);
        self.report(match near {
            Some(near) => {
                let near = quoted(near);
                let help = format!("did you mean `{near}`?");
                finding.with_help(help).with_fix(function.name.span(), near)
            }
            None => finding,
        });
    }
}
