//! Types as `system_schema` writes them: which others they have in them, and whether the driver means the same.

use std::collections::BTreeMap;

use cqlstack_syntax::{DataType, Keyword, Type, TypeKind, parse_type};
use scylla::frame::response::result::{CollectionType, ColumnType, NativeType};

/// The native types as the driver and as the parser call them.
pub(crate) const NATIVE_TYPES: [(NativeType, Keyword); 20] = [
    (NativeType::Ascii, Keyword::Ascii),
    (NativeType::BigInt, Keyword::Bigint),
    (NativeType::Blob, Keyword::Blob),
    (NativeType::Boolean, Keyword::Boolean),
    (NativeType::Counter, Keyword::Counter),
    (NativeType::Date, Keyword::Date),
    (NativeType::Decimal, Keyword::Decimal),
    (NativeType::Double, Keyword::Double),
    (NativeType::Duration, Keyword::Duration),
    (NativeType::Float, Keyword::Float),
    (NativeType::Inet, Keyword::Inet),
    (NativeType::Int, Keyword::Int),
    (NativeType::SmallInt, Keyword::Smallint),
    (NativeType::Text, Keyword::Text),
    (NativeType::Time, Keyword::Time),
    (NativeType::Timestamp, Keyword::Timestamp),
    (NativeType::Timeuuid, Keyword::Timeuuid),
    (NativeType::TinyInt, Keyword::Tinyint),
    (NativeType::Uuid, Keyword::Uuid),
    (NativeType::Varint, Keyword::Varint),
];

/// User-defined types by name: the names and types of their fields.
pub(super) type Types = BTreeMap<String, Vec<(String, String)>>;

/// Whether types of users have to be read to know all of this type. `frozen<int>`, which does not parse, is
/// one that is called `int`.
pub(super) fn may_name_user_types(written: &str) -> bool {
    let Ok(kind) = parse_type(written) else { return true };
    let mut names = false;
    visit(&kind, &mut |kind| names |= matches!(kind.kind, TypeKind::User(_)));
    names
}

/// The user-defined types that these types name, and those that their fields do; all of the keyspace if one
/// of them does not parse.
pub(super) fn used<'w>(written: impl IntoIterator<Item = &'w str>, keyspace: &Types) -> Types {
    let mut used = Types::new();
    let mut open: Vec<String> = written.into_iter().map(str::to_owned).collect();
    while let Some(written) = open.pop() {
        let Ok(kind) = parse_type(&written) else { return keyspace.clone() };
        visit(&kind, &mut |kind| {
            let TypeKind::User(name) = &kind.kind else { return };
            let name = name.name.resolved();
            if let Some(fields) = keyspace.get(&*name)
                && used.insert(name.into_owned(), fields.clone()).is_none()
            {
                open.extend(fields.iter().map(|(_, written)| written.clone()));
            }
        });
    }
    used
}

/// The first class in a type, or in those that it names, that is no native type.
pub(super) fn custom_class(written: &str, types: &Types) -> Option<String> {
    parse_type(written).ok()?;
    let used = used([written], types);
    let fields = used.values().flatten().map(|(_, written)| &**written);
    [written].into_iter().chain(fields).find_map(|written| {
        let kind = parse_type(written).ok()?;
        let mut found = None;
        visit(&kind, &mut |kind| {
            if let TypeKind::Custom(class) = &kind.kind
                && let DataType::Custom(class) = DataType::of_class(class.text())
            {
                found.get_or_insert(class);
            }
        });
        found
    })
}

/// Visits a type and all types in it.
fn visit<'k>(kind: &'k Type<'k>, visitor: &mut dyn FnMut(&'k Type<'k>)) {
    visitor(kind);
    match &kind.kind {
        TypeKind::List(of) | TypeKind::Set(of) | TypeKind::Frozen(of) | TypeKind::Vector(of, _) => {
            visit(of, visitor);
        }
        TypeKind::Map(keys, values) => {
            visit(keys, visitor);
            visit(values, visitor);
        }
        TypeKind::Tuple(kinds) => kinds.iter().for_each(|kind| visit(kind, visitor)),
        _ => {}
    }
}

/// Whether the driver was told the same type. A frame does not say what is frozen, and a class has many names.
pub(super) fn are_alike(kind: &Type<'_>, told: &ColumnType<'_>, types: &Types) -> bool {
    match (&kind.kind, told) {
        (TypeKind::Frozen(kind), _) => are_alike(kind, told, types),
        (TypeKind::Native(keyword), ColumnType::Native(told)) => {
            native(told).is_none_or(|told| told == as_stored(*keyword))
        }
        (TypeKind::Vector(kind, length), ColumnType::Vector { typ, dimensions }) => {
            *length == i32::from(*dimensions) && are_alike(kind, typ, types)
        }
        (TypeKind::Tuple(kinds), ColumnType::Tuple(told)) => {
            kinds.len() == told.len()
                && kinds.iter().zip(told).all(|(kind, told)| are_alike(kind, told, types))
        }
        (_, ColumnType::Collection { typ, .. }) => match (&kind.kind, typ) {
            (TypeKind::List(kind), CollectionType::List(told))
            | (TypeKind::Set(kind), CollectionType::Set(told)) => are_alike(kind, told, types),
            (TypeKind::Map(keys, values), CollectionType::Map(told_keys, told_values)) => {
                are_alike(keys, told_keys, types) && are_alike(values, told_values, types)
            }
            _ => false,
        },
        (TypeKind::User(name), ColumnType::UserDefinedType { definition, .. }) => {
            let name = name.name.resolved();
            let told = &definition.field_types;
            name == definition.name
                && types.get(&*name).is_none_or(|fields| {
                    fields.len() == told.len()
                        && fields.iter().zip(told).all(|((name, written), (told_name, told))| {
                            name == told_name
                                && parse_type(written)
                                    .map_or(true, |kind| are_alike(&kind, told, types))
                        })
                })
        }
        (TypeKind::Custom(_), _) => true,
        _ => false,
    }
}

