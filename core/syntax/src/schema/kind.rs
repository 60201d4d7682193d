//! Types of columns, as a server keeps them.

use std::borrow::Cow;
use std::fmt::{self, Display};

use super::error::{Fault, Outcome};
use super::{Keyspace, resolve};
use crate::keyword::Keyword;
use crate::tree::{Table, Type, TypeKind, quoted};

/// A type. `Display` writes it as `system_schema` does: `varchar` is `text`, a tuple is always frozen, and so is
/// what is in something frozen.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataType {
    /// `int`, `text`, …
    Native(Keyword),
    /// `list<int>`
    List(Box<DataType>),
    /// `set<int>`
    Set(Box<DataType>),
    /// `map<int, text>`
    Map(Box<DataType>, Box<DataType>),
    /// `tuple<int, text>`
    Tuple(Vec<DataType>),
    /// `vector<float, 3>`
    Vector(Box<DataType>, i32),
    /// `frozen<list<int>>`
    Frozen(Box<DataType>),
    /// A type of the same keyspace.
    User(String),
    /// A Java class that is no native type, as it was written.
    Custom(String),
}

/// The classes of native types.
const NATIVE: [(&str, Keyword); 20] = [
    ("AsciiType", Keyword::Ascii),
    ("LongType", Keyword::Bigint),
    ("BytesType", Keyword::Blob),
    ("BooleanType", Keyword::Boolean),
    ("CounterColumnType", Keyword::Counter),
    ("SimpleDateType", Keyword::Date),
    ("DecimalType", Keyword::Decimal),
    ("DoubleType", Keyword::Double),
    ("DurationType", Keyword::Duration),
    ("FloatType", Keyword::Float),
    ("InetAddressType", Keyword::Inet),
    ("Int32Type", Keyword::Int),
    ("ShortType", Keyword::Smallint),
    ("UTF8Type", Keyword::Text),
    ("TimeType", Keyword::Time),
    ("TimestampType", Keyword::Timestamp),
    ("TimeUUIDType", Keyword::Timeuuid),
    ("ByteType", Keyword::Tinyint),
    ("UUIDType", Keyword::Uuid),
    ("IntegerType", Keyword::Varint),
];

impl DataType {
    /// The type of a column, as it is written in a keyspace.
    pub(super) fn of_column(kind: &Type<'_>, keyspace: &str, of: &Keyspace) -> Outcome<Self> {
        Self::new(kind, keyspace, of)?.settled().map_err(|fault| fault.at(kind.span))
    }

    /// The type of an argument, which is frozen.
    pub(super) fn of_argument(kind: &Type<'_>, keyspace: &str, of: &Keyspace) -> Outcome<Self> {
        Ok(Self::new(kind, keyspace, of)?.frozen())
    }

