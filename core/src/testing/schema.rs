//! Which columns a statement takes and gives, by the schema that a test has.

use std::borrow::Cow;
use std::sync::Arc;

use cqlstack_syntax::check::{Signature, not_applied};
use cqlstack_syntax::{DataType, Keyword, Schema, Statement as Parsed};
use scylla::frame::response::result::{CollectionType, ColumnType, NativeType, UserDefinedType};

use crate::session::NATIVE_TYPES;
use crate::statement::{Statement, parse};

/// Where names without a keyspace are, until the script says `USE`.
const KEYSPACE: &str = "test";

/// The tables of a test.
#[derive(Debug)]
pub(super) struct Tables {
    schema: Schema,
    in_use: String,
}

/// The name and the type of each, or why nobody knows them.
pub(crate) type Columns = Result<Vec<(String, ColumnType<'static>)>, String>;

impl Tables {
    /// What a script of `CREATE` statements makes.
    pub(super) fn new(script: &str) -> Result<Self, String> {
        let mut schema = Schema::default();
        let in_use = schema.apply(script, Some(KEYSPACE)).map_err(|error| error.to_string())?;
        Ok(Self { schema, in_use: in_use.unwrap_or_else(|| KEYSPACE.to_owned()) })
    }

    /// Those of a session, if it has any.
    pub(super) fn told(tables: Option<&Self>) -> Result<&Self, String> {
        let none = || "the session has no schema: give it one with `with_schema`".to_owned();
        tables.ok_or_else(none)
    }

    /// What its markers take.
    pub(super) fn markers(&self, statement: &Statement) -> Columns {
        let (keyspace, signature) = self.signature(statement)?;
        self.columns(&keyspace, signature.markers.into_iter().zip(signature.marker_kinds))
    }

    /// What its rows have.
    pub(super) fn rows(&self, statement: &Statement) -> Columns {
        let (keyspace, signature) = self.signature(statement)?;
        self.columns(&keyspace, signature.columns.into_iter().zip(signature.column_kinds))
    }

    /// What the row has that was found instead of what the conditions of these want.
    pub(super) fn found(&self, statements: &[&Statement], is_batch: bool) -> Columns {
        let parsed = statements.iter().map(|statement| parse(statement.text()));
        let parsed: Vec<_> = parsed.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        let parsed: Vec<_> = parsed.iter().collect();
        let found = not_applied(&parsed, is_batch, &self.schema, Some(&self.in_use));
        let found = found.ok_or("it has no condition, or its table is not in the schema")?;
        let keyspace = parsed.first().map(|parsed| self.keyspace(parsed)).unwrap_or_default();
        self.columns(&keyspace, found)
    }

    /// With the keyspace of its table, in which the types of its columns are.
    fn signature(&self, statement: &Statement) -> Result<(String, Signature), String> {
        let parsed = parse(statement.text()).map_err(|error| error.to_string())?;
        let signature = Signature::of(&parsed, &self.schema, Some(&self.in_use));
        let signature = signature.ok_or("its table is not in the schema of the test")?;
        Ok((self.keyspace(&parsed), signature))
    }

    fn keyspace(&self, parsed: &Parsed<'_>) -> String {
        parsed.keyspace(Some(&self.in_use)).unwrap_or_default()
    }

    fn columns(
        &self,
        keyspace: &str,
        slots: impl IntoIterator<Item = (String, Option<DataType>)>,
    ) -> Columns {
        let column = |(name, kind): (String, Option<DataType>)| {
            let kind = kind.and_then(|kind| self.column_type(keyspace, &kind));
            let kind =
                kind.ok_or_else(|| format!("the schema does not tell the type of `{name}`"))?;
            Ok((name, kind))
        };
        slots.into_iter().map(column).collect()
    }

    /// As the driver has it.
    fn column_type(&self, keyspace: &str, kind: &DataType) -> Option<ColumnType<'static>> {
        let boxed = |kind: &DataType| self.column_type(keyspace, kind).map(Box::new);
        let collection = |typ| ColumnType::Collection { frozen: false, typ };
        Some(match kind {
            DataType::Native(keyword) => ColumnType::Native(native(*keyword)?),
            DataType::List(kind) => collection(CollectionType::List(boxed(kind)?)),
            DataType::Set(kind) => collection(CollectionType::Set(boxed(kind)?)),
            DataType::Map(keys, values) => {
                collection(CollectionType::Map(boxed(keys)?, boxed(values)?))
            }
            DataType::Tuple(kinds) => {
                let kinds = kinds.iter().map(|kind| self.column_type(keyspace, kind));
                ColumnType::Tuple(kinds.collect::<Option<_>>()?)
            }
            DataType::Vector(kind, length) => {
                ColumnType::Vector { typ: boxed(kind)?, dimensions: u16::try_from(*length).ok()? }
            }
            DataType::Frozen(kind) => self.column_type(keyspace, kind)?,
            DataType::User(name) => ColumnType::UserDefinedType {
                frozen: false,
                definition: Arc::new(self.user_type(keyspace, name)?),
            },
            _ => return None,
        })
    }

    /// A type of users, which is of the keyspace of what has it.
    fn user_type(&self, keyspace: &str, name: &str) -> Option<UserDefinedType<'static>> {
        let fields = self.schema.keyspace(keyspace)?.types.get(name)?;
        let field = |(name, kind): &(String, DataType)| {
            Some((Cow::Owned(name.clone()), self.column_type(keyspace, kind)?))
        };
        Some(UserDefinedType {
            name: Cow::Owned(name.to_owned()),
            keyspace: Cow::Owned(keyspace.to_owned()),
            field_types: fields.iter().map(field).collect::<Option<_>>()?,
        })
    }
}

fn native(keyword: Keyword) -> Option<NativeType> {
    NATIVE_TYPES.iter().find(|(_, known)| *known == keyword).map(|(native, _)| native.clone())
}
