//! The driver's derives, with the path to the driver filled in.
//!
//! A derive macro adds items, and cannot add the attribute by which the driver's derives find their crate. So it writes
//! the struct once more, with the driver's derive and that attribute, and below both an attribute that leaves nothing of the
//! struct: derives come before it. What the driver's derive wrote stays, and its `impl` is of the struct that is there.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::quote;

/// The code of a derive of this name.
pub(crate) fn derive(name: &str, input: TokenStream) -> TokenStream {
    let name = Ident::new(name, Span::call_site());
    let given = driver_path(&input);
    let root = given.as_deref().map_or_else(|| quote!(::cqlstack_core), root_of);
    let path = given.is_none().then(|| quote!(#[scylla(crate = #root::scylla)]));
    #[cfg(feature = "cql")]
    let checks = crate::fields::checks(&name.to_string(), &input, &root);
    #[cfg(not(feature = "cql"))]
    let checks = TokenStream::new();
    let item = bare(input, true);
    quote! {
        #[derive(#root::scylla::#name)]
        #path
        #[#root::__derive::nothing]
        #item
        #checks
    }
}

/// Without the attributes of other macros, which are not to see it twice.
fn bare(tokens: TokenStream, is_outside: bool) -> TokenStream {
    let mut kept = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(ref punct) if punct.as_char() == '#' => match tokens.next() {
                Some(TokenTree::Group(group)) if is_attribute(&group) => {
                    if is_of_driver(&group) {
                        kept.extend([token, TokenTree::Group(group)]);
                    }
                }
                other => kept.extend([Some(token), other].into_iter().flatten()),
            },
            // The fields.
            TokenTree::Group(group) if is_outside && group.delimiter() != Delimiter::Bracket => {
                let mut fields = Group::new(group.delimiter(), bare(group.stream(), false));
                fields.set_span(group.span());
                kept.extend([TokenTree::Group(fields)]);
            }
            token => kept.extend([token]),
        }
    }
    kept
}

pub(crate) fn is_attribute(group: &Group) -> bool {
    group.delimiter() == Delimiter::Bracket
}

pub(crate) fn is_of_driver(attribute: &Group) -> bool {
    matches!(ungrouped(attribute.stream()).first(), Some(TokenTree::Ident(name)) if name == "scylla")
}

/// Without the invisible brackets around what a `macro_rules!` has taken as a `meta` or a `path`.
pub(crate) fn ungrouped(tokens: TokenStream) -> Vec<TokenTree> {
    let mut all = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
                all.extend(ungrouped(group.stream()));
            }
            token => all.push(token),
        }
    }
    all
}

/// What the struct says is the driver: `#[scylla(crate = my_core::scylla)]`.
fn driver_path(input: &TokenStream) -> Option<Vec<TokenTree>> {
    let attributes = input.clone().into_iter().take_while(|token| {
        // They come before the visibility and the name.
        !matches!(token, TokenTree::Ident(word) if word == "struct" || word == "enum")
    });
    let arguments = attributes.filter_map(|token| match token {
        TokenTree::Group(group) if is_attribute(&group) && is_of_driver(&group) => {
            Some(arguments_of(&group))
        }
        _ => None,
    });
    arguments.flatten().find_map(|argument| match &argument[..] {
        [TokenTree::Ident(name), TokenTree::Punct(_), path @ ..] if name == "crate" => {
            Some(path.to_vec())
        }
        _ => None,
    })
}

/// `rename = "a"` and `skip` of `#[scylla(rename = "a", skip)]`.
pub(crate) fn arguments_of(attribute: &Group) -> Vec<Vec<TokenTree>> {
    let Some(TokenTree::Group(arguments)) = ungrouped(attribute.stream()).into_iter().nth(1) else {
        return Vec::new();
    };
    let tokens = ungrouped(arguments.stream());
    let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(it) if it.as_char() == ',');
    tokens.split(is_comma).map(<[TokenTree]>::to_vec).collect()
}

/// `my_core` of `my_core::scylla`.
fn root_of(driver: &[TokenTree]) -> TokenStream {
    match driver {
        [root @ .., TokenTree::Punct(_), TokenTree::Punct(_), TokenTree::Ident(last)]
            if last == "scylla" && !root.is_empty() =>
        {
            root.iter().cloned().collect()
        }
        _ => quote!(::cqlstack_core),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn derived(input: TokenStream) -> String {
        derive("SerializeRow", input).to_string()
    }

    #[test]
    fn the_path_is_filled_in_and_other_attributes_are_left_out() {
        let input = quote! {
            /// Of a user.
            #[serde(rename_all = "kebab-case")]
            #[scylla(flavor = "enforce_order")]
            pub(crate) struct User<'a, const N: usize> where Self: Sized {
                /// Its name.
                #[serde(skip)]
                #[scylla(rename = "user_name")]
                name: &'a str,
                bytes: [u8; N],
            }
        };
        let expected = quote! {
            #[derive(::cqlstack_core::scylla::SerializeRow)]
            #[scylla(crate = ::cqlstack_core::scylla)]
            #[::cqlstack_core::__derive::nothing]
            #[scylla(flavor = "enforce_order")]
            pub(crate) struct User<'a, const N: usize> where Self: Sized {
                #[scylla(rename = "user_name")]
                name: &'a str,
                bytes: [u8; N],
            }
        };
        assert_eq!(derived(input), expected.to_string());
    }

    #[test]
    fn a_path_that_is_given_stays() {
        let of = |path: TokenStream| {
            derived(quote! { #[scylla(skip_name_checks, crate = #path)] struct A; })
        };
        let expected = |root: TokenStream, path: TokenStream| {
            quote! {
                #[derive(#root::scylla::SerializeRow)]
                #[#root::__derive::nothing]
                #[scylla(skip_name_checks, crate = #path)]
                struct A;
            }
            .to_string()
        };
        let renamed = || quote!(my::core::scylla);
        assert_eq!(of(renamed()), expected(quote!(my::core), renamed()));
        let driver = || quote!(scylla);
        assert_eq!(of(driver()), expected(quote!(::cqlstack_core), driver()));
    }
}
