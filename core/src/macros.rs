//! What the code that `cql!` generates names. No part of the public interface: `emit.rs` of `cqlstack-macros` and this
//! file change together.

use std::borrow::Cow;

pub use cqlstack_macros::cql;
pub use cqlstack_syntax::Effect::{self, Bound, List, Part, Removed, Value};
pub use cqlstack_syntax::Form::{self, Batch, Change, Insert, Other as Plain, Unread, Use};
pub use cqlstack_syntax::GivenValue::{self, Computed, Literal, Marker};
pub use cqlstack_syntax::LiteralKind;
pub use cqlstack_syntax::MarkerTarget::{
    self, Column, Element, Field, Fixed, In, Key, Other as Free, Part as Piece,
};
pub use cqlstack_syntax::StatementKind::{
    self, Conditional, Counter, LoggedBatch, MultiPartition, Other, Read, Schema, Write,
};
use cqlstack_syntax::{Facts, Lists, Names};

use crate::statement::StaticStatement;

/// The statement. `flags` has, from the lowest bit: idempotent, depends on `USE`, writes JSON. The lists are those
/// of [`Lists`], in its order.
#[must_use]
#[expect(clippy::too_many_arguments, reason = "one call without paths is what compiles fastest")]
pub const fn s(
    text: &'static str,
    kind: StatementKind,
    form: Form,
    flags: u8,
    label: &'static str,
    names: &'static [&'static str],
    tables: &'static [(Option<u32>, u32)],
    several: &'static [u32],
    given: &'static [(u32, GivenValue)],
    written: &'static [(u32, Effect)],
    markers: &'static [MarkerTarget],
) -> StaticStatement {
    let lists = Lists {
        names: Names::Given(names),
        tables: Cow::Borrowed(tables),
        several: Cow::Borrowed(several),
        given: Cow::Borrowed(given),
        written: Cow::Borrowed(written),
        markers: Cow::Borrowed(markers),
    };
    let mut facts = Facts::given_as(kind, form, label, lists);
    facts.is_idempotent = flags & 1 != 0;
    facts.depends_on_use = flags & 2 != 0;
    facts.writes_json = flags & 4 != 0;
    StaticStatement::with_facts(text, facts)
}
