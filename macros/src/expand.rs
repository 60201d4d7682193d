//! From the macro's tokens to those of a statement, or of errors.

use std::path::PathBuf;
use std::sync::Arc;

use cqlstack_syntax::check::{Finding, check};
use cqlstack_syntax::{Dialect, Facts};
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::quote;

use crate::emit::{statement, tracked};
use crate::fault::Fault;
use crate::literal::{Text, split, text_of};
use crate::options::{Options, root};
use crate::schema::{Known, Schemas, found, is_dependency, named, of_environment};

/// What the compiler says of the crate.
pub(crate) struct Environment {
    /// The crate's folder.
    pub(crate) folder: PathBuf,
    /// `CQLSTACK_SCHEMA`
    pub(crate) variable: Option<String>,
    pub(crate) requires_schema: bool,
}

/// More findings of one statement are not told.
const MOST: usize = 8;

/// The expansion of `@ crate; "…", options`.
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
    let place = tokens.first().map_or_else(Span::call_site, TokenTree::span);
    let mut parts = split(tokens.into_iter().collect());
    let text = text_of(&parts.remove(0), place)?;
    let options = Options::read(&parts)?;
    let schema = schema(&options, environment, schemas, text.span)?;
    let mut lines = TokenStream::new();
    if options.schema.is_none() && schemas.is_first_to_ask() {
        lines.extend(quote! {
            const _: ::core::option::Option<&'static ::core::primitive::str> =
                ::core::option_env!("CQLSTACK_SCHEMA");
        });
    }
    let mut faults = Vec::new();
    if let Some(known) = &schema {
        if known.is_first_to_track() {
            lines.extend(tracked(&known.files));
        }
        if let Err(why) = &known.schema
            && known.is_told_by(&text.text)
        {
            faults.push(Fault::new(text.span, why));
        }
    }
    let requires_schema = environment.requires_schema && !is_dependency(&environment.folder);
    Ok(match checked(&text, &options, schema.as_deref(), requires_schema) {
        Ok(facts) if faults.is_empty() => statement(&root, &text, &facts, &options, &lines),
        checked => {
            faults.extend(checked.err().into_iter().flatten());
            errors(&lines, faults)
        }
    })
}

fn errors(lines: &TokenStream, faults: Vec<Fault>) -> TokenStream {
    let faults = faults.into_iter().map(Fault::into_tokens);
    quote!({ #lines #(#faults);* })
}

/// The schema that the options, the environment or the crate's folder name; none if none does.
fn schema(
    options: &Options,
    environment: &Environment,
    schemas: &Schemas,
    span: Span,
) -> Result<Option<Arc<Known>>, Fault> {
    let variable = environment.variable.as_deref().filter(|variable| !variable.is_empty());
    let variable = variable.filter(|_| !is_dependency(&environment.folder));
    let files = match (&options.schema, variable) {
        (Some((path, span)), _) => {
            named(&environment.folder.join(path)).map_err(|why| Fault::new(*span, why))?
        }
        (None, Some(variable)) => {
            of_environment(variable, &environment.folder).map_err(|why| Fault::new(span, why))?
        }
        (None, None) => found(&environment.folder),
    };
    if files.is_empty() {
        return Ok(None);
    }
    Ok(Some(schemas.of(files)))
}

/// The facts of the statement, or what is wrong with it.
fn checked(
    text: &Text,
    options: &Options,
    known: Option<&Known>,
    requires_schema: bool,
) -> Result<Facts, Vec<Fault>> {
    let Text { text, span } = text;
    let shown = |finding: &Finding| Fault::new(*span, finding.show(text).to_string());
    let parsed = options.dialect.parse(text).map_err(|error| {
        let finding = Finding::from(&error);
        let mut message = finding.show(text).to_string();
        message.push_str(&advice(text, options.dialect));
        vec![Fault::new(*span, message)]
    })?;
    if known.is_none() && requires_schema {
        let why = "no schema is found, and the feature `require-schema` asks for one: make a \
                   `schema.cql` in the folder of the crate or of the workspace, or name one by \
                   `schema = \"…\"` or CQLSTACK_SCHEMA";
        return Err(vec![Fault::new(*span, why)]);
    }
    let schema = known.and_then(|known| known.schema.as_ref().ok());
    let of_script = known.and_then(|known| known.keyspace.as_deref());
    let keyspace = options.keyspace.as_deref().or(of_script);
    let findings = check(&parsed, schema, keyspace);
    let denied =
        |finding: &&Finding| finding.lint().is_none_or(|lint| !options.allowed.contains(&lint));
    let faults: Vec<Fault> = findings.iter().filter(denied).take(MOST).map(shown).collect();
    if !faults.is_empty() {
        return Err(faults);
    }
    // The session reads it in all dialects at once, which tells the same.
    Ok(Facts::of(&parsed))
}

/// What a text that does not parse may be instead.
fn advice(text: &str, dialect: Dialect) -> String {
    let others = [("ScyllaDb", Dialect::ScyllaDb), ("NextCassandra", Dialect::NextCassandra)];
    let other =
        others.into_iter().find(|(_, other)| *other != dialect && other.parse(text).is_ok());
    if let Some((name, _)) = other {
        return format!("\nhelp: `dialect = {name}` reads it");
    }
    match Dialect::Any.script(text) {
        Ok(statements) if statements.len() > 1 => {
            let count = statements.len();
            format!("\nhelp: these are {count} statements: write a `cql!` for each, or a `Batch`")
        }
        Ok(statements) if statements.is_empty() => "\nhelp: there is no statement in it".to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
