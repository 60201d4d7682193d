//! The markers in values: their names and types.
//!
//! Values nest: each kind of brackets has a function of its own, which is not inlined, lest the frames of all are on the way
//! of each bracket.

use std::borrow::Cow;

use super::column_name::full_name;
use super::find::Of;
use super::function_kind::argument_kind;
use super::kind::operand;
use super::receiver::{Receiver, SELECTED, field_of, receiver};
use super::signature::Reader;
use crate::schema::DataType;
use crate::tree::{ArithmeticOperator, Function, Name, Step, Term, TermKind, Type};

impl<'s> Reader<'s> {
    pub(super) fn mark(
        &mut self,
        index: u32,
        own: Option<Name<'_>>,
        name: String,
        kind: Option<DataType>,
    ) {
        let name = own.map_or(name, |own| own.resolved().into_owned());
        self.markers.push((index, (name, kind)));
    }

    pub(super) fn term(&mut self, of: Of<'s>, term: &Term<'_>, receiver: &Receiver<'s>) {
        match &term.kind {
            TermKind::Marker(marker) => {
                let kind = receiver.kind.clone().map(Cow::into_owned);
                self.mark(marker.index, marker.name, receiver.name.clone(), kind);
            }
            TermKind::Literal(_) | TermKind::Null | TermKind::Column(_) | TermKind::CountRows => {}
            TermKind::List(terms) | TermKind::Set(terms) => self.elements(of, terms, receiver),
            TermKind::Map(entries) => self.entries(of, entries, receiver),
            TermKind::UserType(fields) => self.fields(of, fields, receiver),
            TermKind::Tuple(terms) => self.tuple(of, terms, receiver),
            TermKind::Function(function) => self.function(of, function),
            TermKind::Hint(kind, inner) => self.hint(of, kind, inner, receiver),
            TermKind::Cast(inner, _) => self.selected(of, inner),
            TermKind::Negation(inner) => self.negation(of, inner, receiver),
            TermKind::Arithmetic(first, rest) => self.arithmetic(of, first, rest, receiver),
            TermKind::Path(base, steps) => self.path(of, base, steps),
        }
    }

