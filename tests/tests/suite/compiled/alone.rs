//! All pairs of types that are tested, in a program that depends on nothing but `cqlstack-core`.

mod pairs;

use pairs::*;

macro_rules! typed {
    ($to:ident $column:literal lent $($pair:tt)*) => {
        typed!($to $column both $($pair)*);
    };
    ($to:ident $column:literal both $cql:literal $(or empty)?, $rust:ty, $($value:expr),*) => {
        $(let value: $rust = $value; $to(&value);)*
    };
    ($to:ident $column:literal bind $cql:literal, $rust:ty as $read:ty, $value:expr => $expected:expr) => {
        let value: $rust = $value;
        let _: $read = ($expected).into();
        $to(&value);
    };
    ($to:ident $column:literal read $($rest:tt)*) => {};
}

fn main() {
    let bound = |_: &dyn SerializeValue| ();
    let _: Option<(ListlikeIterator<'_, '_, i32>, MapIterator<'_, '_, i32, i32>)> = None;
    let _: Option<(VectorIterator<'_, '_, f32>, UdtIterator<'_, '_>)> = None;
    numbers!(typed, bound);
    texts!(typed, bound);
    times!(typed, bound);
    collections!(typed, bound);
    let _ = Counter(7);
}
