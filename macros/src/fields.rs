//! What `query!` has to know of a struct that derives: its fields, and that they fit columns or a type of users.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::quote;

use crate::derive::{arguments_of, is_attribute, is_of_driver, ungrouped};
use crate::literal::string;
use crate::names::hash_of;

/// A struct with named fields.
struct Struct {
    name: Ident,
    /// `'a, 'b: 'a`, and `'a, 'b`
    lifetimes: (TokenStream, TokenStream),
    fields: Vec<Field>,
    /// `#[scylla(skip_name_checks)]`: its fields are those of a type by their order.
    skips_names: bool,
}

struct Field {
    ident: Ident,
    kind: TokenStream,
    attributes: Attributes,
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "words that are there or not")]
struct Attributes {
    rename: Option<String>,
    skip: bool,
    allow_missing: bool,
    default_when_null: bool,
    skip_name_checks: bool,
}

/// The traits by which `query!` checks it; nothing for a struct with type parameters or without names of fields.
pub(crate) fn checks(derive: &str, input: &TokenStream, root: &TokenStream) -> TokenStream {
    let Some(of) = Struct::read(input.clone()) else { return TokenStream::new() };
    let code = match derive {
        "DeserializeRow" if of.lifetimes.1.is_empty() => of.row(),
        "SerializeValue" => of.user_type(&quote!(BindAs), &TokenStream::new()),
        "DeserializeValue" => of.user_type(&quote!(ReadAs), &quote!(, __cqlstack::types::Never)),
        _ => return TokenStream::new(),
    };
    let names = of.fields.iter().map(Field::marker);
    quote! {
        const _: () = {
            use #root::__derive as __cqlstack;
            mod __field {
                #(pub(super) enum #names {})*
            }
            #code
        };
    }
}

