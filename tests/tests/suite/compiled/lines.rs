use renamed::{StaticStatement, cql};

const NAME: &StaticStatement = cql!(
    "
    SELECT nmae
    FROM app.users
    WHERE id = ?",
    name = "name"
);

fn main() {
    println!("{NAME:?}");
}
