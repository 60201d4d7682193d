//! The types of a statement's markers, as constants of the program.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use scylla::frame::response::result::{CollectionType, ColumnType, NativeType, UserDefinedType};

/// A CQL type. What is frozen, no value depends on.
#[derive(Debug)]
#[doc(hidden)]
pub enum Shape {
    Native(NativeType),
    List(&'static Shape),
    Set(&'static Shape),
    Map(&'static Shape, &'static Shape),
    Vector(&'static Shape, u16),
    Tuple(&'static [Shape]),
    /// Its keyspace, its name, and its fields.
    User(&'static str, &'static str, &'static [(&'static str, Shape)]),
}

impl Shape {
    /// Whether values that were serialised for it are values of this type, which a server told.
    ///
    /// A type of users may have got more fields since, and may be of another keyspace: tenants have one each.
    pub(super) fn fits(&self, kind: &ColumnType<'_>) -> bool {
        match (self, kind) {
            (Self::Native(own), ColumnType::Native(kind)) => own == kind,
            (Self::List(own), ColumnType::Collection { typ: CollectionType::List(kind), .. })
            | (Self::Set(own), ColumnType::Collection { typ: CollectionType::Set(kind), .. }) => {
                own.fits(kind)
            }
            (
                Self::Map(own, own_value),
                ColumnType::Collection { typ: CollectionType::Map(key, value), .. },
            ) => own.fits(key) && own_value.fits(value),
            (Self::Vector(own, length), ColumnType::Vector { typ, dimensions }) => {
                own.fits(typ) && length == dimensions
            }
            (Self::Tuple(own), ColumnType::Tuple(kinds)) => {
                own.len() == kinds.len() && own.iter().zip(kinds).all(|(own, kind)| own.fits(kind))
            }
            (Self::User(_, name, own), ColumnType::UserDefinedType { definition, .. }) => {
                let fields = &definition.field_types;
                let is_same =
                    |((own, shape), (name, kind)): (&(&str, Self), &(Cow<'_, str>, _))| {
                        own == name && shape.fits(kind)
                    };
                *name == definition.name
                    && own.len() <= fields.len()
                    && own.iter().zip(fields).all(is_same)
            }
            _ => false,
        }
    }

    /// As the driver has it.
    pub(super) fn column_type(&self) -> ColumnType<'static> {
        let collection = |typ| ColumnType::Collection { frozen: false, typ };
        let boxed = |shape: &Self| Box::new(shape.column_type());
        match self {
            Self::Native(native) => ColumnType::Native(native.clone()),
            Self::List(of) => collection(CollectionType::List(boxed(of))),
            Self::Set(of) => collection(CollectionType::Set(boxed(of))),
            Self::Map(key, value) => collection(CollectionType::Map(boxed(key), boxed(value))),
            Self::Vector(of, dimensions) => {
                ColumnType::Vector { typ: boxed(of), dimensions: *dimensions }
            }
            Self::Tuple(of) => ColumnType::Tuple(of.iter().map(Self::column_type).collect()),
            Self::User(keyspace, name, fields) => {
                let field = |(name, shape): &(&'static str, Self)| {
                    (Cow::Borrowed(*name), shape.column_type())
                };
                let definition = UserDefinedType {
                    name: Cow::Borrowed(*name),
                    keyspace: Cow::Borrowed(*keyspace),
                    field_types: fields.iter().map(field).collect(),
                };
                ColumnType::UserDefinedType { frozen: false, definition: Arc::new(definition) }
            }
        }
    }
}

/// The simple types, as CQL calls them.
#[doc(hidden)]
#[allow(non_upper_case_globals, reason = "they are called as CQL calls them")]
pub mod shapes {
    use super::{NativeType, Shape};

    macro_rules! natives {
        ($($name:ident $native:ident,)*) => {$(
            pub const $name: Shape = Shape::Native(NativeType::$native);
        )*};
    }

    natives! {
        ascii Ascii, bigint BigInt, blob Blob, boolean Boolean, counter Counter, date Date, decimal Decimal,
        double Double, duration Duration, float Float, inet Inet, int Int, smallint SmallInt, text Text, time Time,
        timestamp Timestamp, timeuuid Timeuuid, tinyint TinyInt, uuid Uuid, varint Varint,
    }
}

/// The types of the markers of one statement.
#[derive(Debug)]
#[doc(hidden)]
pub struct Markers {
    pub(super) shapes: &'static [Shape],
    /// The same for the driver, which serialises what is not simple.
    types: OnceLock<Box<[ColumnType<'static>]>>,
}

impl Markers {
    #[must_use]
    pub const fn new(shapes: &'static [Shape]) -> Self {
        Self { shapes, types: OnceLock::new() }
    }

    pub(super) fn column_type(&self, index: usize) -> Option<&ColumnType<'static>> {
        let all = || self.shapes.iter().map(Shape::column_type).collect();
        self.types.get_or_init(all).get(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INT: Shape = Shape::Native(NativeType::Int);
    const TEXT: Shape = Shape::Native(NativeType::Text);

    #[test]
    fn a_shape_fits_its_own_type_and_no_other() {
        let shapes = [
            INT,
            TEXT,
            Shape::List(&INT),
            Shape::List(&TEXT),
            Shape::Set(&INT),
            Shape::Map(&INT, &TEXT),
            Shape::Map(&INT, &INT),
            Shape::Vector(&INT, 3),
            Shape::Vector(&INT, 2),
            Shape::Tuple(&[INT, TEXT]),
            Shape::Tuple(&[INT, TEXT, INT]),
            Shape::User("ks", "one", &[("a", INT)]),
            Shape::User("ks", "other", &[("a", INT)]),
            Shape::User("ks", "one", &[("b", INT)]),
            Shape::User("ks", "one", &[("a", TEXT)]),
        ];
        for (index, shape) in shapes.iter().enumerate() {
            for (other, kind) in shapes.iter().map(Shape::column_type).enumerate() {
                assert_eq!(shape.fits(&kind), index == other, "{shape:?}, {kind:?}");
            }
        }
    }

    #[test]
    fn a_type_of_users_may_have_more_fields_by_now_and_be_of_another_keyspace() {
        let now = Shape::User("tenant", "one", &[("a", INT), ("b", TEXT)]).column_type();
        assert!(Shape::User("ks", "one", &[("a", INT)]).fits(&now));
        let more = Shape::User("ks", "one", &[("a", INT), ("b", TEXT), ("c", TEXT)]);
        assert!(!more.fits(&now), "a field that is not there");
    }
}
