//! A crate whose lints are as strict as can be, and forbid that a macro relaxes them.

#![forbid(
    dead_code,
    missing_debug_implementations,
    nonstandard_style,
    trivial_casts,
    unreachable_pub,
    unsafe_code,
    unused,
    unused_qualifications,
    unused_results
)]
#![deny(warnings)]

use renamed::scylla::deserialize::{DeserializationError, FrameSlice, TypeCheckError};
use renamed::scylla::errors::SerializationError;
use renamed::scylla::serialize::writers::{CellWriter, WrittenCellProof};
use renamed::value::{ColumnType, DeserializeValue, SerializeValue};
use renamed::{BoxedService, Client, CqlService, DeserializeRow, Error, query, query_as};

#[derive(Debug, SerializeValue, DeserializeValue)]
#[scylla(crate = renamed::scylla)]
struct Address<'a> {
    street: &'a str,
    #[scylla(rename = "type")]
    kind: Option<Fixed<-1>>,
    zip: i32,
}

#[derive(Debug, DeserializeRow)]
#[scylla(crate = renamed::scylla)]
struct User {
    id: i32,
    r#type: Option<i32>,
    #[scylla(skip)]
    made_by: Option<fn(i32) -> i32>,
}

#[derive(Debug)]
struct Fixed<const N: i32>(i32);

impl<const N: i32> SerializeValue for Fixed<N> {
    fn serialize<'b>(
        &self,
        kind: &ColumnType<'_>,
        writer: CellWriter<'b>,
    ) -> Result<WrittenCellProof<'b>, SerializationError> {
        self.0.serialize(kind, writer)
    }
}

impl<'f, 'm, const N: i32> DeserializeValue<'f, 'm> for Fixed<N> {
    fn type_check(kind: &ColumnType<'_>) -> Result<(), TypeCheckError> {
        i32::type_check(kind)
    }

    fn deserialize(
        kind: &'m ColumnType<'m>,
        cell: Option<FrameSlice<'f>>,
    ) -> Result<Self, DeserializationError> {
        i32::deserialize(kind, cell).map(Self)
    }
}

async fn run<S: CqlService>(db: &Client<S>) -> Result<(), Error> {
    let address = Address { street: "a", kind: None, zip: 7 };
    println!("{address:?} {} {:?} {}", address.street, address.kind, address.zip);
    let user = query_as!(User, "SELECT id, \"type\", \"Name\" FROM people WHERE id = ?", 7);
    let user = user.fetch_one(db).await?;
    println!("{} {:?} {:?}", user.id, user.r#type, user.made_by);
    let user = query!("SELECT id, \"type\", \"Name\", homes FROM people WHERE id = ?", 7);
    println!("{}", user.fetch_one(db).await?.id);
    let update = query!("UPDATE people SET \"Name\" = 'a' WHERE id = 1 IF \"type\" = 7");
    println!("{:?}", update.applied(db).await?);
    Ok(())
}

fn main() {
    let _: fn(&'static Client) -> _ = run::<BoxedService>;
}
