//! The types of CQL as types of Rust, which have no values: `list<int>` is [`list`]`<`[`int`]`>`.
//!
//! Only traits name them: [`BindAs`](super::BindAs) and [`ReadAs`](super::ReadAs).

#![allow(non_camel_case_types, reason = "they are called as CQL calls them")]

use std::marker::PhantomData;

macro_rules! natives {
    ($($name:ident)*) => {$(
        #[doc = concat!("The CQL type `", stringify!($name), "`.")]
        #[derive(Debug, Clone, Copy)]
        pub enum $name {}
    )*};
}

natives! {
    ascii bigint blob boolean counter date decimal double duration float inet int smallint text time timestamp timeuuid
    tinyint uuid varint
}

/// `list<E>`
#[derive(Debug, Clone, Copy)]
pub struct list<E>(PhantomData<E>);

/// `set<E>`
#[derive(Debug, Clone, Copy)]
pub struct set<E>(PhantomData<E>);

/// `map<K, V>`
#[derive(Debug, Clone, Copy)]
pub struct map<K, V>(PhantomData<(K, V)>);

/// `vector<E, N>`
#[derive(Debug, Clone, Copy)]
pub struct vector<E, const N: usize>(PhantomData<E>);

/// A tuple. `E` is a tuple of the types of its elements: `tuple<(int, text)>`.
#[derive(Debug, Clone, Copy)]
pub struct tuple<E>(PhantomData<E>);

/// A user-defined type. `F` stands for its fields.
#[derive(Debug, Clone, Copy)]
pub struct user<F>(PhantomData<F>);

/// The nullability of a column that can be null.
#[derive(Debug, Clone, Copy)]
pub enum Nullable {}

/// The nullability of a collection that is not frozen: a server sends null for an empty one.
#[derive(Debug, Clone, Copy)]
pub enum Empty {}

/// The nullability of a list that can be null, and so can its elements.
#[derive(Debug, Clone, Copy)]
pub enum Elements {}

/// The nullability of a column that is never null.
#[derive(Debug, Clone, Copy)]
pub enum Never {}