impl Struct {
    fn row(&self) -> TokenStream {
        let Self { name, fields, .. } = self;
        let read: Vec<_> = fields.iter().filter(|field| !field.attributes.skip).collect();
        let column: Vec<_> = read.iter().map(|field| field.column()).collect();
        let kind: Vec<_> = read.iter().map(|field| &field.kind).collect();
        let held: Vec<_> = read.iter().map(|field| field.held()).collect();
        let nullability = read.iter().zip(&column).map(|(field, column)| {
            if field.attributes.default_when_null {
                quote!(__cqlstack::types::Never)
            } else {
                quote!(<__CqlstackColumns as #column>::Nullability)
            }
        });
        let names = read.iter().map(|field| field.name());
        let values = fields.iter().map(|field| {
            let ident = &field.ident;
            let at = field.column();
            let value = if field.attributes.skip {
                quote!(::core::default::Default::default())
            } else if field.attributes.default_when_null {
                let held = field.held();
                quote!(
                    cells.at::<#held>(<__CqlstackColumns as #at>::AT)?.unwrap_or_default()
                )
            } else {
                quote!(cells.at(<__CqlstackColumns as #at>::AT)?)
            };
            quote!(#ident: #value)
        });
        quote! {
            impl<__CqlstackColumns> __cqlstack::FromColumns<__CqlstackColumns> for #name
            where
                #(
                    __CqlstackColumns: #column,
                    #kind: __cqlstack::ReadAs<<__CqlstackColumns as #column>::Kind, #nullability>,
                )*
            {
                const COLUMNS: &'static [__cqlstack::Column] = &[
                    #(__cqlstack::Column::new::<#held>(#names, <__CqlstackColumns as #column>::AT)),*
                ];
                fn read(
                    cells: &mut __cqlstack::Cells<'_>,
                ) -> ::core::result::Result<Self, __cqlstack::DeserializationError> {
                    ::core::result::Result::Ok(Self { #(#values),* })
                }
            }
        }
    }

    fn user_type(&self, which: &TokenStream, nullability: &TokenStream) -> TokenStream {
        let Self { name, lifetimes: (params, lifetimes), fields, .. } = self;
        let has = |field: &&Field| {
            !self.skips_names && !field.attributes.skip && !field.attributes.allow_missing
        };
        let fields = fields.iter().filter(has);
        let bounds = fields.map(|field| {
            let (hash, ident, kind) = (hash_of(&field.name()), field.marker(), &field.kind);
            let has = quote!(__cqlstack::HasField<#hash, __field::#ident>);
            quote! {
                __CqlstackFields: #has,
                #kind: __cqlstack::#which<<__CqlstackFields as #has>::Kind #nullability>,
            }
        });
        let comma = (!params.is_empty()).then(|| quote!(,));
        quote! {
            impl<#params #comma __CqlstackFields>
                __cqlstack::#which<__cqlstack::types::user<__CqlstackFields> #nullability>
                for #name<#lifetimes>
            where
                #(#bounds)*
            {
            }
        }
    }

    fn read(input: TokenStream) -> Option<Self> {
        let mut tokens = input.into_iter().peekable();
        let mut attributes = Attributes::default();
        loop {
            match tokens.next()? {
                TokenTree::Ident(word) if word == "struct" => break,
                TokenTree::Group(group) if is_attribute(&group) && is_of_driver(&group) => {
                    attributes.read(&group);
                }
                _ => {}
            }
        }
        let skips_names = attributes.skip_name_checks;
        let name = ident(&tokens.next()?)?;
        let (mut params, mut lifetimes) = (Vec::new(), TokenStream::new());
        if matches!(tokens.peek(), Some(TokenTree::Punct(open)) if open.as_char() == '<') {
            tokens.next();
            // Lifetimes have no angles in their bounds: what has some is a type.
            loop {
                let token = tokens.next()?;
                match &token {
                    TokenTree::Punct(close) if close.as_char() == '>' => break,
                    TokenTree::Punct(punct) if ",:+'".contains(punct.as_char()) => {}
                    TokenTree::Ident(_) if ends_with(&params, '\'') => {}
                    _ => return None,
                }
                params.push(token);
            }
            let list =
                params.split(|token| matches!(token, TokenTree::Punct(it) if it.as_char() == ','));
            for lifetime in list.filter(|lifetime| !lifetime.is_empty()) {
                let [tick, name, ..] = lifetime else { return None };
                lifetimes.extend(quote!(#tick #name,));
            }
        }
        while ends_with(&params, ',') {
            params.pop();
        }
        let params = params.into_iter().collect();
        match tokens.next()? {
            TokenTree::Group(fields) if fields.delimiter() == Delimiter::Brace => {
                let fields = fields_of(fields.stream())?;
                Some(Self { name, lifetimes: (params, lifetimes), fields, skips_names })
            }
            _ => None,
        }
    }
}

fn ends_with(tokens: &[TokenTree], c: char) -> bool {
    matches!(tokens.last(), Some(TokenTree::Punct(punct)) if punct.as_char() == c)
}

/// Also what a `macro_rules!` has taken as an identifier.
fn ident(token: &TokenTree) -> Option<Ident> {
    match &ungrouped(token.clone().into())[..] {
        [TokenTree::Ident(ident)] => Some(ident.clone()),
        _ => None,
    }
}

fn fields_of(tokens: TokenStream) -> Option<Vec<Field>> {
    let (mut fields, mut tokens) = (Vec::new(), tokens.into_iter().peekable());
    loop {
        let mut attributes = Attributes::default();
        let ident = loop {
            match tokens.next() {
                None => return Some(fields),
                Some(TokenTree::Punct(hash)) if hash.as_char() == '#' => {}
                Some(TokenTree::Group(group)) if is_attribute(&group) => {
                    if is_of_driver(&group) {
                        attributes.read(&group);
                    }
                }
                // `pub(crate)`
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => {}
                Some(token) => match ident(&token) {
                    Some(word) if word == "pub" => {}
                    Some(word) => break word,
                    // What a `macro_rules!` has taken as a visibility.
                    None => {}
                },
            }
        };
        tokens.next_if(|token| matches!(token, TokenTree::Punct(it) if it.as_char() == ':'))?;
        let (mut kind, mut depth, mut is_arrow) = (TokenStream::new(), 0_u32, false);
        for token in tokens.by_ref() {
            if let TokenTree::Punct(punct) = &token {
                match punct.as_char() {
                    ',' if depth == 0 => break,
                    '<' => depth += 1,
                    '>' if !is_arrow => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            is_arrow = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '-');
            kind.extend([token]);
        }
        fields.push(Field { ident, kind, attributes });
    }
}

impl Field {
    /// The name of its column.
    fn name(&self) -> String {
        let ident = self.ident.to_string();
        let plain = ident.strip_prefix("r#").unwrap_or(&ident);
        self.attributes.rename.clone().unwrap_or_else(|| plain.to_owned())
    }

    /// A type of its name, which the compiler shows. No lint looks at what a macro of another crate names.
    fn marker(&self) -> Ident {
        let mut marker = self.ident.clone();
        marker.set_span(Span::call_site());
        marker
    }

    fn column(&self) -> TokenStream {
        let (hash, ident) = (hash_of(&self.name()), self.marker());
        quote!(__cqlstack::HasColumn<#hash, __field::#ident>)
    }

    /// As what its column is read.
    fn held(&self) -> TokenStream {
        let kind = &self.kind;
        if self.attributes.default_when_null {
            quote!(::core::option::Option<#kind>)
        } else {
            quote!(#kind)
        }
    }
}

impl Attributes {
    /// `#[scylla(rename = "a", skip)]`
    fn read(&mut self, attribute: &Group) {
        for argument in arguments_of(attribute) {
            let Some(TokenTree::Ident(name)) = argument.first() else { continue };
            match &*name.to_string() {
                "skip" => self.skip = true,
                "allow_missing" => self.allow_missing = true,
                "default_when_null" => self.default_when_null = true,
                "skip_name_checks" => self.skip_name_checks = true,
                "rename" => {
                    self.rename = match argument.last() {
                        Some(TokenTree::Literal(literal)) => string(literal),
                        _ => None,
                    };
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(input: TokenStream) -> Option<Vec<(String, String)>> {
        let read = |field: &Field| (field.name(), field.kind.to_string().replace(' ', ""));
        Struct::read(input).map(|of| of.fields.iter().map(read).collect())
    }

    #[test]
    fn the_fields_are_told_with_their_columns_and_types() {
        let input = quote! {
            /// A thing.
            #[derive(Debug)]
            pub(crate) struct Thing<'a, 'b: 'a> {
                /// Its name.
                #[scylla(rename = "the_name")]
                pub name: &'a str,
                pub(in crate::x) map: HashMap<String, (i32, Vec<u8>)>,
                r#type: Fixed<-1>,
                call: fn(i32) -> Result<(), E>,
                #[serde(skip)]
                last: &'b [u8; 4]
            }
        };
        let expected = [
            ("the_name", "&'astr"),
            ("map", "HashMap<String,(i32,Vec<u8>)>"),
            ("type", "Fixed<-1>"),
            ("call", "fn(i32)->Result<(),E>"),
            ("last", "&'b[u8;4]"),
        ];
        let expected = expected.map(|(name, kind)| (name.to_owned(), kind.to_owned()));
        assert_eq!(fields(input).unwrap(), expected);
    }

    #[test]
    fn a_struct_that_is_not_looked_at_gets_no_code() {
        for input in [
            quote!(
                struct A;
            ),
            quote!(
                struct A(i32);
            ),
            quote!(
                struct A<T> {
                    a: T,
                }
            ),
            quote!(
                struct A<const N: usize> {
                    a: [u8; N],
                }
            ),
            quote!(
                struct A<'a, T: 'a> {
                    a: &'a T,
                }
            ),
            quote!(
                struct A
                where
                    i32: Copy,
                {
                    a: i32,
                }
            ),
            quote!(
                enum A {
                    B,
                }
            ),
            quote!(struct),
            quote!(),
        ] {
            for derive in ["DeserializeRow", "SerializeValue", "DeserializeValue"] {
                assert!(checks(derive, &input, &quote!(core)).is_empty(), "{derive}: {input}");
            }
        }
        let borrows = quote!(
            struct A<'a> {
                a: &'a str,
            }
        );
        assert!(checks("DeserializeRow", &borrows, &quote!(core)).is_empty());
        assert!(!checks("SerializeValue", &borrows, &quote!(core)).is_empty());
        assert!(checks("SerializeRow", &borrows, &quote!(core)).is_empty());
    }
}
