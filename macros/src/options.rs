//! The options after a statement's text: `name = "…"`, `allow(scan)`.

use std::time::Duration;

use cqlstack_syntax::Dialect;
use cqlstack_syntax::check::{Lint, nearest};
use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};

use crate::fault::Fault;
use crate::literal::{split, string, ungrouped};

/// All options; what is `None` was not written.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) name: Option<String>,
    pub(crate) idempotent: Option<bool>,
    pub(crate) consistency: Option<&'static str>,
    pub(crate) serial_consistency: Option<&'static str>,
    pub(crate) page_size: Option<u32>,
    pub(crate) paging: Option<bool>,
    pub(crate) attempt_timeout: Option<Duration>,
    pub(crate) allowed: Vec<Lint>,
    pub(crate) keyspace: Option<String>,
    pub(crate) schema: Option<(String, Span)>,
    pub(crate) dialect: Dialect,
}

const NAMES: [&str; 11] = [
    "name",
    "idempotent",
    "consistency",
    "serial_consistency",
    "page_size",
    "paging",
    "attempt_timeout",
    "allow",
    "keyspace",
    "schema",
    "dialect",
];

const CONSISTENCY: [&str; 11] = [
    "Any",
    "One",
    "Two",
    "Three",
    "Quorum",
    "All",
    "LocalQuorum",
    "EachQuorum",
    "LocalOne",
    "Serial",
    "LocalSerial",
];

const SERIAL: [&str; 2] = ["Serial", "LocalSerial"];

const DIALECTS: [(&str, Dialect); 4] = [
    ("Cassandra5", Dialect::Cassandra5),
    ("ScyllaDb", Dialect::ScyllaDb),
    ("NextCassandra", Dialect::NextCassandra),
    ("Any", Dialect::Any),
];

impl Options {
    /// Reads `a = 1, b(c),`; what comes after the statement's text and a comma.
    pub(crate) fn read(parts: &[Vec<TokenTree>]) -> Result<Self, Fault> {
        let (mut options, mut seen) = (Self::default(), Vec::new());
        let last = parts.len().saturating_sub(1);
        for (index, part) in parts.iter().enumerate() {
            // A last comma.
            if part.is_empty() && index == last {
                break;
            }
            let [TokenTree::Ident(name), rest @ ..] = &part[..] else {
                let span = part.first().map_or_else(Span::call_site, TokenTree::span);
                return Err(Fault::new(span, format!("expected an option: {}", names())));
            };
            let word = name.to_string();
            if seen.contains(&word) {
                return Err(Fault::new(name.span(), format!("`{word}` is there twice")));
            }
            options.set(name, &word, rest)?;
            if options.page_size.is_some() && options.paging == Some(false) {
                let message = "`page_size` goes with pages: leave out `paging = false`";
                return Err(Fault::new(name.span(), message));
            }
            seen.push(word);
        }
        Ok(options)
    }

    fn set(&mut self, name: &Ident, word: &str, rest: &[TokenTree]) -> Result<(), Fault> {
        let value = Value::new(name, word, rest);
        match word {
            "name" => self.name = Some(value.text("a name for metrics and errors")?.0),
            "idempotent" => self.idempotent = Some(value.boolean()?),
            "consistency" => self.consistency = Some(value.one_of(&CONSISTENCY)?),
            "serial_consistency" => self.serial_consistency = Some(value.one_of(&SERIAL)?),
            "page_size" => self.page_size = Some(value.rows()?),
            "paging" => self.paging = Some(value.boolean()?),
            "attempt_timeout" => self.attempt_timeout = Some(value.duration()?),
            "allow" => self.allowed = value.lints()?,
            "keyspace" => self.keyspace = Some(value.text("a keyspace, as the server has it")?.0),
            "schema" => self.schema = Some(value.text("a path from the crate's folder")?),
            "dialect" => {
                let named = value.one_of(&DIALECTS.map(|(name, _)| name))?;
                let dialect = DIALECTS.iter().find(|(name, _)| *name == named);
                self.dialect = dialect.map_or(self.dialect, |(_, dialect)| *dialect);
            }
            _ => {
                let message =
                    format!("there is no option `{word}`{}: {}", meant(word, &NAMES), names());
                return Err(Fault::new(name.span(), message));
            }
        }
        Ok(())
    }
}

fn names() -> String {
    format!("options are {}", NAMES.join(", "))
}

/// `, did you mean …?`, if something is near.
fn meant(word: &str, names: &[&str]) -> String {
    nearest(word, names.iter().copied())
        .map_or_else(String::new, |near| format!(", did you mean `{near}`?"))
}

