//! From the macro's tokens to those of a statement, or of errors.

use std::path::PathBuf;
use std::sync::Arc;

use cqlstack_syntax::check::{Finding, check};
use cqlstack_syntax::{Dialect, Facts, Schema, Statement};
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
    let mut parts = split(tokens.into_iter().collect());
    let source = Source::read(&parts.remove(0), &parts, environment, schemas)?;
    Ok(match source.checked() {
        Ok(parsed) => {
            // The session reads it in all dialects at once, which tells the same.
            let facts = Facts::of(&parsed);
            let Source { text, options, lines, .. } = &source;
            statement(&root, text, &facts, options, lines)
        }
        Err(faults) => source.errors(faults),
    })
}

/// A statement's text, its options, and its schema.
pub(crate) struct Source {
    pub(crate) text: Text,
    pub(crate) options: Options,
    pub(crate) known: Option<Arc<Known>>,
    /// What makes the compiler look again.
    pub(crate) lines: TokenStream,
    /// Why the schema is none, if this is the statement that tells.
    fault: Option<Fault>,
    requires_schema: bool,
}

impl Source {
    pub(crate) fn read(
        text: &[TokenTree],
        options: &[Vec<TokenTree>],
        environment: &Environment,
        schemas: &Schemas,
    ) -> Result<Self, Fault> {
        let place = text.first().map_or_else(Span::call_site, TokenTree::span);
        let text = text_of(text, place)?;
        let options = Options::read(options)?;
        let known = schema(&options, environment, schemas, text.span)?;
        let mut lines = TokenStream::new();
        if options.schema.is_none() && schemas.is_first_to_ask() {
            lines.extend(quote! {
                const _: ::core::option::Option<&'static ::core::primitive::str> =
                    ::core::option_env!("CQLSTACK_SCHEMA");
            });
        }
        let mut fault = None;
        if let Some(known) = &known {
            if known.is_first_to_track() {
                lines.extend(tracked(&known.files));
            }
            if let Err(why) = &known.schema
                && known.is_told_by(&text.text)
            {
                fault = Some(Fault::new(text.span, why));
            }
        }
        let requires_schema = environment.requires_schema && !is_dependency(&environment.folder);
        Ok(Self { text, options, known, lines, fault, requires_schema })
    }

    pub(crate) fn schema(&self) -> Option<&Schema> {
        self.known.as_ref().and_then(|known| known.schema.as_ref().ok())
    }

    /// The keyspace of names without one.
    pub(crate) fn keyspace(&self) -> Option<&str> {
        let of_script = self.known.as_ref().and_then(|known| known.keyspace.as_deref());
        self.options.keyspace.as_deref().or(of_script)
    }

    /// The statement, or what is wrong with it.
    pub(crate) fn checked(&self) -> Result<Statement<'_>, Vec<Fault>> {
        let Text { text, span } = &self.text;
        let shown = |finding: &Finding| Fault::new(*span, finding.show(text).to_string());
        let dialect = self.options.dialect;
        let parsed = dialect.parse(text).map_err(|error| {
            let finding = Finding::from(&error);
            let mut message = finding.show(text).to_string();
            message.push_str(&advice(text, dialect));
            vec![Fault::new(*span, message)]
        })?;
        if self.known.is_none() && self.requires_schema {
            let why = "no schema is found, and the feature `require-schema` asks for one: make a \
                       `schema.cql` in the folder of the crate or of the workspace, or name one by \
                       `schema = \"…\"` or CQLSTACK_SCHEMA";
            return Err(vec![Fault::new(*span, why)]);
        }
        let findings = check(&parsed, self.schema(), self.keyspace());
        let denied = |finding: &&Finding| {
            finding.lint().is_none_or(|lint| !self.options.allowed.contains(&lint))
        };
        let faults: Vec<Fault> = findings.iter().filter(denied).take(MOST).map(shown).collect();
        if !faults.is_empty() || self.fault.is_some() {
            return Err(faults);
        }
        Ok(parsed)
    }

    /// The errors of the compiler: these, and why there is no schema.
    pub(crate) fn errors(self, faults: Vec<Fault>) -> TokenStream {
        let Self { lines, fault, .. } = self;
        let faults = fault.into_iter().chain(faults).map(Fault::into_tokens);
        quote!({ #lines #(#faults);* })
    }
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
    Ok(Some(schemas.of(files, options.keyspace.as_deref())))
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
