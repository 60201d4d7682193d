//! Looks into values: columns, fields, types and functions that they name.

use super::find::Of;
use super::{Checker, Finding, Lint};
use crate::functions::is_of_cell;
use crate::keyword::Keyword;
use crate::schema::DataType;
use crate::token::Span;
use crate::tree::{Function, LiteralKind, Name, Step, Term, TermKind, Type, TypeKind, quoted};

impl<'s> Checker<'s> {
    /// A value for a column or a part of one; `kind` is its type, where it is known.
    pub(super) fn value(&mut self, of: Of<'s>, term: &Term<'_>, kind: Option<&'s DataType>) {
        let unfrozen = kind.map(DataType::unfrozen);
        let each = |kind: Option<&'s DataType>| match kind {
            Some(DataType::List(inner) | DataType::Set(inner) | DataType::Vector(inner, _)) => {
                Some(&**inner)
            }
            _ => None,
        };
        if let (true, Some(what)) = (is_collection(term), unfrozen.and_then(collection)) {
            self.bound_inside(what, term);
        }
        match &term.kind {
            TermKind::Literal(literal) => self.literal(term.span, literal.kind, unfrozen),
            TermKind::Null | TermKind::Marker(_) | TermKind::CountRows => {}
            TermKind::List(terms) | TermKind::Set(terms) => {
                for term in terms {
                    self.value(of, term, each(unfrozen));
                }
            }
            TermKind::Map(entries) => self.entries(of, entries, unfrozen),
            TermKind::UserType(fields) => {
                for (name, value) in fields {
                    let field = unfrozen.and_then(|kind| self.field(of, kind, *name));
                    self.value(of, value, field);
                }
            }
            TermKind::Tuple(terms) => self.tuple(of, terms, unfrozen),
            TermKind::Function(function) => self.call(of, function),
            TermKind::Hint(kind, inner) | TermKind::Cast(inner, kind) => {
                self.type_name(of, kind);
                self.value(of, inner, None);
            }
            TermKind::Negation(inner) => self.value(of, inner, None),
            TermKind::Arithmetic(first, rest) => {
                self.value(of, first, None);
                for (_, term) in rest {
                    self.value(of, term, None);
                }
            }
            TermKind::Column(name) => drop(self.column(of, *name)),
            TermKind::Path(base, steps) => self.path(of, base, steps),
        }
    }

    /// Cassandra binds a collection as a whole, or not at all.
    pub(super) fn bound_inside(&mut self, what: &str, literal: &Term<'_>) {
        let mut markers = Vec::new();
        inner_markers(literal, &mut markers);
        for span in markers {
            let message = format!("a value is bound inside a literal of a {what}");
            let expected = format!("literals only, or one `?` for the {what} as a whole");
            self.report(Finding::new(span, message, expected).with_lint(Lint::MarkerInLiteral));
        }
    }

    /// A value in the text that is of no type which goes into the column, as Cassandra's `Constants.Literal` has it.
    fn literal(&mut self, span: Span, literal: LiteralKind, kind: Option<&DataType>) {
        let Some(kind @ DataType::Native(native)) = kind else { return };
        let (fits, expected): (&[LiteralKind], _) = match native {
            Keyword::Ascii | Keyword::Text => (&[LiteralKind::String], "a string"),
            Keyword::Inet => (&[LiteralKind::String], "a string with an address"),
            Keyword::Date | Keyword::Time | Keyword::Timestamp => {
                (&[LiteralKind::String, LiteralKind::Integer], "a string or an integer")
            }
            Keyword::Tinyint
            | Keyword::Smallint
            | Keyword::Int
            | Keyword::Bigint
            | Keyword::Varint
            | Keyword::Counter => (&[LiteralKind::Integer], "an integer"),
            Keyword::Decimal | Keyword::Double | Keyword::Float => {
                (&[LiteralKind::Integer, LiteralKind::Float], "a number")
            }
            Keyword::Uuid | Keyword::Timeuuid => (&[LiteralKind::Uuid], "a UUID, without quotes"),
            Keyword::Boolean => (&[LiteralKind::Boolean], "true or false"),
            Keyword::Blob => (&[LiteralKind::Blob], "bytes, as 0xCAFE"),
            // What it takes beside durations, versions differ in.
            _ => return,
        };
        if !fits.contains(&literal) {
            let message = format!("a value of the type {kind} is not written so");
            self.report(Finding::new(span, message, expected));
        }
    }

    fn entries(
        &mut self,
        of: Of<'s>,
        entries: &[(Term<'_>, Term<'_>)],
        kind: Option<&'s DataType>,
    ) {
        let (keys, values) = match kind {
            Some(DataType::Map(keys, values)) => (Some(&**keys), Some(&**values)),
            _ => (None, None),
        };
        for (key, value) in entries {
            // Where columns can be named, it may be a type of users: its fields look like columns.
            if kind.is_some() || !matches!(key.kind, TermKind::Column(_)) {
                self.value(of, key, keys);
            }
            self.value(of, value, values);
        }
    }

    fn tuple(&mut self, of: Of<'s>, terms: &[Term<'_>], kind: Option<&'s DataType>) {
        match (kind, terms) {
            (Some(DataType::Tuple(kinds)), _) => {
                for (index, term) in terms.iter().enumerate() {
                    self.value(of, term, kinds.get(index));
                }
            }
            // In parentheses.
            (kind, [only]) => self.value(of, only, kind),
            (_, terms) => {
                for term in terms {
                    self.value(of, term, None);
                }
            }
        }
    }

    fn call(&mut self, of: Of<'s>, function: &Function<'_>) {
        self.function(of, function);
        let name = function.name.resolved();
        let is_of_cell = is_of_cell(&name);
        for argument in &function.arguments {
            self.value(of, argument, None);
            if let TermKind::Column(column) = argument.kind
                && is_of_cell
                && function.keyspace.is_none()
            {
                self.has_cell(of, column, &name);
            }
        }
    }

    fn has_cell(&mut self, of: Of<'s>, name: Name<'_>, function: &str) {
        let Some(column) = of.column(&name.resolved()) else { return };
        if column.role.is_key() {
            let own = quoted(&column.name);
            let message = format!("`{own}` is part of the primary key, which has no {function}");
            let expected = format!("a column that is not in {}", of.key());
            self.report(Finding::new(name.span(), message, expected));
        }
    }

    /// `home.street`, `phones['work']`
    fn path(&mut self, of: Of<'s>, base: &Term<'_>, steps: &[Step<'_>]) {
        let mut kind = None;
        if let TermKind::Column(name) = base.kind {
            kind = self.column(of, name).map(|column| &column.kind);
        } else {
            self.value(of, base, None);
        }
        for step in steps {
            match step {
                Step::Field(name) => {
                    kind = kind.and_then(|kind| self.field(of, kind, *name));
                }
                Step::Element(key) => {
                    let inner = match kind.map(DataType::unfrozen) {
                        Some(DataType::Map(keys, values)) => Some((Some(&**keys), &**values)),
                        Some(DataType::Set(inner)) => Some((Some(&**inner), &**inner)),
                        Some(DataType::List(inner)) => Some((None, &**inner)),
                        _ => None,
                    };
                    self.value(of, key, inner.and_then(|(keys, _)| keys));
                    kind = inner.map(|(_, values)| values);
                }
                Step::Slice(from, to) => {
                    for end in [from, to].into_iter().flatten() {
                        self.value(of, end, None);
                    }
                }
            }
        }
    }

    /// That a type of users is there.
    pub(super) fn type_name(&mut self, of: Of<'s>, kind: &Type<'_>) {
        match &kind.kind {
            TypeKind::Native(_) | TypeKind::Custom(_) => {}
            TypeKind::List(inner)
            | TypeKind::Set(inner)
            | TypeKind::Vector(inner, _)
            | TypeKind::Frozen(inner) => self.type_name(of, inner),
            TypeKind::Map(keys, values) => {
                self.type_name(of, keys);
                self.type_name(of, values);
            }
            TypeKind::Tuple(kinds) => {
                for kind in kinds {
                    self.type_name(of, kind);
                }
            }
            TypeKind::User(name) => {
                let own = name.name.resolved();
                let within = match name.keyspace {
                    Some(keyspace) => match self.keyspace(keyspace) {
                        Some((_, within)) => within,
                        None => return,
                    },
                    None => of.within,
                };
                if !within.types.contains_key(&*own) {
                    let message = format!("there is no type `{own}`");
                    let types = within.types.keys().map(String::as_str);
                    self.report(Self::missing(name.name, message, types));
                }
            }
        }
    }
}

pub(super) fn is_collection(term: &Term<'_>) -> bool {
    matches!(term.kind, TermKind::List(_) | TermKind::Set(_) | TermKind::Map(_))
}

/// What a type is called, if it is a collection; a vector is none.
const fn collection(kind: &DataType) -> Option<&'static str> {
    match kind {
        DataType::List(_) => Some("list"),
        DataType::Set(_) => Some("set"),
        DataType::Map(..) => Some("map"),
        _ => None,
    }
}

/// Where the markers of a literal stand, however deep.
fn inner_markers(term: &Term<'_>, spans: &mut Vec<Span>) {
    match &term.kind {
        TermKind::Marker(_) => spans.push(term.span),
        TermKind::List(terms) | TermKind::Set(terms) | TermKind::Tuple(terms) => {
            for term in terms {
                inner_markers(term, spans);
            }
        }
        TermKind::Map(entries) => {
            for (key, value) in entries {
                inner_markers(key, spans);
                inner_markers(value, spans);
            }
        }
        TermKind::UserType(fields) => {
            for (_, value) in fields {
                inner_markers(value, spans);
            }
        }
        _ => {}
    }
}
