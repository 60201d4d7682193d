//! `cql!`: CQL statements that are checked when the program is compiled.
//!
//! A typo, an unknown column, a missing key and a scan of a whole table are errors of the compiler. It needs no server:
//! the schema is a file of the repository, `schema.cql`. Use it by `cqlstack_core::cql!` (feature `macros`), which has
//! its documentation.
//!
//! # For maintainers
//!
//! The generated code names `StaticStatement`, `Consistency`, `SerialConsistency` and the hidden module `__macros` of
//! `cqlstack-core`, and nothing else. Both crates are released together: what `emit.rs` writes and what `__macros` has
//! may change in any version.
//!
//! [`cql!`] hands its tokens and the compiler's environment to `expand`, which unit tests call with a folder of
//! their own.

mod emit;
mod expand;
mod fault;
mod literal;
mod options;
mod schema;

use std::env;
use std::path::PathBuf;
use std::sync::LazyLock;

use proc_macro::TokenStream;

use crate::expand::{Environment, expand};
use crate::schema::Schemas;

/// A statement that is checked when the program is compiled. Use it by `cqlstack_core::cql!`.
#[proc_macro]
pub fn cql(input: TokenStream) -> TokenStream {
    static SCHEMAS: LazyLock<Schemas> = LazyLock::new(Schemas::default);
    // The compiler is another process for each crate; an editor's is not.
    let folder = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    // Without cargo: whoever calls the compiler does so in some folder.
    let folder = folder.or_else(|| env::current_dir().ok()).unwrap_or_default();
    let variable = env::var_os("CQLSTACK_SCHEMA").map(|path| path.to_string_lossy().into_owned());
    let requires_schema = cfg!(feature = "require-schema");
    expand(input.into(), &Environment { folder, variable, requires_schema }, &SCHEMAS).into()
}