    pub(super) fn of_arguments<'k>(
        kinds: impl IntoIterator<Item = &'k Type<'k>>,
        keyspace: &str,
        of: &Keyspace,
    ) -> Outcome<Vec<Self>> {
        kinds.into_iter().map(|kind| Self::of_argument(kind, keyspace, of)).collect()
    }

    /// A function for each, lest the frames of all are on the way of each bracket.
    fn new(kind: &Type<'_>, keyspace: &str, of: &Keyspace) -> Outcome<Self> {
        match &kind.kind {
            TypeKind::Native(keyword) => Ok(Self::native(*keyword)),
            TypeKind::List(kind) => Self::inner(kind, keyspace, of).map(Self::List),
            TypeKind::Set(kind) => Self::inner(kind, keyspace, of).map(Self::Set),
            TypeKind::Map(keys, values) => Self::map(keys, values, keyspace, of),
            TypeKind::Tuple(kinds) => Self::tuple(kinds, keyspace, of),
            TypeKind::Vector(kind, length) => Self::vector(kind, *length, keyspace, of),
            TypeKind::Frozen(kind) => Self::of_argument(kind, keyspace, of),
            TypeKind::User(name) => Self::user(*name, keyspace, of),
            TypeKind::Custom(class) => Ok(Self::of_class(class.text())),
        }
    }

    /// The type that a text names beside a value; none that is not there.
    pub(crate) fn hinted(kind: &Type<'_>, keyspace: &str, of: &Keyspace) -> Option<Self> {
        Self::new(kind, keyspace, of).ok()
    }

    fn inner(kind: &Type<'_>, keyspace: &str, of: &Keyspace) -> Outcome<Box<Self>> {
        Self::new(kind, keyspace, of).map(Box::new)
    }

    /// `varchar` is another name of `text`.
    pub(crate) fn native(keyword: Keyword) -> Self {
        Self::Native(if keyword == Keyword::Varchar { Keyword::Text } else { keyword })
    }

    fn map(keys: &Type<'_>, values: &Type<'_>, keyspace: &str, of: &Keyspace) -> Outcome<Self> {
        let keys = Self::inner(keys, keyspace, of)?;
        Self::inner(values, keyspace, of).map(|values| Self::Map(keys, values))
    }

    fn tuple(kinds: &[Type<'_>], keyspace: &str, of: &Keyspace) -> Outcome<Self> {
        let mut made = Vec::with_capacity(kinds.len());
        for kind in kinds {
            made.push(Self::new(kind, keyspace, of)?);
        }
        Ok(Self::Tuple(made))
    }

    /// The server does not look into a vector to freeze it.
    fn vector(kind: &Type<'_>, length: i32, keyspace: &str, of: &Keyspace) -> Outcome<Self> {
        if length <= 0 {
            return Err(
                Fault::invalid("a vector".to_owned(), "has to be longer than 0").at(kind.span)
            );
        }
        Ok(Self::Vector(Box::new(Self::of_column(kind, keyspace, of)?), length))
    }

    fn user(name: Table<'_>, keyspace: &str, of: &Keyspace) -> Outcome<Self> {
        let span = name.span();
        let (in_keyspace, name) = resolve(name, Some(keyspace))?;
        if in_keyspace != keyspace {
            let why = "is of another keyspace than what has it";
            return Err(Fault::invalid(format!("type {in_keyspace}.{name}"), why).at(span));
        }
        if !of.types.contains_key(&name) {
            return Err(Fault::missing("type", format!("{keyspace}.{name}")).at(span));
        }
        Ok(Self::User(name))
    }

    /// The type that a Java class makes: a native one, or [`Custom`](Self::Custom).
    ///
    /// ```
    /// use cqlstack_syntax::{DataType, Keyword};
    ///
    /// let class = "org.apache.cassandra.db.marshal.Int32Type";
    /// assert_eq!(DataType::of_class(class), DataType::Native(Keyword::Int));
    /// ```
    #[must_use]
    pub fn of_class<'c>(class: impl Into<Cow<'c, str>>) -> Self {
        let class = class.into();
        let short = class.strip_prefix("org.apache.cassandra.db.marshal.").unwrap_or(&class);
        match NATIVE.iter().find(|(name, _)| *name == short) {
            Some((_, keyword)) => Self::Native(*keyword),
            None => Self::Custom(class.into_owned()),
        }
    }

    /// With all that is in it.
    fn frozen(self) -> Self {
        let freeze = |kind: Box<Self>| Box::new(kind.frozen());
        let frozen = match self {
            Self::List(kind) => Self::List(freeze(kind)),
            Self::Set(kind) => Self::Set(freeze(kind)),
            Self::Map(keys, values) => Self::Map(freeze(keys), freeze(values)),
            Self::Tuple(kinds) => Self::Tuple(kinds.into_iter().map(Self::frozen).collect()),
            Self::User(name) => Self::User(name),
            Self::Native(_) | Self::Vector(..) | Self::Frozen(_) | Self::Custom(_) => return self,
        };
        Self::Frozen(Box::new(frozen))
    }

    /// What stands by itself: a collection may be changed in parts, what is in it may not.
    fn settled(self) -> Outcome<Self> {
        let element = |kind: Box<Self>| match *kind {
            Self::List(_) | Self::Set(_) | Self::Map(..) | Self::User(_) => {
                let what = "a collection or a type of users in a collection";
                Err(Fault::invalid(what.to_owned(), "has to be frozen"))
            }
            kind => Ok(Box::new(kind.frozen())),
        };
        Ok(match self {
            Self::List(kind) => Self::List(element(kind)?),
            Self::Set(kind) => Self::Set(element(kind)?),
            Self::Map(keys, values) => Self::Map(element(keys)?, element(values)?),
            Self::Tuple(_) => self.frozen(),
            other => other,
        })
    }

    /// Without what says that it is frozen as a whole.
    #[must_use]
    pub fn unfrozen(&self) -> &Self {
        match self {
            Self::Frozen(kind) => kind.unfrozen(),
            kind => kind,
        }
    }

    /// Without what is frozen in it, too, which no value depends on, and no frame tells.
    ///
    /// ```
    /// use cqlstack_syntax::{DataType, Keyword};
    ///
    /// let int = || Box::new(DataType::Native(Keyword::Int));
    /// let kind = DataType::List(Box::new(DataType::Frozen(Box::new(DataType::List(int())))));
    /// assert_eq!(kind.to_string(), "list<frozen<list<int>>>");
    /// assert_eq!(kind.without_frozen().to_string(), "list<list<int>>");
    /// ```
    #[must_use]
    pub fn without_frozen(&self) -> Self {
        let boxed = |kind: &Self| Box::new(kind.without_frozen());
        match self {
            Self::Frozen(kind) => kind.without_frozen(),
            Self::List(kind) => Self::List(boxed(kind)),
            Self::Set(kind) => Self::Set(boxed(kind)),
            Self::Map(keys, values) => Self::Map(boxed(keys), boxed(values)),
            Self::Vector(kind, length) => Self::Vector(boxed(kind), *length),
            Self::Tuple(kinds) => Self::Tuple(kinds.iter().map(Self::without_frozen).collect()),
            kind => kind.clone(),
        }
    }

    /// Whether it, or a type in it, is such a one.
    pub fn any(&self, is_one: &dyn Fn(&Self) -> bool) -> bool {
        if is_one(self) {
            return true;
        }
        match self {
            Self::List(kind) | Self::Set(kind) | Self::Vector(kind, _) | Self::Frozen(kind) => {
                kind.any(is_one)
            }
            Self::Map(keys, values) => keys.any(is_one) || values.any(is_one),
            Self::Tuple(kinds) => kinds.iter().any(|kind| kind.any(is_one)),
            Self::Native(_) | Self::Custom(_) | Self::User(_) => false,
        }
    }

    /// Whether it is, or holds, this type of users.
    pub(super) fn holds(&self, name: &str) -> bool {
        self.any(&|kind| matches!(kind, Self::User(own) if own == name))
    }
}

impl Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Native(keyword) => f.write_str(&keyword.as_str().to_ascii_lowercase()),
            Self::List(kind) => write!(f, "list<{kind}>"),
            Self::Set(kind) => write!(f, "set<{kind}>"),
            Self::Map(keys, values) => write!(f, "map<{keys}, {values}>"),
            Self::Tuple(kinds) => {
                for (index, kind) in kinds.iter().enumerate() {
                    write!(f, "{}{kind}", if index == 0 { "tuple<" } else { ", " })?;
                }
                f.write_str(">")
            }
            Self::Vector(kind, length) => write!(f, "vector<{kind}, {length}>"),
            Self::Frozen(kind) => write!(f, "frozen<{kind}>"),
            Self::User(name) => f.write_str(&quoted(name)),
            Self::Custom(class) => write!(f, "'{class}'"),
        }
    }
}
