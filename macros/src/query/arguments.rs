//! The arguments, each for its marker.

use std::collections::BTreeMap;

use cqlstack_syntax::check::Signature;
use cqlstack_syntax::{DataType, Statement};
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};

use super::core;
use super::kinds::{Kinds, shown, word};
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
        let row = Ident::new("row", Span::mixed_site());
        let shapes = bound.iter().map(|bound| kinds.shape(bound.kind));
        let mut made = quote! {
            static __CQLSTACK_MARKERS: #core::Markers = #core::Markers::new(&[#(#shapes),*]);
            let mut #row = #core::BoundRow::new(&__CQLSTACK_MARKERS);
        };
        let mut uses = BTreeMap::new();
        for bound in &bound {
            *uses.entry(bound.argument).or_insert(0) += 1;
        }
        // One that is bound several times is evaluated once.
        for (index, argument) in self.0.iter_mut().enumerate() {
            if uses.get(&index).is_some_and(|uses| *uses > 1) {
                let own = Ident::new(
                    &format!("value{index}"),
                    Span::mixed_site().located_at(argument.span),
                );
                let value = &argument.value;
                made.extend(quote!(let #own = #value;));
                argument.value = quote!(#own);
            }
        }
        for Bound { name, kind, argument } in &bound {
            let value = self.0[*argument].borrowed();
            made.extend(match unfrozen(kind) {
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
        let given = self.0.len();
        let positional: Vec<usize> =
            (0..given).filter(|index| self.0[*index].name.is_none()).collect();
        let mut positional = positional.into_iter();
        let (mut bound, mut faults, mut used) = (Vec::new(), Vec::new(), vec![false; given]);
        let mut variables = BTreeMap::new();
        for (index, name) in signature.markers.iter().enumerate() {
            let kind = signature.marker_kinds.get(index).and_then(Option::as_ref);
            let own = own(index);
            let named = self.named(own.as_deref().unwrap_or(name));
            let argument = match (named, own) {
                (Some(argument), _) => Some(argument),
                (None, Some(own)) => match (variables.get(&own), variable(&own, place)) {
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
            faults.push(argument.unused(signature));
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
        let tokens = ungrouped(&tokens);
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

    fn unused(&self, signature: &Signature) -> Fault {
        let takes = match signature.markers.len() {
            0 => "the statement has no marker".to_owned(),
            1 => format!("the statement has one marker, `{}`", signature.markers[0]),
            count => format!("the statement has {count} markers: {}", signature.markers.join(", ")),
        };
        match &self.name {
            Some(name) => {
                let message = format!(
                    "there is no marker `{}` that has no argument yet; {takes}",
                    plain(name)
                );
                Fault::new(name.span(), message)
            }
            None => Fault::new(self.span, format!("this argument has no marker; {takes}")),
        }
    }
}

/// `a == b` is no name.
fn is_alone(next: Option<&TokenTree>) -> bool {
    !matches!(next, Some(TokenTree::Punct(next)) if next.as_char() == '=')
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

/// The variable that a marker names.
fn variable(name: &str, place: Span) -> Option<Ident> {
    super::record::ident(name, place)
}

fn unfrozen(kind: &DataType) -> &DataType {
    match kind {
        DataType::Frozen(kind) => unfrozen(kind),
        kind => kind,
    }
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
    let shown = shown(kind);
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
