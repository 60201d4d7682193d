//! The code of a statement.

use std::path::PathBuf;

use cqlstack_syntax::{
    Effect, Facts, Form, GivenValue, LiteralKind, MarkerTarget, RowLimit, StatementKind,
};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::quote;

use crate::literal::Text;
use crate::options::Options;

/// A block with a static of its own: a constant with interior mutability could not be borrowed for ever. `lines` come
/// before it.
pub(crate) fn statement(
    root: &TokenStream,
    text: &Text,
    facts: &Facts,
    options: &Options,
    lines: &TokenStream,
) -> TokenStream {
    let mut literal = Literal::string(&text.text);
    literal.set_span(text.span);
    let facts = constant(facts);
    let options = chained(root, options);
    quote!({
        #lines
        use #root::__macros::*;
        static S: #root::StaticStatement = s(#literal, #facts)#options;
        &S
    })
}

/// Lines that make the compiler look at the files again when they have changed.
pub(crate) fn tracked(files: &[PathBuf]) -> TokenStream {
    let paths = files.iter().filter_map(|file| file.to_str());
    let lines = paths.map(|path| {
        quote!(
            const _: () = {
                ::core::include_bytes!(#path);
            };
        )
    });
    lines.collect()
}

fn word(word: &str) -> Ident {
    Ident::new(word, Span::call_site())
}

/// Arguments of the hidden constructor.
fn constant(facts: &Facts) -> TokenStream {
    let kind = word(match facts.kind {
        StatementKind::Read => "Read",
        StatementKind::Write => "Write",
        StatementKind::MultiPartition => "MultiPartition",
        StatementKind::LoggedBatch => "LoggedBatch",
        StatementKind::Counter => "Counter",
        StatementKind::Conditional => "Conditional",
        StatementKind::Schema => "Schema",
        _ => "Other",
    });
    let form = word(match facts.form {
        Form::Insert => "Insert",
        Form::Change => "Change",
        Form::Batch => "Batch",
        Form::Use => "Use",
        Form::Other => "Plain",
        Form::Unread => "Unread",
    });
    let flags = u8::from(facts.is_idempotent)
        | u8::from(facts.depends_on_use) << 1
        | u8::from(facts.writes_json) << 2
        | u8::from(facts.limits_reads) << 3
        | u8::from(facts.scans) << 4;
    let flags = Literal::u8_unsuffixed(flags);
    let (label, lists) = (facts.label(), facts.lists());
    let names = lists.names.iter();
    let tables = lists.tables.iter().map(|(keyspace, name)| {
        let (keyspace, name) = (keyspace.map(number), number(*name));
        let keyspace = keyspace.map_or_else(|| quote!(None), |keyspace| quote!(Some(#keyspace)));
        quote!((#keyspace, #name))
    });
    let several = lists.several.iter().copied().map(number);
    let given = lists.given.iter().map(|(column, value)| {
        let (column, value) = (number(*column), given_value(*value));
        quote!((#column, #value))
    });
    let written = lists.written.iter().map(|(column, effect)| {
        let column = number(*column);
        let effect = word(match effect {
            Effect::Bound => "Bound",
            Effect::List => "List",
            Effect::Value => "Value",
            Effect::Part => "Part",
            Effect::Removed => "Removed",
        });
        quote!((#column, #effect))
    });
    let markers = lists.markers.iter().copied().map(marker);
    let equal = lists.equal.iter().copied().map(number);
    let limit = row_limit(lists.limit);
    quote! {
        #kind, #form, #flags, #label, &[#(#names),*], &[#(#tables),*], &[#(#several),*],
        &[#(#given),*], &[#(#written),*], &[#(#markers),*], &[#(#equal),*], #limit
    }
}

fn number(index: u32) -> Literal {
    Literal::u32_unsuffixed(index)
}

fn given_value(value: GivenValue) -> TokenStream {
    match value {
        GivenValue::Marker(index) => {
            let index = number(index);
            quote!(Marker(#index))
        }
        GivenValue::Literal(kind, written) => {
            let kind = word(match kind {
                LiteralKind::Integer => "Integer",
                LiteralKind::Boolean => "Boolean",
                LiteralKind::Uuid => "Uuid",
                LiteralKind::Blob => "Blob",
                LiteralKind::Float => "Float",
                LiteralKind::Duration => "Duration",
                _ => "String",
            });
            let written = number(written);
            quote!(Literal(LiteralKind::#kind, #written))
        }
        GivenValue::Computed => quote!(Computed),
    }
}

fn row_limit(limit: Option<RowLimit>) -> TokenStream {
    let (kind, number) = match limit {
        None => return quote!(None),
        Some(RowLimit::Rows(rows)) => ("Rows", number(rows)),
        Some(RowLimit::Marker(index)) => ("LimitMarker", number(index)),
    };
    let kind = word(kind);
    quote!(Some(#kind(#number)))
}

fn marker(target: MarkerTarget) -> TokenStream {
    let kind = word(match target {
        MarkerTarget::Column(_) => "Column",
        MarkerTarget::In(_) => "In",
        MarkerTarget::Key(_) => "Key",
        MarkerTarget::Element(_) => "Element",
        MarkerTarget::Field(_) => "Field",
        MarkerTarget::Part(_) => "Piece",
        MarkerTarget::Fixed => "Fixed",
        MarkerTarget::Other => "Free",
    });
    let column = target.column().map(number).map(|column| quote!((#column)));
    quote!(#kind #column)
}

/// The statement's options, as calls.
fn chained(root: &TokenStream, options: &Options) -> TokenStream {
    let Options { name, idempotent, page_size, paging, .. } = options;
    let mut calls = TokenStream::new();
    if let Some(name) = name {
        calls.extend(quote!(.named(#name)));
    }
    if let Some(idempotent) = idempotent {
        calls.extend(quote!(.idempotent(#idempotent)));
    }
    if let Some(level) = options.consistency.map(word) {
        calls.extend(quote!(.with_consistency(#root::Consistency::#level)));
    }
    if let Some(level) = options.serial_consistency.map(word) {
        calls.extend(quote!(.with_serial_consistency(#root::SerialConsistency::#level)));
    }
    if let Some(rows) = page_size {
        calls.extend(quote!(.with_page_size(#rows)));
    }
    if *paging == Some(false) {
        calls.extend(quote!(.without_paging()));
    }
    if let Some(timeout) = options.attempt_timeout {
        let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        calls.extend(quote!(.with_attempt_timeout(::core::time::Duration::from_millis(#millis))));
    }
    calls
}
