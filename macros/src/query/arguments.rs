//! The arguments, each for its marker.

use std::collections::BTreeMap;

use cqlstack_syntax::check::Signature;
use cqlstack_syntax::{DataType, Statement};
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};

use super::kinds::{Kinds, is_custom, shown, word};
use super::record::ident;
use super::{core, row};
use crate::fault::Fault;
use crate::literal::ungrouped;

/// One argument.
struct Argument {
    /// Of `id = …`.
    name: Option<Ident>,
    value: TokenStream,
    span: Span,
}

pub(super) struct Arguments(Vec<Argument>);

/// A marker and what is bound to it.
struct Bound<'s> {
    name: &'s str,
    kind: &'s DataType,
    argument: usize,
}

impl Arguments {
    /// Each stands in brackets.
    pub(super) fn read(tokens: TokenStream) -> Self {
        let arguments = tokens.into_iter().map(|token| match token {
            TokenTree::Group(group) => Argument::read(group.stream()),
            other => Argument::read(other.into()),
        });
        Self(arguments.collect())
    }

    /// The row of values.
    pub(super) fn bind(
        mut self,
        place: Span,
        parsed: &Statement<'_>,
        signature: &Signature,
        kinds: &Kinds<'_>,
    ) -> Result<TokenStream, Vec<Fault>> {
        let bound = self.places(place, parsed, signature)?;
        if bound.is_empty() {
            return Ok(TokenStream::new());
        }
        let core = core();
        let row = row();
        let shapes = bound.iter().map(|bound| kinds.shape(bound.kind));
        let mut made = quote! {
            static __CQLSTACK_MARKERS: #core::Markers = #core::Markers::new(&[#(#shapes),*]);
            let mut #row = #core::BoundRow::new(&__CQLSTACK_MARKERS);
        };
        let mut uses = BTreeMap::new();
        for bound in &bound {
            *uses.entry(bound.argument).or_insert(0) += 1;
        }
        // One that is bound several times is evaluated once, and not moved.
        for (index, argument) in self.0.iter_mut().enumerate() {
            if uses.get(&index).is_some_and(|uses| *uses > 1) {
                let own = Ident::new(
                    &format!("value{index}"),
                    Span::mixed_site().located_at(argument.span),
                );
                let value = argument.borrowed();
                made.extend(quote!(let #own = #value;));
                argument.value = quote!(#own);
            }
        }
        for Bound { name, kind, argument } in &bound {
            let value = self.0[*argument].borrowed();
            made.extend(match kind.unfrozen() {
                DataType::Native(keyword) => {
                    let bind = word(*keyword);
                    quote!(#core::#bind(#value, &mut #row);)
                }
                kind => composite(name, kind, kinds, &value, &row),
            });
        }
        Ok(made)
    }

    /// Which argument is for which marker. What no argument names, a variable of the program does.
    fn places<'s>(
        &mut self,
        place: Span,
        parsed: &Statement<'_>,
        signature: &'s Signature,
    ) -> Result<Vec<Bound<'s>>, Vec<Fault>> {
        let markers = parsed.markers();
        let own = |index: usize| {
            let marker = markers.get(index).and_then(|bound| bound.marker.name);
            marker.map(|name| name.resolved().into_owned())
        };
        let is_shared = |name: &String| {
            let all = signature.markers.iter().enumerate();
            all.filter(|(index, other)| *other == name && own(*index).is_none()).count() > 1
        };
        let given = self.0.len();
        let positional: Vec<usize> =
            (0..given).filter(|index| self.0[*index].name.is_none()).collect();
        let mut positional = positional.into_iter();
        let (mut bound, mut faults, mut used) = (Vec::new(), Vec::new(), vec![false; given]);
        let mut variables = BTreeMap::new();
        for (index, name) in signature.markers.iter().enumerate() {
            let kind = signature.marker_kinds.get(index).and_then(Option::as_ref);
            let kind = kind.filter(|kind| !is_custom(kind));
            let own = own(index);
            let named = match &own {
                Some(own) => self.named(own),
                // A name that several of them have tells of none.
                None if is_shared(name) => None,
                None => self.named(name),
            };
            let argument = match (named, own) {
                (Some(argument), _) => Some(argument),
                (None, Some(own)) => match (variables.get(&own), ident(&own, place)) {
                    (Some(known), _) => Some(*known),
                    (None, Some(variable)) => {
                        let value = quote!(#variable);
                        self.0.push(Argument { name: None, value, span: place });
                        variables.insert(own, self.0.len() - 1);
                        Some(self.0.len() - 1)
                    }
                    (None, None) => None,
                },
                (None, None) => positional.next(),
            };
            let number = index + 1;
            match (argument, kind) {
                (Some(argument), Some(kind)) => {
                    if let Some(used) = used.get_mut(argument) {
                        *used = true;
                    }
                    bound.push(Bound { name, kind, argument });
                }
                (Some(argument), None) => {
                    if let Some(used) = used.get_mut(argument) {
                        *used = true;
                    }
                    let message = format!(
                        "the type of marker {number}, `{name}`, is not known: give it one, as in `(int) ?`"
                    );
                    faults.push(Fault::new(self.0[argument].span, message));
                }
                (None, kind) => {
                    let kind = kind.map_or_else(String::new, |kind| {
                        format!(", of the type `{}`", shown(kind))
                    });
                    let all = signature.markers.len();
                    let message = format!(
                        "marker {number} of {all}, `{name}`{kind}, has no argument: add one, in the order of the markers"
                    );
                    faults.push(Fault::new(place, message));
                }
            }
        }
        for (argument, _) in self.0.iter().zip(used).filter(|(_, used)| !used) {
            faults.push(argument.unused(signature, is_shared));
        }
        if faults.is_empty() { Ok(bound) } else { Err(faults) }
    }

    fn named(&self, marker: &str) -> Option<usize> {
        let is_it =
            |argument: &Argument| argument.name.as_ref().is_some_and(|name| plain(name) == marker);
        self.0.iter().position(is_it)
    }
}

impl Argument {
    fn read(tokens: TokenStream) -> Self {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        // The brackets around an expression that a macro has taken are where that macro is.
        let tokens: Vec<TokenTree> = kept_together(ungrouped(&tokens));
        let span = tokens.first().map_or_else(Span::call_site, TokenTree::span);
        match &tokens[..] {
            [TokenTree::Ident(name), TokenTree::Punct(equals), value @ ..]
                if equals.as_char() == '=' && is_alone(value.first()) =>
            {
                let value: TokenStream = value.iter().cloned().collect();
                let span = value.clone().into_iter().next().map_or(span, |token| token.span());
                Self { name: Some(name.clone()), value, span }
            }
            all => Self { name: None, value: all.iter().cloned().collect(), span },
        }
    }

    /// A reference to it.
    fn borrowed(&self) -> TokenStream {
        let Self { value, span, .. } = self;
        let mut tokens = value.clone().into_iter();
        let is_one = tokens.next().is_some() && tokens.next().is_none();
        let value = if is_one { value.clone() } else { grouped(value.clone(), *span) };
        quote_spanned!(*span => &#value)
    }

    fn unused(&self, signature: &Signature, is_shared: impl Fn(&String) -> bool) -> Fault {
        let takes = match &signature.markers[..] {
            [] => "the statement has no marker".to_owned(),
            [one] => format!("the statement has one marker, `{one}`"),
            all => format!("the statement has {} markers: {}", all.len(), all.join(", ")),
        };
        let Some(name) = &self.name else {
            let message = format!(
                "this argument has no marker; {takes}. A marker that has a name in the text, as `:id`, takes `id = …`"
            );
            return Fault::new(self.span, message);
        };
        let plain = plain(name);
        let message = if is_shared(&plain) {
            format!(
                "several markers are called `{plain}`: give arguments in their order, or write `:{plain}` in the text"
            )
        } else {
            format!("there is no marker `{plain}` that has no argument yet; {takes}")
        };
        Fault::new(name.span(), message)
    }
}

/// `a == b` is no name.
fn is_alone(next: Option<&TokenTree>) -> bool {
    !matches!(next, Some(TokenTree::Punct(next)) if next.as_char() == '=')
}

/// With parentheses around what another macro has taken as an expression: the brackets that keep it together there are lost
/// on the way through this one. A path or a type stays as it is, since parentheses would break what follows it.
fn kept_together(tokens: Vec<TokenTree>) -> Vec<TokenTree> {
    let mut kept = Vec::with_capacity(tokens.len());
    for token in tokens {
        let TokenTree::Group(group) = token else {
            kept.push(token);
            continue;
        };
        let inner = kept_together(group.stream().into_iter().collect());
        let delimiter = match group.delimiter() {
            Delimiter::None if is_sum(&inner) => Delimiter::Parenthesis,
            delimiter => delimiter,
        };
        let span = match (group.delimiter(), inner.first()) {
            (Delimiter::None, Some(first)) => first.span(),
            _ => group.span(),
        };
        let mut together = Group::new(delimiter, inner.into_iter().collect());
        together.set_span(span);
        kept.push(TokenTree::Group(together));
    }
    kept
}

/// Whether an operator stands between or before operands.
fn is_sum(tokens: &[TokenTree]) -> bool {
    let is_operator = |token: &TokenTree| match token {
        TokenTree::Punct(punct) => "+-*/%^|&=!".contains(punct.as_char()),
        TokenTree::Ident(word) => word == "as",
        _ => false,
    };
    tokens.len() > 1 && tokens.iter().any(is_operator)
}

/// In parentheses: an invisible group does not keep `&a as b` together.
fn grouped(tokens: TokenStream, span: Span) -> TokenStream {
    let mut group = Group::new(Delimiter::Parenthesis, tokens);
    group.set_span(span);
    TokenTree::Group(group).into()
}

/// Without `r#`.
fn plain(name: &Ident) -> String {
    let name = name.to_string();
    name.strip_prefix("r#").map_or(name.clone(), str::to_owned)
}

/// Collections and types of users are many: for each marker there is a trait of its own, which says what goes into it.
fn composite(
    name: &str,
    kind: &DataType,
    kinds: &Kinds<'_>,
    value: &TokenStream,
    row: &Ident,
) -> TokenStream {
    let core = core();
    let marker = kinds.marker(kind);
    // In a message of the compiler's, braces stand around a parameter.
    let escaped = |name: &str| name.replace('{', "{{").replace('}', "}}");
    let (name, shown) = (escaped(name), escaped(&shown(kind)));
    let fits = fits(kind);
    let message = format!("`{{Self}}` cannot be bound to `{name}`, which is `{shown}`");
    let label = format!("`{shown}` takes {fits}");
    let note = format!("`{shown}` takes {fits}, each also in an `Option`; or a `CqlValue`");
    quote!({
        #[diagnostic::on_unimplemented(message = #message, label = #label, note = #note)]
        trait __CqlstackBinds: #core::BindAs<#marker> {}
        #[diagnostic::do_not_recommend]
        impl<T: #core::BindAs<#marker> + ?::core::marker::Sized> __CqlstackBinds for T {}
        fn __cqlstack_bind<T: __CqlstackBinds + ?::core::marker::Sized>(
            value: &T,
            row: &mut #core::BoundRow,
        ) {
            #core::BindAs::put(value, row);
        }
        __cqlstack_bind(#value, &mut #row);
    })
}

fn fits(kind: &DataType) -> &'static str {
    match kind {
        DataType::List(_) => {
            "`Vec<T>`, `&[T]`, `HashSet<T>` or `BTreeSet<T>` of what goes into its elements"
        }
        DataType::Set(_) => {
            "`HashSet<T>`, `BTreeSet<T>`, `Vec<T>` or `&[T]` of what goes into its elements"
        }
        DataType::Map(..) => {
            "`HashMap<K, V>` or `BTreeMap<K, V>` of what goes into its keys and values"
        }
        DataType::Vector(..) => "`Vec<T>` or `&[T]` of what goes into its elements",
        DataType::Tuple(_) => "a tuple of what goes into its elements, of as many or fewer",
        _ => "a struct that derives `SerializeValue` and has its fields",
    }
}
