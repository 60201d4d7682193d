//! How a server names the columns of a result.

use super::find::Of;
use crate::functions::{cast_to, is_of_cell};
use crate::tree::{
    ArithmeticOperator, Function, LiteralKind, Step, Table, Term, TermKind, Type, TypeKind,
};

/// The name of a selected term without an alias. Names in it have no quotes.
pub(super) fn column_name(of: Of<'_>, term: &Term<'_>) -> String {
    let mut name = String::new();
    write(of, term, &mut name);
    name
}

/// With the keyspace that it is in.
pub(super) fn full_name(of: Of<'_>, function: &Function<'_>) -> String {
    let name = function.name.resolved();
    let keyspace = match function.keyspace {
        Some(keyspace) => keyspace.resolved().into_owned(),
        None if of.is_own(function) => of.keyspace.to_owned(),
        None => "system".to_owned(),
    };
    // Two that have another name by now.
    let name = match &*name {
        "tojson" => "to_json",
        "fromjson" => "from_json",
        name => name,
    };
    format!("{keyspace}.{name}")
}

/// A function for each kind of brackets, lest the frames of all are on the way of each bracket.
fn write(of: Of<'_>, term: &Term<'_>, name: &mut String) {
    match &term.kind {
        TermKind::Column(column) => name.push_str(&column.resolved()),
        TermKind::CountRows => name.push_str("count"),
        TermKind::Marker(_) => name.push('?'),
        TermKind::Null => name.push_str("NULL"),
        TermKind::Literal(literal) => match literal.kind {
            LiteralKind::String => quote(&literal.text(), name),
            _ => name.push_str(literal.written),
        },
        TermKind::Function(function) => write_call(of, function, name),
        TermKind::Cast(inner, kind) => {
            name.push_str("cast(");
            write(of, inner, name);
            name.push_str(" as ");
            name.push_str(&kind.to_string().to_lowercase());
            name.push(')');
        }
        TermKind::Hint(kind, inner) => {
            name.push_str(&hint(of, kind));
            write(of, inner, name);
        }
        TermKind::Negation(inner) => {
            name.push('-');
            write(of, inner, name);
        }
        TermKind::Arithmetic(first, rest) => write_sum(of, first, rest, name),
        TermKind::Path(base, steps) => write_path(of, base, steps, name),
        TermKind::List(terms) => write_all(of, terms, ("[", "]"), name),
        TermKind::Set(terms) => write_all(of, terms, ("{", "}"), name),
        TermKind::Tuple(terms) => write_all(of, terms, ("(", ")"), name),
        TermKind::Map(entries) => {
            let mut open = "{";
            for (key, value) in entries {
                name.push_str(std::mem::replace(&mut open, ", "));
                write(of, key, name);
                name.push_str(": ");
                write(of, value, name);
            }
            name.push('}');
        }
        TermKind::UserType(fields) => {
            let mut open = "{";
            for (field, value) in fields {
                name.push_str(std::mem::replace(&mut open, ", "));
                name.push_str(&field.resolved());
                name.push_str(": ");
                write(of, value, name);
            }
            name.push('}');
        }
    }
}

/// A type of users has its keyspace.
fn hint(of: Of<'_>, kind: &Type<'_>) -> String {
    match &kind.kind {
        TypeKind::User(Table { keyspace: None, name }) => format!("({}.{name})", of.keyspace),
        _ => format!("({kind})"),
    }
}

fn quote(text: &str, name: &mut String) {
    name.push('\'');
    name.push_str(&text.replace('\'', "''"));
    name.push('\'');
}

fn write_all(of: Of<'_>, terms: &[Term<'_>], (open, close): (&str, &str), name: &mut String) {
    name.push_str(open);
    for (index, term) in terms.iter().enumerate() {
        if index > 0 {
            name.push_str(", ");
        }
        write(of, term, name);
    }
    name.push_str(close);
}

fn write_call(of: Of<'_>, function: &Function<'_>, name: &mut String) {
    let counts_rows = matches!(&function.arguments[..], [Term { kind: TermKind::Literal(_), .. }])
        && function.name.resolved() == "count";
    if counts_rows {
        name.push_str("count");
        return;
    }
    let own = function.name.resolved();
    if let (Some(kind), [argument]) = (cast_to(&own), &function.arguments[..]) {
        name.push_str("cast(");
        write(of, argument, name);
        name.push_str(" as ");
        name.push_str(kind);
        name.push(')');
        return;
    }
    name.push_str(&call_name(of, function));
    write_all(of, &function.arguments, ("(", ")"), name);
}

/// What tells of a cell is no function to the server.
fn call_name(of: Of<'_>, function: &Function<'_>) -> String {
    let own = function.name.resolved();
    if is_of_cell(&own) && function.keyspace.is_none() {
        own.into_owned()
    } else {
        full_name(of, function)
    }
}

fn write_sum(
    of: Of<'_>,
    first: &Term<'_>,
    rest: &[(ArithmeticOperator, Term<'_>)],
    name: &mut String,
) {
    write(of, first, name);
    for (operator, term) in rest {
        name.push_str(match operator {
            ArithmeticOperator::Add => " + ",
            ArithmeticOperator::Subtract => " - ",
            ArithmeticOperator::Multiply => " * ",
            ArithmeticOperator::Divide => " / ",
            ArithmeticOperator::Modulo => " % ",
        });
        write(of, term, name);
    }
}

fn write_path(of: Of<'_>, base: &Term<'_>, steps: &[Step<'_>], name: &mut String) {
    write(of, base, name);
    for step in steps {
        match step {
            Step::Field(field) => {
                name.push('.');
                name.push_str(&field.resolved());
            }
            Step::Element(key) => {
                name.push('[');
                write(of, key, name);
                name.push(']');
            }
            Step::Slice(from, to) => {
                name.push('[');
                write_end(of, from.as_ref(), name);
                name.push_str("..");
                write_end(of, to.as_ref(), name);
                name.push(']');
            }
        }
    }
}

fn write_end(of: Of<'_>, end: Option<&Term<'_>>, name: &mut String) {
    if let Some(end) = end {
        write(of, end, name);
    }
}
