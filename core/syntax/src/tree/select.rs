//! `SELECT`.

use super::{Name, Relation, Table, Term};

/// A `SELECT`.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "words that are there or not")]
#[non_exhaustive]
pub struct Select<'t> {
    /// `SELECT JSON`
    pub json: bool,
    /// `SELECT DISTINCT`
    pub distinct: bool,
    /// What is asked for.
    pub selection: Selection<'t>,
    /// The table or view that is read.
    pub from: Table<'t>,
    /// `WHERE`; all have to hold.
    pub relations: Vec<Relation<'t>>,
    /// `GROUP BY`
    pub group_by: Vec<Term<'t>>,
    /// `ORDER BY`
    pub order_by: Vec<Ordering<'t>>,
    /// `PER PARTITION LIMIT`
    pub per_partition_limit: Option<Term<'t>>,
    /// `LIMIT`
    pub limit: Option<Term<'t>>,
    /// `ALLOW FILTERING`
    pub allow_filtering: bool,
    /// `BYPASS CACHE`, of `ScyllaDB`.
    pub bypass_cache: bool,
    /// `USING TIMEOUT`, of `ScyllaDB`.
    pub timeout: Option<Term<'t>>,
}

/// What a `SELECT` asks for.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Selection<'t> {
    /// `*`
    All,
    /// Each with a name of its own if it has one.
    Selectors(Vec<Selector<'t>>),
}

/// One column of a result.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Selector<'t> {
    /// What it is.
    pub term: Term<'t>,
    /// `AS name`
    pub alias: Option<Name<'t>>,
}

/// One part of an `ORDER BY`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Ordering<'t> {
    /// By which column.
    pub column: Name<'t>,
    /// `ANN OF`: the vector that rows are to be near to.
    pub near: Option<Term<'t>>,
    /// `DESC`
    pub descending: bool,
}