    #[inline(never)]
    fn elements(&mut self, of: Of<'s>, terms: &[Term<'_>], receiver: &Receiver<'s>) {
        for term in terms {
            self.term(of, term, &receiver.element());
        }
    }

    #[inline(never)]
    fn entries(&mut self, of: Of<'s>, entries: &[(Term<'_>, Term<'_>)], receiver: &Receiver<'s>) {
        for (key, value) in entries {
            self.term(of, key, &receiver.key());
            self.term(of, value, &receiver.element());
        }
    }

    #[inline(never)]
    fn fields(&mut self, of: Of<'s>, fields: &[(Name<'_>, Term<'_>)], receiver: &Receiver<'s>) {
        for (field, value) in fields {
            self.term(of, value, &field_of(of, receiver, *field));
        }
    }

    #[inline(never)]
    fn selected(&mut self, of: Of<'s>, term: &Term<'_>) {
        self.term(of, term, &Receiver::named(SELECTED));
    }

    #[inline(never)]
    fn hint(&mut self, of: Of<'s>, kind: &Type<'_>, inner: &Term<'_>, receiver: &Receiver<'s>) {
        let kind = DataType::hinted(kind, of.keyspace, of.within);
        self.term(of, inner, &receiver.clone().with(kind));
    }

    #[inline(never)]
    fn negation(&mut self, of: Of<'s>, inner: &Term<'_>, receiver: &Receiver<'s>) {
        let kind = match inner.kind {
            TermKind::Marker(_) => receiver.kind.as_deref().cloned(),
            _ => None,
        };
        self.term(of, inner, &self.argument(0, "system._negate").with(kind));
    }

    #[inline(never)]
    fn tuple(&mut self, of: Of<'s>, terms: &[Term<'_>], receiver: &Receiver<'s>) {
        let kinds = match receiver.unfrozen() {
            Some(DataType::Tuple(kinds)) => kinds.as_slice(),
            // In parentheses.
            _ if terms.len() == 1 => {
                for term in terms {
                    self.term(of, term, receiver);
                }
                return;
            }
            _ => &[],
        };
        for (index, term) in terms.iter().enumerate() {
            let name = format!("{}[{index}]", receiver.name);
            self.term(
                of,
                term,
                &Receiver { name, kind: kinds.get(index).cloned().map(Cow::Owned) },
            );
        }
    }

    #[inline(never)]
    fn arithmetic(
        &mut self,
        of: Of<'s>,
        first: &Term<'_>,
        rest: &[(ArithmeticOperator, Term<'_>)],
        whole: &Receiver<'s>,
    ) {
        let mut receivers = self.operands(of, first, rest, whole).into_iter();
        if let Some(receiver) = receivers.next() {
            self.term(of, first, &receiver);
        }
        for (_, term) in rest {
            if let Some(receiver) = receivers.next() {
                self.term(of, term, &receiver);
            }
        }
    }

    /// What the operands are for.
    #[inline(never)]
    fn operands(
        &self,
        of: Of<'_>,
        first: &Term<'_>,
        rest: &[(ArithmeticOperator, Term<'_>)],
        whole: &Receiver<'s>,
    ) -> Vec<Receiver<'s>> {
        let kind = bound_operand(of, first, rest, whole);
        let function = |operator: ArithmeticOperator| match operator {
            ArithmeticOperator::Add => "system._add",
            ArithmeticOperator::Subtract => "system._substract",
            ArithmeticOperator::Multiply => "system._multiply",
            ArithmeticOperator::Divide => "system._divide",
            ArithmeticOperator::Modulo => "system._modulo",
        };
        let next = rest.first().map(|(operator, _)| (0, *operator));
        let others = rest.iter().map(|(operator, _)| (1, *operator));
        let all = next.into_iter().chain(others);
        all.map(|(index, own)| self.argument(index, function(own)).with(kind.clone())).collect()
    }

    fn argument(&self, index: usize, function: &str) -> Receiver<'s> {
        if self.selects {
            Receiver::named(SELECTED)
        } else {
            Receiver::named(format!("arg{index}({function})"))
        }
    }

    #[inline(never)]
    fn function(&mut self, of: Of<'s>, function: &Function<'_>) {
        let full = full_name(of, function);
        for (index, argument) in function.arguments.iter().enumerate() {
            let kind = argument_kind(of, function, index);
            self.term(of, argument, &self.argument(index, &full).with(kind));
        }
    }

    #[inline(never)]
    fn path(&mut self, of: Of<'s>, base: &Term<'_>, steps: &[Step<'_>]) {
        let mut whole = match base.kind {
            TermKind::Column(name) => receiver(of, name),
            _ => Receiver::named(SELECTED),
        };
        self.term(of, base, &Receiver::named(SELECTED));
        for step in steps {
            whole = match step {
                Step::Field(field) => field_of(of, &whole, *field),
                Step::Element(key) => {
                    self.term(of, key, &whole.key());
                    whole.element()
                }
                Step::Slice(from, to) => {
                    for end in [from, to].into_iter().flatten() {
                        self.term(of, end, &whole.key());
                    }
                    whole
                }
            };
        }
    }
}

/// The type of what is bound as an operand: that of what the sum is for, or of another one.
fn bound_operand(
    of: Of<'_>,
    first: &Term<'_>,
    rest: &[(ArithmeticOperator, Term<'_>)],
    whole: &Receiver<'_>,
) -> Option<DataType> {
    let operands = || [first].into_iter().chain(rest.iter().map(|(_, term)| term));
    // What nests is looked at once.
    if !operands().any(|term| matches!(term.kind, TermKind::Marker(_))) {
        return None;
    }
    let kind = whole.kind.as_deref().cloned();
    kind.or_else(|| operands().find_map(|term| operand(of, term)))
}