/// What an option is set to.
struct Value<'t> {
    of: Span,
    option: &'t str,
    tokens: Vec<TokenTree>,
    equals: bool,
}

impl<'t> Value<'t> {
    fn new(name: &Ident, option: &'t str, rest: &[TokenTree]) -> Self {
        let (equals, tokens) = match rest {
            [TokenTree::Punct(equals), tokens @ ..] if equals.as_char() == '=' => (true, tokens),
            tokens => (false, tokens),
        };
        Self { of: name.span(), option, tokens: ungrouped(tokens), equals }
    }

    fn wrong(&self, expected: &str) -> Fault {
        let span = self.tokens.first().map_or(self.of, TokenTree::span);
        let option = self.option;
        let how = if option == "allow" { "allow(scan)" } else { "…" };
        let message = match option {
            "allow" => format!("expected {expected}, as in `{how}`"),
            _ => format!("expected `{option} = …` with {expected}"),
        };
        Fault::new(span, message)
    }

    fn only(&self, expected: &str) -> Result<&TokenTree, Fault> {
        match &self.tokens[..] {
            [only] if self.equals => Ok(only),
            _ => Err(self.wrong(expected)),
        }
    }

    fn text(&self, expected: &str) -> Result<(String, Span), Fault> {
        let expected = format!("{expected}, as a string literal");
        let only = self.only(&expected)?;
        let text = match only {
            TokenTree::Literal(literal) => string(literal),
            _ => None,
        };
        let text = text.filter(|text| !text.is_empty());
        text.map(|text| (text, only.span())).ok_or_else(|| self.wrong(&expected))
    }

    fn boolean(&self) -> Result<bool, Fault> {
        let expected = "`true` or `false`";
        match &*self.only(expected)?.to_string() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.wrong(expected)),
        }
    }

    fn rows(&self) -> Result<u32, Fault> {
        let expected = "a number of rows, from 1";
        let digits = self.only(expected)?.to_string().replace('_', "");
        let rows = digits.strip_suffix("u32").unwrap_or(&digits).parse().ok();
        rows.filter(|rows| *rows > 0).ok_or_else(|| self.wrong(expected))
    }

    fn duration(&self) -> Result<Duration, Fault> {
        let expected = "a time, as `\"250ms\"`, `\"2s\"` or `\"1m\"`";
        let text = self.text(expected)?.0;
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let number = digits.parse::<u64>().ok();
        let millis = number.and_then(|number| match text[digits.len()..].trim() {
            "ms" => Some(number),
            "s" => number.checked_mul(1_000),
            "m" => number.checked_mul(60_000),
            _ => None,
        });
        let millis = millis.filter(|millis| *millis > 0).ok_or_else(|| self.wrong(expected))?;
        Ok(Duration::from_millis(millis))
    }

    fn one_of(&self, names: &[&'static str]) -> Result<&'static str, Fault> {
        let all = format!("one of {}", names.join(", "));
        let word = self.only(&all)?.to_string();
        match names.iter().find(|name| **name == word) {
            Some(name) => Ok(name),
            None => Err(self.wrong(&format!("{all}{}", meant(&word, names)))),
        }
    }

    fn lints(&self) -> Result<Vec<Lint>, Fault> {
        let names: Vec<&str> = Lint::ALL.iter().map(|lint| lint.name()).collect();
        let all = names.join(", ");
        let [TokenTree::Group(group)] = &self.tokens[..] else {
            return Err(self.wrong(&format!("names of lints ({all})")));
        };
        if self.equals || group.delimiter() != Delimiter::Parenthesis {
            return Err(self.wrong(&format!("names of lints ({all})")));
        }
        let parts = split(group.stream());
        let words = parts.iter().filter(|part| !part.is_empty());
        let lints = words.map(|part| {
            let word: String = part.iter().map(ToString::to_string).collect();
            Lint::named(&word).ok_or_else(|| {
                let span = part.first().map_or(self.of, TokenTree::span);
                let near = meant(&word, &names);
                Fault::new(span, format!("there is no lint `{word}`{near}: lints are {all}"))
            })
        });
        lints.collect()
    }
}

/// What stands before the statement: `@ path ;`, the crate that the generated code names.
pub(crate) fn root(tokens: &mut Vec<TokenTree>) -> TokenStream {
    let end = tokens.iter().position(|token| token.to_string() == ";");
    match (tokens.first(), end) {
        (Some(TokenTree::Punct(at)), Some(end)) if at.as_char() == '@' => {
            let root = tokens.drain(..=end).skip(1).take(end - 1);
            root.collect()
        }
        _ => quote::quote!(::cqlstack_core),
    }
}
