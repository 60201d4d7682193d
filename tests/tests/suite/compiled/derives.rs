//! Structs of all kinds, in a crate that depends on `cqlstack-core` alone.

use cqlstack_core::{Client, CqlService, DeserializeRow, DeserializeValue, Error, SerializeRow, SerializeValue};

/// A type of users.
#[derive(Debug, Clone, Default, SerializeValue, DeserializeValue)]
#[scylla(flavor = "enforce_order")]
pub struct Address {
    /// With an attribute of the compiler.
    #[allow(dead_code)]
    pub r#type: String,
    #[scylla(rename = "zip_code")]
    pub code: Option<i32>,
}

/// Borrowed, with parameters and bounds.
#[derive(SerializeRow)]
struct Row<'a, T, const N: usize>
where
    T: SerializeValue,
{
    id: &'a str,
    value: T,
    #[scylla(skip)]
    #[cfg(not(any()))]
    skipped: [(); N],
}

#[derive(SerializeRow)]
struct Outer {
    #[scylla(flatten)]
    inner: Inner,
    last: i64,
}

#[derive(SerializeRow)]
struct Inner {
    first: i32,
}

macro_rules! made {
    ($(#[$of_all:meta])* $name:ident, $driver:path, { $($(#[$of_one:meta])* $field:ident: $type:ty),* }) => {
        #[derive(SerializeRow, DeserializeRow)]
        $(#[$of_all])*
        #[scylla(crate = $driver)]
        pub(crate) struct $name { $($(#[$of_one])* pub(crate) $field: $type),* }
    };
}

made!(
    /// Of a macro. Without their attributes, neither the order nor the type of the second would do.
    #[scylla(flavor = "enforce_order")]
    Made,
    cqlstack_core::scylla,
    { #[scylla(rename = "number")] id: i32, #[scylla(skip)] by_hand: ByHand, name: Option<String> }
);

/// No value of a column.
#[derive(Default)]
pub(crate) struct ByHand;

async fn all(db: &Client<impl CqlService>, made: &Made) -> Result<Made, Error> {
    let row = Row::<_, 0> { id: "a", value: Address::default(), skipped: [] };
    db.execute("INSERT INTO app.t (id, value) VALUES (?, ?)", row).await?;
    let outer = Outer { inner: Inner { first: 1 }, last: 2 };
    db.execute("INSERT INTO app.o (first, last) VALUES (?, ?)", &outer).await?;
    db.execute("SELECT id, name FROM app.users WHERE id = ?", made).await?.row()
}

fn main() {
    let _ = |db: &Client, made: &Made| drop(all(db, made));
}
