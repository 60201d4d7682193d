//! How the parser and the classifier behave, as their users see it.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod dialects;
mod errors;
mod facts;
mod fuzz;
mod idempotence;
mod lexer;
mod limits;
mod passwords;
mod schema;
mod tree;