/// `varchar` is another name of `text`.
pub(super) fn as_stored(keyword: Keyword) -> Keyword {
    if keyword == Keyword::Varchar { Keyword::Text } else { keyword }
}

/// None for a type that a later driver may know.
fn native(told: &NativeType) -> Option<Keyword> {
    NATIVE_TYPES.iter().find(|(native, _)| native == told).map(|(_, keyword)| *keyword)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use scylla::frame::response::result::UserDefinedType;

    use super::*;

    fn types(of: &[(&str, &[(&str, &str)])]) -> Types {
        let fields = |fields: &[(&str, &str)]| {
            fields.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect()
        };
        of.iter().map(|(name, of)| ((*name).to_owned(), fields(of))).collect()
    }

    const CLASS: &str = "'org.apache.cassandra.db.marshal.LexicalUUIDType'";

    #[test]
    fn the_types_in_types_are_used_too() {
        let keyspace = types(&[
            ("Outer", &[("a", "frozen<list<frozen<inner>>>")]),
            ("inner", &[("b", "int")]),
            ("unused", &[("c", "int")]),
        ]);
        let names = |written: &str| used([written], &keyspace).into_keys().collect::<Vec<_>>();
        assert_eq!(names("map<text, frozen<\"Outer\">>"), ["Outer", "inner"]);
        assert_eq!(names("vector<int, 3>"), <[&str; 0]>::default());
        // What does not parse may name any.
        assert_eq!(names("frozen<int>").len(), 3);
        assert!(may_name_user_types("frozen<int>") && may_name_user_types("list<frozen<inner>>"));
        assert!(!may_name_user_types("frozen<map<int, frozen<tuple<text, date>>>>"));
    }

    #[test]
    fn a_class_is_found_wherever_it_is_and_one_of_a_native_type_is_none() {
        let keyspace = types(&[("inner", &[("a", "int"), ("b", CLASS)])]);
        let class = |written: &str| custom_class(written, &keyspace);
        let found = Some(CLASS.trim_matches('\'').to_owned());
        for written in [CLASS, &format!("list<{CLASS}>"), "inner", "map<int, frozen<inner>>"] {
            assert_eq!(class(written), found, "{written}");
        }
        for written in ["int", "'org.apache.cassandra.db.marshal.Int32Type'", "frozen<int>", "gone"]
        {
            assert_eq!(class(written), None, "{written}");
        }
    }

    fn native(native: NativeType) -> ColumnType<'static> {
        ColumnType::Native(native)
    }

    fn list(of: ColumnType<'static>) -> ColumnType<'static> {
        ColumnType::Collection { frozen: false, typ: CollectionType::List(Box::new(of)) }
    }

    fn inner(field: &'static str, kind: ColumnType<'static>) -> ColumnType<'static> {
        let definition = UserDefinedType {
            name: "inner".into(),
            keyspace: "ks".into(),
            field_types: vec![(field.into(), kind)],
        };
        ColumnType::UserDefinedType { frozen: false, definition: Arc::new(definition) }
    }

    #[test]
    fn a_marker_of_another_type_is_told_apart_and_frozen_makes_no_difference() {
        let keyspace = types(&[("inner", &[("a", "int")])]);
        let alike = |written: &str, told: &ColumnType<'_>| {
            are_alike(&parse_type(written).unwrap(), told, &keyspace)
        };
        let (int, float) = (native(NativeType::Int), native(NativeType::Float));
        assert!(alike("int", &int) && !alike("int", &float));
        assert!(alike("varchar", &native(NativeType::Text)));
        let (ints, floats) = (list(int.clone()), list(float.clone()));
        for written in ["list<int>", "frozen<list<int>>"] {
            assert!(alike(written, &ints) && !alike(written, &floats) && !alike(written, &int));
        }
        assert!(!alike("set<int>", &ints) && !alike("tuple<int>", &ints));
        assert!(alike("frozen<tuple<int>>", &ColumnType::Tuple(vec![int.clone()])));
        assert!(!alike("frozen<tuple<int>>", &ColumnType::Tuple(vec![int.clone(), int.clone()])));
        assert!(alike("frozen<inner>", &inner("a", int.clone())));
        // `ALTER TYPE` does not change the columns.
        assert!(!alike("frozen<inner>", &inner("a", float.clone())));
        assert!(!alike("inner", &inner("b", int.clone())) && !alike("other", &inner("a", int)));
        let vector = |dimensions| ColumnType::Vector { typ: Box::new(float.clone()), dimensions };
        assert!(alike("vector<float, 3>", &vector(3)) && !alike("vector<float, 3>", &vector(4)));
    }
}
