//! CQL types as the generated code has them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write;

use cqlstack_syntax::{DataType, Keyword, Schema};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::quote;

use super::core;
use crate::names::hash_of;

/// The types of one statement.
pub(super) struct Kinds<'s> {
    schema: &'s Schema,
    /// In which types of users are.
    keyspace: String,
    /// Those that were named: each is declared once.
    users: RefCell<BTreeMap<String, TokenStream>>,
}

impl<'s> Kinds<'s> {
    pub(super) fn new(schema: &'s Schema, keyspace: String) -> Self {
        Self { schema, keyspace, users: RefCell::default() }
    }

    fn fields(&self, name: &str) -> &'s [(String, DataType)] {
        let types = self.schema.keyspace(&self.keyspace).map(|keyspace| &keyspace.types);
        types.and_then(|types| types.get(name)).map_or(&[], Vec::as_slice)
    }

    /// The type that traits name: `types::list<types::int>`.
    pub(super) fn marker(&self, kind: &DataType) -> TokenStream {
        let core = core();
        match kind {
            DataType::Native(keyword) => {
                let word = word(*keyword);
                quote!(#core::types::#word)
            }
            DataType::List(of) => self.generic("list", &[of]),
            DataType::Set(of) => self.generic("set", &[of]),
            DataType::Map(key, value) => self.generic("map", &[key, value]),
            DataType::Vector(of, length) => {
                let of = self.marker(of);
                let length = Literal::i32_unsuffixed(*length);
                quote!(#core::types::vector<#of, #length>)
            }
            DataType::Tuple(of) => {
                let of = of.iter().rev().fold(quote!(()), |rest, of| {
                    let of = self.marker(of);
                    quote!((#of, #rest))
                });
                quote!(#core::types::tuple<#of>)
            }
            DataType::Frozen(kind) => self.marker(kind),
            DataType::User(name) => {
                let user = user(name);
                self.declare(name, &user);
                quote!(#core::types::user<#user>)
            }
            _ => quote!(()),
        }
    }

    fn generic(&self, name: &str, of: &[&DataType]) -> TokenStream {
        let (core, name) = (core(), Ident::new(name, Span::call_site()));
        let of = of.iter().map(|of| self.marker(of));
        quote!(#core::types::#name<#(#of),*>)
    }

    /// Declares a type of users, for the traits that look for its fields.
    fn declare(&self, name: &str, user: &Ident) {
        if self.users.borrow().contains_key(name) {
            return;
        }
        // It may not hold itself, but the fields of another one may name it, too.
        self.users.borrow_mut().insert(name.to_owned(), TokenStream::new());
        let core = core();
        let fields = self.fields(name).iter().map(|(field, kind)| {
            let (hash, kind) = (hash_of(field), self.marker(kind));
            quote!(impl<N> #core::HasField<#hash, N> for #user { type Kind = #kind; })
        });
        let fields: TokenStream = fields.collect();
        let declared = quote! {
            enum #user {}
            #fields
        };
        self.users.borrow_mut().insert(name.to_owned(), declared);
    }

    /// The types of users that markers and columns have.
    pub(super) fn users(self) -> TokenStream {
        self.users.into_inner().into_values().collect()
    }

    /// The constant that is compared with a server's type.
    pub(super) fn shape(&self, kind: &DataType) -> TokenStream {
        let core = core();
        match kind {
            DataType::Native(keyword) => {
                let word = word(*keyword);
                quote!(#core::shapes::#word)
            }
            DataType::List(of) => {
                let of = self.shape(of);
                quote!(#core::Shape::List(&#of))
            }
            DataType::Set(of) => {
                let of = self.shape(of);
                quote!(#core::Shape::Set(&#of))
            }
            DataType::Map(key, value) => {
                let (key, value) = (self.shape(key), self.shape(value));
                quote!(#core::Shape::Map(&#key, &#value))
            }
            DataType::Vector(of, length) => {
                let of = self.shape(of);
                let length = Literal::i32_unsuffixed(*length);
                quote!(#core::Shape::Vector(&#of, #length))
            }
            DataType::Tuple(of) => {
                let of = of.iter().map(|of| self.shape(of));
                quote!(#core::Shape::Tuple(&[#(#of),*]))
            }
            DataType::Frozen(kind) => self.shape(kind),
            DataType::User(name) => {
                let keyspace = &self.keyspace;
                let fields = self.fields(name).iter().map(|(field, kind)| {
                    let kind = self.shape(kind);
                    quote!((#field, #kind))
                });
                quote!(#core::Shape::User(#keyspace, #name, &[#(#fields),*]))
            }
            _ => quote!(#core::Shape::Tuple(&[])),
        }
    }
}

/// The Rust type that a record has for it, without `Option`.
pub(super) fn rust(kind: &DataType) -> TokenStream {
    let core = core();
    match kind {
        DataType::Native(keyword) => native(*keyword),
        DataType::List(of) | DataType::Vector(of, _) => {
            let of = rust(of);
            quote!(#core::Vec<#of>)
        }
        DataType::Set(of) => {
            let set = if is_hashed(of) { quote!(HashSet) } else { quote!(Vec) };
            let of = rust(of);
            quote!(#core::#set<#of>)
        }
        DataType::Map(key, value) if is_hashed(key) => {
            let (key, value) = (rust(key), rust(value));
            quote!(#core::HashMap<#key, #value>)
        }
        // Longer ones have no `Debug` in Rust.
        DataType::Tuple(of) if of.len() <= 12 => {
            // Each of them may be null.
            let of = of.iter().map(rust);
            quote!((#(#core::Option<#of>,)*))
        }
        DataType::Frozen(kind) => rust(kind),
        _ => quote!(#core::CqlValue),
    }
}

/// Whether a `HashSet` takes the Rust type that a record has for it.
fn is_hashed(kind: &DataType) -> bool {
    match kind {
        DataType::Native(keyword) => !matches!(
            keyword,
            Keyword::Float
                | Keyword::Double
                | Keyword::Decimal
                | Keyword::Duration
                | Keyword::Counter
        ),
        DataType::List(of) | DataType::Frozen(of) | DataType::Vector(of, _) => is_hashed(of),
        DataType::Tuple(of) => of.len() <= 12 && of.iter().all(is_hashed),
        _ => false,
    }
}

fn native(keyword: Keyword) -> TokenStream {
    let core = core();
    match keyword {
        Keyword::Ascii | Keyword::Text | Keyword::Varchar => quote!(#core::String),
        Keyword::Bigint => quote!(::core::primitive::i64),
        Keyword::Blob => quote!(#core::Vec<::core::primitive::u8>),
        Keyword::Boolean => quote!(::core::primitive::bool),
        Keyword::Counter => quote!(#core::Counter),
        Keyword::Date => quote!(#core::CqlDate),
        Keyword::Decimal => quote!(#core::CqlDecimal),
        Keyword::Double => quote!(::core::primitive::f64),
        Keyword::Duration => quote!(#core::CqlDuration),
        Keyword::Float => quote!(::core::primitive::f32),
        Keyword::Inet => quote!(#core::IpAddr),
        Keyword::Int => quote!(::core::primitive::i32),
        Keyword::Smallint => quote!(::core::primitive::i16),
        Keyword::Time => quote!(#core::CqlTime),
        Keyword::Timestamp => quote!(#core::CqlTimestamp),
        Keyword::Timeuuid => quote!(#core::CqlTimeuuid),
        Keyword::Tinyint => quote!(::core::primitive::i8),
        Keyword::Uuid => quote!(#core::Uuid),
        Keyword::Varint => quote!(#core::CqlVarint),
        _ => quote!(#core::CqlValue),
    }
}

/// Whether a record has a `CqlValue` for it.
pub(super) fn is_any(kind: &DataType) -> bool {
    match kind {
        DataType::Native(_) | DataType::List(_) | DataType::Set(_) | DataType::Vector(..) => false,
        DataType::Map(key, _) => !is_hashed(key),
        DataType::Tuple(of) => of.len() > 12,
        DataType::Frozen(kind) => is_any(kind),
        _ => true,
    }
}

/// Whether there is a Java class in it, which is no type of CQL.
pub(super) fn is_custom(kind: &DataType) -> bool {
    kind.any(&|kind| matches!(kind, DataType::Custom(_)))
}

/// Whether there is a type of users in it.
pub(super) fn has_user(kind: &DataType) -> bool {
    kind.any(&|kind| matches!(kind, DataType::User(_)))
}

/// The type's name in core: `int`.
pub(super) fn word(keyword: Keyword) -> Ident {
    let keyword = if keyword == Keyword::Varchar { Keyword::Text } else { keyword };
    Ident::new(&keyword.as_str().to_ascii_lowercase(), Span::call_site())
}

/// The type that stands for one of users.
fn user(name: &str) -> Ident {
    let mut ident = "__cqlstack_".to_owned();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            ident.push(c);
        } else {
            // Writing to a text does not fail.
            let _ = write!(ident, "_{:x}_", u32::from(c));
        }
    }
    Ident::new(&ident, Span::call_site())
}

/// A type in CQL without what is frozen.
pub(super) fn shown(kind: &DataType) -> String {
    kind.without_frozen().to_string()
}
