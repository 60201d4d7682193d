//! `query!` and `query_as!`: a checked statement with typed arguments and a typed answer.

mod arguments;
mod kinds;
mod record;
mod star;

use cqlstack_syntax::check::{Signature, not_applied};
use cqlstack_syntax::{Facts, Statement};
use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::quote;

use self::arguments::Arguments;
use self::kinds::{Kinds, has_user};
use self::record::{Answer, Columns};
use crate::emit::statement;
use crate::expand::{Environment, Source};
use crate::fault::Fault;
use crate::literal::{Text, split};
use crate::options::root;
use crate::schema::Schemas;

/// The expansion of `@ crate; ["…"] [[argument]…] [options] [struct]`; only `query_as!` has the last.
pub(crate) fn expand(
    input: TokenStream,
    environment: &Environment,
    schemas: &Schemas,
) -> TokenStream {
    expanded(input, environment, schemas).unwrap_or_else(Fault::into_tokens)
}

fn expanded(
    input: TokenStream,
    environment: &Environment,
    schemas: &Schemas,
) -> Result<TokenStream, Fault> {
    let mut tokens: Vec<TokenTree> = input.into_iter().collect();
    let root = root(&mut tokens);
    let mut groups = tokens.into_iter().map(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => group.stream(),
        other => other.into(),
    });
    let text: Vec<TokenTree> = groups.next().unwrap_or_default().into_iter().collect();
    let arguments = groups.next().unwrap_or_default();
    let options = split(groups.next().unwrap_or_default());
    let record = groups.next();
    let source = Source::read(&text, &options, environment, schemas)?;
    let checked = source.checked();
    let made = checked.and_then(|parsed| query(&root, &source, &parsed, arguments, record));
    Ok(made.unwrap_or_else(|faults| source.errors(faults)))
}

/// The name by which generated code knows core's hidden module.
fn core() -> TokenStream {
    quote!(__cqlstack)
}

/// The variable that has the arguments, which no other code sees.
fn row() -> Ident {
    Ident::new("row", Span::mixed_site())
}

fn query(
    root: &TokenStream,
    source: &Source,
    parsed: &Statement<'_>,
    arguments: TokenStream,
    record: Option<TokenStream>,
) -> Result<TokenStream, Vec<Fault>> {
    let span = source.text.span;
    let fault = |why: &str| vec![Fault::new(span, why)];
    let Some(schema) = source.schema() else {
        return Err(fault(
            "`query!` takes types from a schema, and none is found: make a `schema.cql` in the folder of the crate or of \
             the workspace, or use `cql!`, which needs none",
        ));
    };
    let keyspace = source.keyspace();
    let Some(signature) = Signature::of(parsed, schema, keyspace) else {
        return Err(fault(
            "`query!` takes types from the schema, which does not have this table: use `cql!`",
        ));
    };
    let spelled = star::spelled_out(parsed, &source.text.text, &signature);
    let kinds = Kinds::new(schema, parsed.keyspace(keyspace).unwrap_or_default());
    let arguments = Arguments::read(arguments);
    let mut faults = Vec::new();
    let bound = arguments.bind(span, parsed, &signature, &kinds).unwrap_or_else(|some| {
        faults.extend(some);
        TokenStream::new()
    });
    // The types of a batch's users are looked up in one keyspace.
    let mut tables =
        parsed.tables().into_iter().map(|table| table.keyspace.map(|it| it.resolved()));
    let first = tables.next();
    if signature.marker_kinds.iter().flatten().any(has_user)
        && tables.any(|other| Some(other) != first)
    {
        faults.push(Fault::new(
            span,
            "`query!` takes user-defined types of one keyspace: name all tables of the batch with it, or use `cql!`",
        ));
    }
    let found = not_applied(&[parsed], false, schema, keyspace);
    let answer = match (parsed, found) {
        (Statement::Select(select), _) => Columns::of_rows(select, &signature, &source.text)
            .and_then(|columns| match record {
                Some(record) => columns.fill(&record, &kinds),
                None => columns.record(&kinds),
            }),
        (_, _) if record.is_some() => Err(fault("`query_as!` takes a `SELECT`: use `query!`")),
        (_, Some(found)) => Ok(Columns::of_outcome(found, span).found()),
        (_, None) => Ok(Answer::nothing()),
    };
    let answer = answer.unwrap_or_else(|some| {
        faults.extend(some);
        Answer::nothing()
    });
    if !faults.is_empty() {
        return Err(faults);
    }
    // Of the text that is sent.
    let facts = match spelled.as_deref().map(|text| source.options.dialect.parse(text)) {
        None => Facts::of(parsed),
        Some(Ok(sent)) => Facts::of(&sent),
        Some(Err(_)) => {
            return Err(fault("the columns of `*` could not be spelled out: name them"));
        }
    };
    let text = Text { text: spelled.unwrap_or_else(|| source.text.text.clone()), span };
    let statement = statement(root, &text, &facts, &source.options, &TokenStream::new());
    let (lines, core) = (&source.lines, core());
    let Answer { items, aliases, make } = answer;
    let users = kinds.users();
    let row = row();
    let request = if signature.markers.is_empty() {
        quote!(#core::Request::from(#statement))
    } else {
        quote!(#core::Request::new(#statement, #row))
    };
    Ok(quote!({
        #lines
        use #root::__macros::q as #core;
        #users
        #aliases
        #bound
        { #items #make(#request) }
    }))
}

#[cfg(test)]
mod tests;
