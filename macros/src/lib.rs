//! `cql!`, statements that are checked when the program is compiled, and the derives of rows and values.
//!
//! A typo, an unknown column, a missing key and a scan of a whole table are errors of the compiler. It needs no server:
//! the schema is a file of the repository, `schema.cql`. Use all of it by `cqlstack_core`: `cql!` (feature `macros`),
//! and the derives, which have their documentation there.
//!
//! # For maintainers
//!
//! The generated code names `StaticStatement`, `Consistency`, `SerialConsistency` and the hidden module `__macros` of
//! `cqlstack-core`, and nothing else. Both crates are released together: what `emit.rs` writes and what `__macros` has
//! may change in any version.
//!
//! [`cql!`] hands its tokens and the compiler's environment to `expand`, which unit tests call with a folder of
//! their own.

mod derive;
#[cfg(feature = "cql")]
mod emit;
#[cfg(feature = "cql")]
mod expand;
#[cfg(feature = "cql")]
mod fault;
#[cfg(feature = "cql")]
mod fields;
#[cfg(feature = "cql")]
mod literal;
#[cfg(feature = "cql")]
mod names;
#[cfg(feature = "cql")]
mod options;
#[cfg(feature = "cql")]
mod query;
#[cfg(feature = "cql")]
mod schema;

#[cfg(feature = "cql")]
use std::{env, path::PathBuf, sync::LazyLock};

use proc_macro::TokenStream;

use crate::derive::derive;
#[cfg(feature = "cql")]
use crate::expand::{Environment, expand};
#[cfg(feature = "cql")]
use crate::schema::Schemas;

/// A row of values to bind. Use it by `cqlstack_core::SerializeRow`, which has its documentation.
#[proc_macro_derive(SerializeRow, attributes(scylla))]
pub fn serialize_row(input: TokenStream) -> TokenStream {
    derive("SerializeRow", input.into()).into()
}

/// A row of a result. Use it by `cqlstack_core::DeserializeRow`, which has its documentation.
#[proc_macro_derive(DeserializeRow, attributes(scylla))]
pub fn deserialize_row(input: TokenStream) -> TokenStream {
    derive("DeserializeRow", input.into()).into()
}

/// A value of a user-defined type to bind. Use it by `cqlstack_core::SerializeValue`.
#[proc_macro_derive(SerializeValue, attributes(scylla))]
pub fn serialize_value(input: TokenStream) -> TokenStream {
    derive("SerializeValue", input.into()).into()
}

/// A value of a user-defined type in a result. Use it by `cqlstack_core::DeserializeValue`.
#[proc_macro_derive(DeserializeValue, attributes(scylla))]
pub fn deserialize_value(input: TokenStream) -> TokenStream {
    derive("DeserializeValue", input.into()).into()
}

/// Leaves nothing of an item. What the derives write names it.
#[doc(hidden)]
#[proc_macro_attribute]
pub fn nothing(_arguments: TokenStream, _item: TokenStream) -> TokenStream {
    TokenStream::new()
}

/// A statement that is checked when the program is compiled. Use it by `cqlstack_core::cql!`.
#[cfg(feature = "cql")]
#[proc_macro]
pub fn cql(input: TokenStream) -> TokenStream {
    expand(input.into(), &environment(), &SCHEMAS).into()
}

/// A statement with its arguments. Use it by `cqlstack_core::query!`.
#[cfg(feature = "cql")]
#[proc_macro]
pub fn query(input: TokenStream) -> TokenStream {
    query::expand(input.into(), &environment(), &SCHEMAS).into()
}

/// A statement with its arguments, whose rows fill a struct. Use it by `cqlstack_core::query_as!`.
#[cfg(feature = "cql")]
#[proc_macro]
pub fn query_as(input: TokenStream) -> TokenStream {
    query::expand(input.into(), &environment(), &SCHEMAS).into()
}

/// The schemas that were read in this process.
#[cfg(feature = "cql")]
static SCHEMAS: LazyLock<Schemas> = LazyLock::new(Schemas::default);

#[cfg(feature = "cql")]
fn environment() -> Environment {
    // The compiler is another process for each crate; an editor's is not.
    let folder = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    // Without cargo: whoever calls the compiler does so in some folder.
    let folder = folder.or_else(|| env::current_dir().ok()).unwrap_or_default();
    let variable = env::var_os("CQLSTACK_SCHEMA").map(|path| path.to_string_lossy().into_owned());
    let requires_schema = cfg!(feature = "require-schema");
    Environment { folder, variable, requires_schema }
}
