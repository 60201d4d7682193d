//! What rows become: a record of its own, or a struct of the user's.

use cqlstack_syntax::check::{Nullability, Signature};
use cqlstack_syntax::{DataType, Select, Selection, TermKind, quoted};
use proc_macro2::{Ident, Literal, Span, TokenStream, TokenTree};
use quote::quote;

use super::core;
use super::kinds::{Kinds, rust};
use crate::fault::Fault;
use crate::literal::Text;
use crate::names::hash_of;

/// The code of an answer.
pub(super) struct Answer {
    /// The record's items.
    pub(super) items: TokenStream,
    /// Types that the user names, which are looked up where the macro stands.
    pub(super) aliases: TokenStream,
    /// `Rows<Record>`
    pub(super) kind: TokenStream,
}

/// A column of the answer.
struct Column {
    /// As the server has it.
    name: String,
    /// Of the record.
    field: String,
    kind: Option<DataType>,
    nullability: Nullability,
    /// What the alias says of its type.
    rust: Option<TokenStream>,
    /// A call without an alias, as it is written.
    call: Option<String>,
}

pub(super) struct Columns {
    columns: Vec<Column>,
    span: Span,
}

impl Answer {
    pub(super) fn nothing() -> Self {
        let core = core();
        let none = TokenStream::new;
        Self { items: none(), aliases: none(), kind: quote!(#core::Nothing) }
    }
}

impl Columns {
    pub(super) fn of_rows(
        select: &Select<'_>,
        signature: &Signature,
        text: &Text,
    ) -> Result<Self, Vec<Fault>> {
        let span = text.span;
        let selector = |index: usize| match &select.selection {
            Selection::Selectors(selectors) if !select.json => selectors.get(index),
            _ => None,
        };
        let all = signature.columns.iter().zip(&signature.column_kinds).zip(&signature.nullability);
        let (mut columns, mut faults) = (Vec::new(), Vec::new());
        for (index, ((name, kind), nullability)) in all.enumerate() {
            let selector = selector(index);
            let unnamed = selector.filter(|it| it.alias.is_none()).map(|it| &it.term);
            let call = unnamed.filter(|term| !matches!(term.kind, TermKind::Column(_)));
            let mut column = Column {
                name: name.clone(),
                field: if select.json { "json".to_owned() } else { name.clone() },
                kind: kind.clone(),
                nullability: *nullability,
                rust: None,
                call: call.map(|term| term.span.of(&text.text).to_owned()),
            };
            if selector.is_some_and(|it| it.alias.is_some())
                && let Err(why) = column.read_alias(span)
            {
                faults.push(Fault::new(span, why));
            }
            columns.push(column);
        }
        if faults.is_empty() { Ok(Self { columns, span }) } else { Err(faults) }
    }

    /// What is found where a condition did not hold.
    pub(super) fn of_outcome(found: Vec<(String, Option<DataType>)>, span: Span) -> Self {
        let column = |(name, kind): (String, Option<DataType>)| Column {
            field: name.clone(),
            name,
            kind,
            nullability: Nullability::Nullable,
            rust: None,
            call: None,
        };
        Self { columns: found.into_iter().map(column).collect(), span }
    }

    /// A record with a field for each column.
    pub(super) fn record(&self, kinds: &Kinds<'_>) -> Result<Answer, Vec<Fault>> {
        let core = core();
        let fields = self.fields()?;
        let mut aliases = TokenStream::new();
        let types = self.types(kinds, &mut aliases)?;
        let names = self.columns.iter().map(|column| &column.name);
        let places: Vec<_> = (0..fields.len()).map(Literal::usize_unsuffixed).collect();
        let mut items = quote! {
            #[derive(::core::fmt::Debug)]
            #[allow(dead_code, non_snake_case, unreachable_pub)]
            struct Record { #(pub #fields: #types),* }
            impl #core::Reader<Self> for Record {
                const COLUMNS: &'static [#core::Column] =
                    &[#(#core::Column::new::<#types>(#names, #places)),*];
                fn read(
                    cells: &mut #core::Cells<'_>,
                ) -> ::core::result::Result<Self, #core::DeserializationError> {
                    ::core::result::Result::Ok(Self { #(#fields: cells.at(#places)?),* })
                }
            }
        };
        if let ([field], [kind]) = (&fields[..], &types[..]) {
            items.extend(quote! {
                impl #core::Scalar for Record {
                    type Value = #kind;
                    fn value(self) -> #kind {
                        self.#field
                    }
                }
            });
        }
        Ok(Answer { items, aliases, kind: quote!(#core::Rows<#core::Own<Record>>) })
    }

    /// A record of what was found, whose columns have names and no order.
    pub(super) fn found(&self) -> Result<Answer, Vec<Fault>> {
        let core = core();
        let fields = self.fields()?;
        let types: Vec<_> = self.columns.iter().map(Column::bare).collect();
        let names: Vec<_> = self.columns.iter().map(|column| &column.name).collect();
        let items = quote! {
            #[derive(::core::fmt::Debug)]
            #[allow(dead_code, non_snake_case, unreachable_pub)]
            struct Record { #(pub #fields: #core::Option<#types>),* }
            impl #core::Reader<Self> for Record {
                const COLUMNS: &'static [#core::Column] =
                    &[#(#core::Column::new::<#core::Option<#types>>(#names, 0)),*];
                fn read(
                    cells: &mut #core::Cells<'_>,
                ) -> ::core::result::Result<Self, #core::DeserializationError> {
                    ::core::result::Result::Ok(Self { #(#fields: cells.named(#names)?),* })
                }
            }
        };
        Ok(Answer {
            items,
            aliases: TokenStream::new(),
            kind: quote!(#core::Outcome<#core::Own<Record>>),
        })
    }

    /// A struct of the user's, of which each field is one of the columns.
    pub(super) fn fill(
        &self,
        record: &TokenStream,
        kinds: &Kinds<'_>,
    ) -> Result<Answer, Vec<Fault>> {
        let core = core();
        self.unique()?;
        let mut columns = TokenStream::new();
        for (at, column) in self.columns.iter().enumerate() {
            let Some(kind) = &column.kind else { continue };
            let (hash, kind) = (hash_of(&column.field), kinds.marker(kind));
            let nullability = match column.nullability {
                Nullability::Never | Nullability::Empty => quote!(Never),
                _ => quote!(Nullable),
            };
            let at = Literal::usize_unsuffixed(at);
            columns.extend(quote! {
                impl<N> #core::HasColumn<#hash, N> for __CqlstackColumns {
                    type Kind = #kind;
                    type Nullability = #core::types::#nullability;
                    const AT: ::core::primitive::usize = #at;
                }
            });
        }
        let aliases = quote! {
            enum __CqlstackColumns {}
            #columns
            enum __CqlstackFilled {}
            impl #core::Answer for __CqlstackFilled {
                type Record = #record;
                type Reader = #core::Fill<#record, __CqlstackColumns>;
            }
        };
        let kind = quote!(#core::Rows<__CqlstackFilled>);
        Ok(Answer { items: TokenStream::new(), aliases, kind })
    }

    /// The fields of the record.
    fn fields(&self) -> Result<Vec<Ident>, Vec<Fault>> {
        self.unique()?;
        let (mut fields, mut faults) = (Vec::new(), Vec::new());
        for column in &self.columns {
            let Column { name, field, call, .. } = column;
            let span = Span::call_site().located_at(self.span);
            let message = match (call, ident(field, span)) {
                (None, Some(ident)) => {
                    fields.push(ident);
                    continue;
                }
                (Some(call), _) => {
                    format!(
                        "column `{name}` has no name of its own: write `{call} AS total`, for example"
                    )
                }
                (None, None) => format!(
                    "column `{name}` has no name that a field can have: write `{} AS total`, for example",
                    quoted(name)
                ),
            };
            faults.push(Fault::new(self.span, message));
        }
        if faults.is_empty() { Ok(fields) } else { Err(faults) }
    }

    fn unique(&self) -> Result<(), Vec<Fault>> {
        let mut faults = Vec::new();
        for (index, column) in self.columns.iter().enumerate() {
            if self.columns[..index].iter().any(|other| other.field == column.field) {
                let field = &column.field;
                let message = format!("there are two columns `{field}`: name one of them by `AS`");
                faults.push(Fault::new(self.span, message));
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// The types of the fields.
    fn types(
        &self,
        kinds: &Kinds<'_>,
        aliases: &mut TokenStream,
    ) -> Result<Vec<TokenStream>, Vec<Fault>> {
        let core = core();
        let (mut types, mut faults) = (Vec::new(), Vec::new());
        for (index, column) in self.columns.iter().enumerate() {
            let kind = match (&column.kind, &column.rust) {
                (Some(kind), Some(rust)) => {
                    let alias = Ident::new(&format!("__CqlstackColumn{index}"), self.span);
                    let kind = kinds.marker(kind);
                    aliases.extend(quote! {
                        type #alias = #rust;
                        const _: () = #core::reads::<#kind, #alias>();
                    });
                    quote!(#alias)
                }
                (Some(_), None) => column.bare(),
                (None, _) => {
                    let name = &column.name;
                    let message = format!(
                        "the type of column `{name}` is not known: give it one, as in `CAST({name} AS text)`"
                    );
                    faults.push(Fault::new(self.span, message));
                    continue;
                }
            };
            types.push(match column.nullability {
                Nullability::Nullable | Nullability::Elements => quote!(#core::Option<#kind>),
                _ => kind,
            });
        }
        if faults.is_empty() { Ok(types) } else { Err(faults) }
    }
}

impl Column {
    /// Its type without the outer `Option`.
    fn bare(&self) -> TokenStream {
        let core = core();
        match (&self.kind, self.nullability) {
            (Some(DataType::List(of)), Nullability::Elements) => {
                let of = rust(of);
                quote!(#core::Vec<#core::Option<#of>>)
            }
            (Some(kind), _) => rust(kind),
            (None, _) => quote!(#core::CqlValue),
        }
    }

    /// `AS "name!"` is never null, `AS "name?"` may be, and `AS "name: T"` is read as `T`.
    fn read_alias(&mut self, span: Span) -> Result<(), String> {
        let alias = self.name.clone();
        let (mut field, rust) = match alias.split_once(':') {
            Some((field, rust)) => (field.trim(), Some(rust.trim())),
            None => (alias.as_str(), None),
        };
        if let Some(never) = field.strip_suffix('!') {
            (field, self.nullability) = (never, Nullability::Never);
        } else if let Some(nullable) = field.strip_suffix('?') {
            (field, self.nullability) = (nullable, Nullability::Nullable);
        }
        field.clone_into(&mut self.field);
        if let Some(rust) = rust {
            let tokens = rust.parse::<TokenStream>().ok().filter(|tokens| !tokens.is_empty());
            let tokens = tokens.ok_or_else(|| {
                format!("`{rust}` is no type: an alias is a name, or a name and a type, as in \"born: CqlDate\"")
            })?;
            self.rust = Some(spanned(tokens, span));
        }
        Ok(())
    }
}

/// The same tokens, in this place.
fn spanned(tokens: TokenStream, span: Span) -> TokenStream {
    let tokens = tokens.into_iter().map(|mut token| {
        if let TokenTree::Group(group) = &token {
            let mut inner =
                proc_macro2::Group::new(group.delimiter(), spanned(group.stream(), span));
            inner.set_span(span);
            return TokenTree::Group(inner);
        }
        token.set_span(span);
        token
    });
    tokens.collect()
}

/// The words of Rust that have to be written `r#type`.
const KEYWORDS: [&str; 47] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
    "virtual", "where", "while",
];

/// The name of a field or a variable; none of what cannot be one.
pub(super) fn ident(name: &str, span: Span) -> Option<Ident> {
    if KEYWORDS.contains(&name) {
        return Some(Ident::new_raw(name, span));
    }
    if matches!(name, "self" | "Self" | "super" | "crate" | "_" | "yield") {
        return (name == "yield").then(|| Ident::new_raw(name, span));
    }
    let mut tokens = name.parse::<TokenStream>().ok()?.into_iter();
    match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Ident(ident)), None) if ident == name => Some(Ident::new(name, span)),
        _ => None,
    }
}
