//! What rows become: a record of its own, or a struct of the user's.

use cqlstack_syntax::check::{Nullability, Signature};
use cqlstack_syntax::{DataType, Select, Selection, TermKind, quoted};
use proc_macro2::{Ident, Literal, Span, TokenStream, TokenTree};
use quote::quote;

use super::core;
use super::kinds::{Kinds, is_any, rust};
use crate::fault::Fault;
use crate::literal::{Text, ungrouped};
use crate::names::hash_of;

/// The code of an answer.
pub(super) struct Answer {
    /// The record's items.
    pub(super) items: TokenStream,
    /// Types that the user names, which are looked up where the macro stands.
    pub(super) aliases: TokenStream,
    /// The function that makes a query of a request.
    pub(super) make: TokenStream,
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
    has_alias: bool,
}

pub(super) struct Columns {
    columns: Vec<Column>,
    span: Span,
}

impl Answer {
    pub(super) fn nothing() -> Self {
        let core = core();
        let none = TokenStream::new;
        Self { items: none(), aliases: none(), make: quote!(#core::Query::<#core::Nothing>::of) }
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
                has_alias: selector.is_some_and(|it| it.alias.is_some()),
            };
            if column.has_alias
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
            has_alias: false,
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
            struct Record { #(pub #fields: #types),* }
            impl #core::FromColumns<()> for Record {
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
        let make = quote!(#core::Query::<#core::Rows<#core::Fill<Record, ()>>>::of);
        Ok(Answer { items, aliases, make })
    }

    /// A record of what was found, whose columns have names and no order.
    pub(super) fn found(&self) -> Answer {
        let core = core();
        // What no field can be called is left out: the text has no place for an alias.
        let span = Span::call_site().located_at(self.span);
        let columns = self.columns.iter().filter(|column| column.kind.is_some());
        let pairs = columns.filter_map(|column| Some((column, ident(&column.field, span)?)));
        let (columns, fields): (Vec<&Column>, Vec<Ident>) = pairs.unzip();
        let types: Vec<_> = columns.iter().map(|column| column.field_type()).collect();
        let names: Vec<_> = columns.iter().map(|column| &column.name).collect();
        let items = quote! {
            #[derive(::core::fmt::Debug)]
            struct Record { #(pub #fields: #types),* }
            impl #core::FromColumns<()> for Record {
                const COLUMNS: &'static [#core::Column] =
                    &[#(#core::Column::new::<#types>(#names, 0)),*];
                fn read(
                    cells: &mut #core::Cells<'_>,
                ) -> ::core::result::Result<Self, #core::DeserializationError> {
                    ::core::result::Result::Ok(Self { #(#fields: cells.named(#names)?),* })
                }
            }
        };
        let make = quote!(#core::Query::<#core::Outcome<#core::Fill<Record, ()>>>::of);
        Answer { items, aliases: TokenStream::new(), make }
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
            let Some(kind) = &column.kind else {
                return Err(vec![self.unknown(column)]);
            };
            let (hash, kind) = (hash_of(&column.field), kinds.marker(kind));
            let nullability = column.nullability();
            let at = Literal::usize_unsuffixed(at);
            columns.extend(quote! {
                impl<N> #core::HasColumn<#hash, N> for __CqlstackColumns {
                    type Kind = #kind;
                    type Nullability = #core::types::#nullability;
                    const AT: ::core::primitive::usize = #at;
                }
            });
        }
        let mut aliases = quote! {
            enum __CqlstackColumns {}
            #columns
        };
        // An `impl` of its own tells a struct that does not fit once; `Self` is another type there.
        let make = if names_self(record) {
            quote!(#core::filled::<#record, __CqlstackColumns>)
        } else {
            // What does not fit is told where the struct is named.
            let record: TokenStream =
                ungrouped(&record.clone().into_iter().collect::<Vec<_>>()).into_iter().collect();
            aliases.extend(quote! {
                enum __CqlstackFilled {}
                impl #core::Answer for __CqlstackFilled {
                    type Record = #record;
                    type Columns = __CqlstackColumns;
                }
            });
            quote!(#core::Query::<#core::Rows<__CqlstackFilled>>::of)
        };
        Ok(Answer { items: TokenStream::new(), aliases, make })
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
                (None, None) if column.has_alias => {
                    format!(
                        "the alias `{name}` is no name that a field can have: choose another one"
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

    fn unknown(&self, column: &Column) -> Fault {
        let name = &column.name;
        let message = format!(
            "the type of column `{name}` is not known: give it one, as in `CAST({name} AS text)`"
        );
        Fault::new(self.span, message)
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
            let Some(kind) = &column.kind else {
                faults.push(self.unknown(column));
                continue;
            };
            let Some(rust) = &column.rust else {
                types.push(column.field_type());
                continue;
            };
            let alias = Ident::new(&format!("__CqlstackColumn{index}"), self.span);
            let (marker, nullability) = (kinds.marker(kind), column.nullability());
            let is_option = column.nullability == Nullability::Nullable;
            let rust = if is_option { quote!(#core::Option<#rust>) } else { quote!(#rust) };
            aliases.extend(quote! {
                type #alias = #rust;
                const _: () = #core::reads::<#marker, #core::types::#nullability, #alias>();
            });
            types.push(quote!(#alias));
        }
        if faults.is_empty() { Ok(types) } else { Err(faults) }
    }
}

impl Column {
    /// The type of its field.
    fn field_type(&self) -> TokenStream {
        let core = core();
        let kind = self.kind.as_ref();
        let rust = match kind.map(DataType::unfrozen) {
            Some(DataType::List(of) | DataType::Set(of)) if self.has_null_elements() => {
                let of = rust(of);
                quote!(#core::Vec<#core::Option<#of>>)
            }
            Some(kind) => rust(kind),
            None => quote!(#core::CqlValue),
        };
        match self.nullability {
            Nullability::Nullable | Nullability::Elements => quote!(#core::Option<#rust>),
            // What is no collection in Rust cannot be empty.
            Nullability::Empty if kind.is_some_and(is_any) => quote!(#core::Option<#rust>),
            _ => rust,
        }
    }

    fn has_null_elements(&self) -> bool {
        self.nullability == Nullability::Elements
    }

    /// The type that traits have for it.
    fn nullability(&self) -> Ident {
        let name = match (self.nullability, &self.kind) {
            (Nullability::Never, _) => "Never",
            (Nullability::Empty, _) => "Empty",
            (Nullability::Elements, Some(DataType::List(_))) => "Elements",
            _ => "Nullable",
        };
        Ident::new(name, Span::call_site())
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
                format!("the alias `{alias}` has no type after its colon: write it as in \"born: CqlDate\"")
            })?;
            self.rust = Some(spanned(tokens, span));
        }
        Ok(())
    }
}

/// Whether `Self` is in a type.
fn names_self(kind: &TokenStream) -> bool {
    kind.clone().into_iter().any(|token| match token {
        TokenTree::Group(group) => names_self(&group.stream()),
        TokenTree::Ident(word) => word == "Self",
        _ => false,
    })
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
const KEYWORDS: [&str; 48] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield",
];

/// The name of a field or a variable; none of what cannot be one.
pub(super) fn ident(name: &str, span: Span) -> Option<Ident> {
    if KEYWORDS.contains(&name) {
        return Some(Ident::new_raw(name, span));
    }
    if matches!(name, "self" | "Self" | "super" | "crate" | "_") {
        return None;
    }
    let mut tokens = name.parse::<TokenStream>().ok()?.into_iter();
    match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Ident(ident)), None) if ident == name => Some(Ident::new(name, span)),
        _ => None,
    }
}
