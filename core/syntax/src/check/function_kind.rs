//! The types of functions: what they return, and what a marker in their arguments takes.

use super::find::Of;
use super::kind::{BIGINT, BLOB, INT, TEXT, TIMESTAMP, kind_of};
use crate::functions::{cast_to, is_native, of_blob, to_blob};
use crate::keyword::Keyword;
use crate::schema::{DataType, Function as Known};
use crate::tree::Function;

/// The type of what a call returns, as far as schema and text tell it.
pub(super) fn of_call(of: Of<'_>, function: &Function<'_>) -> Option<DataType> {
    // Calls nest: what is large stands in a function of its own.
    let argument = match function.arguments.first() {
        Some(term) => kind_of(of, term),
        None => None,
    };
    returned(of, function, argument)
}

fn returned(of: Of<'_>, function: &Function<'_>, argument: Option<DataType>) -> Option<DataType> {
    let name = function.name.resolved();
    if of.is_own(function) {
        let mut returns = own(of, function).map(|known| known.returns.clone());
        let first = returns.next()?;
        return if returns.all(|other| other == first) { first } else { None };
    }
    let native = |keyword| Some(DataType::Native(keyword));
    match &*name {
        "count" | "token" | "to_unix_timestamp" | "tounixtimestamp" | "maxwritetime"
        | "max_writetime" => Some(BIGINT.clone()),
        "writetime" => Some(of_cell(&argument?, &BIGINT)),
        "ttl" => Some(of_cell(&argument?, &INT)),
        "min" | "max" | "sum" | "avg" | "abs" | "exp" | "log" | "log10" | "round" | "floor"
        | "mask_default" | "mask_null" | "mask_inner" | "mask_outer" | "mask_replace" => argument,
        "mask_hash" => Some(BLOB.clone()),
        "to_json" | "tojson" => Some(TEXT.clone()),
        "to_date" | "todate" | "current_date" | "currentdate" => native(Keyword::Date),
        "current_time" | "currenttime" => native(Keyword::Time),
        "to_timestamp" | "totimestamp" | "current_timestamp" | "currenttimestamp" => {
            Some(TIMESTAMP.clone())
        }
        "now" | "current_timeuuid" | "currenttimeuuid" | "min_timeuuid" | "mintimeuuid"
        | "max_timeuuid" | "maxtimeuuid" => native(Keyword::Timeuuid),
        "uuid" => native(Keyword::Uuid),
        "similarity_cosine" | "similarity_dot_product" | "similarity_euclidean" => {
            native(Keyword::Float)
        }
        "collection_count" => Some(INT.clone()),
        "collection_max" | "collection_min" | "collection_sum" | "collection_avg" => {
            element(&argument?)
        }
        "map_keys" => match argument?.unfrozen() {
            DataType::Map(keys, _) => Some(DataType::Set(keys.clone())),
            _ => None,
        },
        "map_values" => match argument?.unfrozen() {
            DataType::Map(_, values) => Some(DataType::List(values.clone())),
            _ => None,
        },
        name => match (of_blob(name), cast_to(name), to_blob(name)) {
            (Some(kind), ..) | (None, Some(kind), _) => named(kind),
            (None, None, Some(_)) => Some(BLOB.clone()),
            (None, None, None) => None,
        },
    }
}

/// What a marker in the place of an argument takes.
pub(super) fn argument_kind(of: Of<'_>, function: &Function<'_>, at: usize) -> Option<DataType> {
    let name = function.name.resolved();
    if of.is_own(function) {
        let mut kinds = own(of, function).map(|known| known.arguments.get(at));
        let first = kinds.next()?;
        return if kinds.all(|other| other == first) { first.cloned() } else { None };
    }
    let other = || {
        let others = function.arguments.iter().enumerate();
        others.filter(|(index, _)| *index != at).find_map(|(_, term)| kind_of(of, term))
    };
    match &*name {
        "token" => of.partition_key().nth(at).map(|column| column.kind.clone()),
        "from_json" | "fromjson" => Some(TEXT.clone()),
        "min_timeuuid" | "mintimeuuid" | "max_timeuuid" | "maxtimeuuid" => Some(TIMESTAMP.clone()),
        "similarity_cosine" | "similarity_dot_product" | "similarity_euclidean" => other(),
        name => match (of_blob(name), to_blob(name)) {
            (Some(_), _) => Some(BLOB.clone()),
            (None, Some(kind)) => named(kind),
            (None, None) => None,
        },
    }
}

/// The functions of the schema that a call may mean, by its name and the number of its arguments.
fn own<'s>(of: Of<'s>, function: &Function<'_>) -> impl Iterator<Item = &'s Known> {
    let name = function.name.resolved().into_owned();
    // One of the server's may have the name as well: the types of the arguments decide.
    let is_known = !of.is_of_others(function) && (function.keyspace.is_some() || !is_native(&name));
    let count = function.arguments.len();
    let known = of.within.functions.iter().chain(&of.within.aggregates);
    known.filter(move |known| is_known && known.name == name && known.arguments.len() == count)
}

/// Of a collection, and of a type of users that is not frozen, there is one for each cell.
fn of_cell(kind: &DataType, one: &DataType) -> DataType {
    match kind {
        DataType::List(_) | DataType::Set(_) | DataType::Map(..) | DataType::User(_) => {
            DataType::List(Box::new(one.clone()))
        }
        _ => one.clone(),
    }
}

fn element(kind: &DataType) -> Option<DataType> {
    match kind.unfrozen() {
        DataType::List(of) | DataType::Set(of) => Some((**of).clone()),
        _ => None,
    }
}

fn named(kind: &str) -> Option<DataType> {
    Keyword::of(kind).map(DataType::native)
}
