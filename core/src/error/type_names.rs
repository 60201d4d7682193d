//! The names of types in errors: those of CQL as CQL writes them, those of Rust without their modules.

use std::fmt::Write;

use scylla::frame::response::result::{CollectionType, ColumnType, NativeType};

use crate::session::NATIVE_TYPES;

/// `map<text, frozen<list<int>>>` without what is frozen, which no value depends on.
pub(super) fn cql(kind: &ColumnType<'_>) -> String {
    match kind {
        ColumnType::Native(native) => {
            match NATIVE_TYPES.iter().find(|(known, _)| known == native) {
                Some((_, keyword)) => keyword.as_str().to_lowercase(),
                None => "a type that is not known".to_owned(),
            }
        }
        ColumnType::Collection { typ: CollectionType::List(of), .. } => {
            format!("list<{}>", cql(of))
        }
        ColumnType::Collection { typ: CollectionType::Set(of), .. } => format!("set<{}>", cql(of)),
        ColumnType::Collection { typ: CollectionType::Map(key, value), .. } => {
            format!("map<{}, {}>", cql(key), cql(value))
        }
        ColumnType::Vector { typ, dimensions } => format!("vector<{}, {dimensions}>", cql(typ)),
        ColumnType::Tuple(of) => {
            format!("tuple<{}>", of.iter().map(cql).collect::<Vec<_>>().join(", "))
        }
        ColumnType::UserDefinedType { definition, .. } => definition.name.to_string(),
        _ => "a type that is not known".to_owned(),
    }
}

/// The Rust type for it that needs no feature.
pub(super) fn rust_for(kind: &ColumnType<'_>) -> String {
    match kind {
        ColumnType::Native(native) => rust_for_native(native).to_owned(),
        ColumnType::Collection { typ: CollectionType::List(of), .. }
        | ColumnType::Vector { typ: of, .. } => format!("Vec<{}>", rust_for(of)),
        ColumnType::Collection { typ: CollectionType::Set(of), .. } => {
            format!("HashSet<{}>", rust_for(of))
        }
        ColumnType::Collection { typ: CollectionType::Map(key, value), .. } => {
            format!("HashMap<{}, {}>", rust_for(key), rust_for(value))
        }
        ColumnType::Tuple(of) => match &of[..] {
            [one] => format!("({},)", rust_for(one)),
            of => format!("({})", of.iter().map(rust_for).collect::<Vec<_>>().join(", ")),
        },
        ColumnType::UserDefinedType { definition, .. } => {
            let mut fields = String::new();
            for (name, kind) in &definition.field_types {
                // Writing to a text does not fail.
                let _ = write!(fields, " {name}: {},", rust_for(kind));
            }
            format!("struct {{{} }}", fields.trim_end_matches(','))
        }
        _ => "CqlValue".to_owned(),
    }
}

fn rust_for_native(native: &NativeType) -> &'static str {
    match native {
        NativeType::Ascii | NativeType::Text => "String",
        NativeType::BigInt => "i64",
        NativeType::Blob => "Vec<u8>",
        NativeType::Boolean => "bool",
        NativeType::Counter => "Counter",
        NativeType::Date => "CqlDate",
        NativeType::Decimal => "CqlDecimal",
        NativeType::Double => "f64",
        NativeType::Duration => "CqlDuration",
        NativeType::Float => "f32",
        NativeType::Inet => "IpAddr",
        NativeType::Int => "i32",
        NativeType::SmallInt => "i16",
        NativeType::Time => "CqlTime",
        NativeType::Timestamp => "CqlTimestamp",
        NativeType::Timeuuid => "CqlTimeuuid",
        NativeType::TinyInt => "i8",
        NativeType::Uuid => "Uuid",
        NativeType::Varint => "CqlVarint",
        _ => "CqlValue",
    }
}

/// `core::option::Option<alloc::string::String>` as `Option<String>`.
pub(super) fn rust(name: &str) -> String {
    let short = without_modules(name);
    // What the driver's derive puts around a struct.
    let of_derive = short.strip_prefix("ByName<'_, ").and_then(|name| name.strip_suffix('>'));
    of_derive.map_or(short.clone(), str::to_owned)
}

fn without_modules(name: &str) -> String {
    let mut short = String::with_capacity(name.len());
    let mut segment = 0;
    for (at, c) in name.char_indices() {
        if c == ':' && name[at + 1..].starts_with(':') {
            // What stood before is a module.
            short.truncate(segment);
        } else if c != ':' {
            short.push(c);
            if !(c.is_alphanumeric() || c == '_') {
                segment = short.len();
            }
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rust_type_has_no_modules() {
        for (name, short) in [
            ("i32", "i32"),
            ("core::option::Option<alloc::string::String>", "Option<String>"),
            (
                "std::collections::hash::map::HashMap<alloc::string::String, &[u8]>",
                "HashMap<String, &[u8]>",
            ),
            ("(i32, app::model::User_2)", "(i32, User_2)"),
            ("&alloc::vec::Vec<[u8; 4]>", "&Vec<[u8; 4]>"),
            ("alloc::boxed::Box<dyn a::B>", "Box<dyn B>"),
            ("scylla_cql_core::_macro_internal::ByName<'_, app::User<u8>>", "User<u8>"),
        ] {
            assert_eq!(rust(name), short);
        }
    }

    #[test]
    fn a_cql_type_is_written_as_in_cql() {
        let boxed = |native| Box::new(ColumnType::Native(native));
        let collection = |typ| ColumnType::Collection { frozen: true, typ };
        let list = collection(CollectionType::List(boxed(NativeType::Int)));
        let map = collection(CollectionType::Map(boxed(NativeType::Text), Box::new(list.clone())));
        let vector = ColumnType::Vector { typ: boxed(NativeType::Float), dimensions: 3 };
        let all = ColumnType::Tuple(vec![map, vector]);
        assert_eq!(cql(&all), "tuple<map<text, list<int>>, vector<float, 3>>");
        assert_eq!(rust_for(&all), "(HashMap<String, Vec<i32>>, Vec<f32>)");
        assert_eq!(rust_for(&ColumnType::Tuple(vec![list])), "(Vec<i32>,)");
    }
}
