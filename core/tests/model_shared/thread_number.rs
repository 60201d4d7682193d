//! Numbers that the test gives its threads.

use std::cell::Cell;

loom::thread_local! {
    static NUMBER: Cell<usize> = Cell::new(0);
}

pub(crate) fn set(number: usize) {
    NUMBER.with(|own| own.set(number));
}

pub(crate) fn thread_number() -> usize {
    NUMBER.with(Cell::get)
}
