//! A thin async session for Apache Cassandra and ScyllaDB, made to be stacked.
//!
//! The session over the `scylla` driver is a [`tower_service::Service`]: a [`Request`] goes in, a
//! [`Response`] or an [`Error`] comes out, and layers stand in between as needed. It adds what a
//! stack needs and the driver does not have:
//!
//! - a [`Statement`] that knows its name, its kind and whether it may be sent twice;
//! - a [`Request`] whose clones are reference counts, with one timestamp for each logical write;
//! - an [`Error`] that says whether the work may have been done, by a [published table](ErrorClass);
//! - deadlines around everything that can hang: building, preparing, executing.
//!
//! ```no_run
//! use cqlstack_core::{Client, Session, Statement};
//!
//! # async fn run() -> Result<(), cqlstack_core::Error> {
//! let session = Session::builder()
//!     .contact_points(["127.0.0.1:9042"])
//!     .local_datacenter("dc1")
//!     .build()
//!     .await?;
//! let db = Client::new(session); // layers go around the session
//!
//! let by_id = Statement::new("SELECT name FROM app.users WHERE id = ?");
//! let user: Option<(String,)> = db.execute(&by_id, (42_i32,)).await?.maybe_row()?;
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! None is on by default.
//!
//! - `chrono-04`, `time-03`, `bigdecimal-04`, `num-bigint-04`, `secrecy-10`: values of the types of these crates, in
//!   these versions; [`value`] exports each crate.
//! - `macros`: statements that are checked when the program is compiled, `cql!`.
//! - `require-schema`: a crate without a schema file is an error of `cql!`.
//! - `page-token`: places in a result to give away, `PageTokenKey`.
//! - `serde`: [`SessionConfig`] and `PageTokenKey` from files and the environment, `HumanDuration`.
//! - `tls`: encrypted connections, [`Tls`].
//! - `testing`: a scripted session, to test layers and handlers without a server.

#[cfg(feature = "macros")]
#[doc(hidden)]
#[path = "macros.rs"]
pub mod __macros;
mod attempts;
pub mod batch;
mod boxed;
mod client;
mod conditional;
#[cfg(feature = "serde")]
mod de;
mod error;
#[cfg(feature = "serde")]
mod human_duration;
mod idle;
mod invalid_config;
pub mod layer;
mod lending;
mod lock;
mod logs;
mod many;
mod one_line;
mod pages;
mod paging;
mod prepared;
mod profile;
#[cfg(feature = "macros")]
pub mod query;
mod readying;
mod refusal;
mod report;
mod request;
mod response;
mod script;
mod sent;
mod serialized_row;
mod session;
mod statement;
mod striped;
mod sync;
mod task;
#[cfg(feature = "testing")]
pub mod testing;
mod thread_number;
mod time_sum;
mod timer;
mod timestamp;
mod traits;
pub mod value;
mod values;

pub use batch::{Batch, BatchFault, BatchGuard, BatchLimits};
pub use boxed::BoxedService;
pub use client::{Client, CqlService};
pub use conditional::Conditional;
pub use error::{
    Error, ErrorClass, ErrorKind, FailureReason, Readiness, Recovery, Replicas, SchemaVersions,
    TlsFault, UnreadableType, Waited, WriteType,
};
#[cfg(feature = "serde")]
pub use human_duration::HumanDuration;
pub use invalid_config::InvalidConfig;
pub use lending::IntoRequest;
pub use logs::DRIVER_LOGS;
pub use many::{GivenRows, Many, ManyError, ManyReport, ReadRows};
pub use pages::{PageStream, RowStream};
#[cfg(feature = "page-token")]
pub use paging::PageTokenKey;
pub use paging::PagingState;
pub use prepared::Prepared;
pub use profile::Profile;
pub use request::Request;
pub use response::{DynamicRow, Response, Rows};
pub use script::{Script, ScriptError};
pub use session::{
    ClockOffset, Compression, Credentials, DriverRef, Health, NodeHealth, NodeKey, NodeStats,
    Password, ResponseFuture, SchemaStats, Session, SessionBuilder, SessionConfig, Shutdown, Tls,
    Trace, TraceEvent, WarmNode, WarmUp,
};
pub use statement::{Statement, StatementKind, StaticStatement};
pub use timestamp::Timestamps;

/// The driver, in the version that this crate is built on. What programs need of it is in [`value`].
pub use scylla;
pub use scylla::frame::types::{Consistency, SerialConsistency};
/// A value of any type.
pub use value::CqlValue;
/// The types of columns, for responses that a test makes.
pub use value::{ColumnType, NativeType};
/// Rows and values of structs, as traits and derives.
pub use value::{DeserializeRow, DeserializeValue, SerializeRow, SerializeValue};

/// What the derives write names it.
#[doc(hidden)]
pub mod __derive {
    #[cfg(feature = "macros")]
    pub use crate::query::{
        BindAs, Cells, Column, FromColumns, HasColumn, HasField, ReadAs, types,
    };
    pub use cqlstack_macros::nothing;
    pub use scylla::deserialize::DeserializationError;
}

/// A statement that is checked when the program is compiled, as a `&'static` [`StaticStatement`].
///
/// It stands in a `static` or a `let`, is an argument, or, from Rust 1.90, stands in a `const`. Preparing and sending it reads no text, and its
/// first use allocates nothing.
///
/// ```
/// use cqlstack_core::{Client, CqlService, Error, StaticStatement, cql};
///
/// static RENAME: &StaticStatement =
///     cql!("UPDATE app.users SET name = ? WHERE id = ?", name = "rename_user");
///
/// async fn rename(db: &Client<impl CqlService>) -> Result<(), Error> {
///     db.execute(RENAME, ("Ada", 42)).await?;
///     db.execute(cql!("SELECT name FROM app.users WHERE id = ?"), (42,)).await?;
///     let all = cql!("SELECT id, name FROM app.users", allow(scan));
///     # let _ = all;
///     Ok(())
/// }
/// ```
///
/// # The schema
///
/// Names are looked up in a file of the repository, offline. It is, in this order:
///
/// 1. what the option `schema = "path"` names, from the crate's folder;
/// 2. what the environment variable `CQLSTACK_SCHEMA` names, from the workspace's folder, and within it
///    (`[env]` in `.cargo/config.toml` sets it);
/// 3. `schema.cql`, or the files `schema/*.cql` in the order of their names as one script, in the crate's folder or the
///    nearest above it, up to the one that has a `Cargo.lock`; without a `Cargo.lock`, in the crate's folder only.
///
/// Without a schema only the syntax is checked, unless the feature `require-schema` makes that an error. A dependency
/// that cargo has fetched from a registry or by Git is asked neither for the variable nor for a schema. Tables of `system`
/// and of keyspaces whose names begin with `system_` are never looked up. A name without its keyspace is of the one that
/// the script `USE`s last, or of the option's, `keyspace = "app"`; and so are tables of the script, where it names none, as
/// where each tenant has a keyspace.
///
/// When a schema file or the variable changes, the compiler looks at the statements again. It does not notice that a
/// file was added until a source changes; a build script with `println!("cargo::rerun-if-changed=schema");`, which names
/// the folder of the schema files, makes it do so. When the only file is deleted, the syntax alone is checked from then on.
///
/// # Options
///
/// | option | default |
/// |---|---|
/// | `name = "rename_user"` | verb and table: [`Statement::named`] |
/// | `idempotent = true` | by the text: [`Statement::idempotent`] |
/// | `consistency = LocalQuorum` | the session's: [`Statement::with_consistency`] |
/// | `serial_consistency = LocalSerial` | [`Statement::with_serial_consistency`] |
/// | `page_size = 100` | the session's: [`Statement::with_page_size`] |
/// | `paging = false` | pages: [`Statement::without_paging`] |
/// | `attempt_timeout = "250ms"` (`ms`, `s` or `m`) | the session's: [`Statement::with_attempt_timeout`] |
/// | `allow(scan, filtering)` | none of the lints below |
/// | `keyspace = "app"` | the script's `USE` |
/// | `schema = "path"` | as above |
/// | `dialect = ScyllaDb` (`Cassandra5`, `NextCassandra`, `Any`) | `Cassandra5` |
///
/// # Errors
///
/// What the server would refuse: syntax; a keyspace, table, column, field, type or index that is not there, with the
/// name that was probably meant; an `INSERT` without its key, or with another number of values than of columns; an
/// `UPDATE` of a key column, or without the whole key; a `DELETE` without the partition key; a `SELECT` that needs
/// `ALLOW FILTERING`; counters beside other columns; conditions on key columns, or beside a timestamp. Types of literals,
/// operators and `ORDER BY` are left to the server. The rules are those of Cassandra 5, in each dialect.
///
/// What the server accepts, and a team regrets, has a name that `allow(…)` takes:
///
/// | lint | what |
/// |---|---|
/// | `scan` | a `SELECT` without a partition key reads the whole table, from all nodes |
/// | `filtering` | `ALLOW FILTERING` over partitions reads rows to throw them away |
/// | `partition_in` | `IN` on the partition key of a `SELECT`: one node asks all others, and waits for the slowest |
/// | `refused_when_executed` | the server prepares it, and refuses to execute it: several values of `IN` beside `IF`, a column deleted in a range of rows |
/// | `schema_change` | an `ALTER` or `DROP` of what the schema file does not have, as after the change |
/// | `marker_in_literal` | a marker inside a list, set or map literal: ScyllaDB takes it, Cassandra does not |
/// | `mixed_markers` | `?` and `:name` in one statement |
/// | `case` | `userId` means `userid`, and a column `"userId"` is there, too |
/// | `no_keyspace` | a table without its keyspace, and nothing tells which one |
/// | `unknown_function`, `unknown_option` | what a newer server may know |
///
/// The text is a string literal, or `concat!` of literals: a macro sees the program before constants have values. For
/// a text that is made at run time there is [`Statement::new`].
#[cfg(feature = "macros")]
#[macro_export]
macro_rules! cql {
    ($($tokens:tt)*) => {
        $crate::__macros::cql!(@ $crate; $($tokens)*)
    };
}

/// A statement with its arguments, whose types are checked when the program is compiled: a [`Query`](query::Query).
///
/// The types are those of the [schema file](cql!#the-schema), which it needs. It takes what [`cql!`] takes, after a
/// semicolon: its options and lints. Tables of `system`, and what is no statement of rows, are for [`cql!`].
///
/// ```no_run
/// use cqlstack_core::{Client, CqlService, Error, query};
///
/// async fn run(db: &Client<impl CqlService>, id: i32, name: &str) -> Result<(), Error> {
///     query!("INSERT INTO app.users (id, name) VALUES (?, ?)", id, name; name = "add_user").execute(db).await?;
///     let user = query!("SELECT id, name FROM app.users WHERE id = ?", id).fetch_optional(db).await?;
///     if let Some(user) = user {
///         println!("{} {:?}", user.id, user.name); // i32, Option<String>
///     }
///     let count = query!("SELECT count(*) AS count FROM app.users"; allow(scan)).fetch_scalar(db).await?;
///     println!("{count} users");
///     Ok(())
/// }
/// ```
///
/// # Arguments
///
/// One for each marker: in the order of the markers, or by name (`id = 7`), where the name is that of `:id`, or the
/// one that the server gives to `?`, as a column's. A marker `:id` without an argument takes the variable `id`. Arguments are evaluated in the
/// order of their markers, each once, what several markers take before the others; and borrowed: they are serialised here,
/// and the query borrows nothing.
///
/// The compiler says of an argument that has another type, at its place, what its marker takes. The [table of
/// types](value) has what goes with what; [`BindAs`](query::BindAs) adds a type of yours. A struct that derives
/// [`SerializeValue`](derive@SerializeValue) is checked against the fields of the user-defined type. When values are bound,
/// the types that the server tells are compared with those of the schema file: where they differ, nothing is sent.
///
/// # Answers
///
/// | statement | methods of [`Query`](query::Query) |
/// |---|---|
/// | `SELECT` | `fetch_one`, `fetch_optional`, `fetch_all`, `fetch` (a stream), `fetch_page`, `fetch_scalar`, `execute` |
/// | a write with `IF` | `applied`: [`Conditional`], with a record of what was found |
/// | any other | `execute` |
///
/// A record has a field for each column, by its name, and is [`Debug`](std::fmt::Debug). A call needs a name, `max(age) AS age`, and so does a column
/// whose name no field can have. Keywords are written `user.r#type`. `SELECT *` is the columns of the schema file, and is sent
/// so: a column that is added later changes nothing.
///
/// [`query_as!`] fills a struct that has a name.
///
/// # Nulls
///
/// A column that can be null is an [`Option`]. Never null are columns of the partition key; clustering columns, unless the table has static
/// columns and the statement restricts no clustering column, since a partition may have static columns alone; a counter
/// that is the only column beside the key; `count`, `sum` and `avg`. In an aggregate without `GROUP BY` all other columns can be
/// null, since there is a row over nothing, too. A collection that is not frozen is never null, but empty: a server makes
/// no difference. A frozen one is an [`Option`].
///
/// An alias says otherwise, or names a type: `AS "name!"` is never null, and a null is an error; `AS "name?"` is an [`Option`];
/// `AS "born: chrono::NaiveDate"` is read as that type, in an [`Option`] where it can be null. The field is called `name`,
/// and `born`.
///
/// # Types of fields
///
/// | CQL | Rust |
/// |---|---|
/// | `ascii`, `text` | `String` |
/// | `tinyint`, `smallint`, `int`, `bigint`; `float`, `double`; `boolean` | `i8`, `i16`, `i32`, `i64`; `f32`, `f64`; `bool` |
/// | `blob`, `inet`, `uuid`, `timeuuid` | `Vec<u8>`, `IpAddr`, `Uuid`, [`CqlTimeuuid`](value::CqlTimeuuid) |
/// | `date`, `time`, `timestamp`, `duration`, `decimal`, `varint`, `counter` | [`CqlDate`](value::CqlDate), …, [`Counter`](value::Counter) |
/// | `list<T>`, `vector<T, N>` | `Vec<T>` |
/// | `set<T>`, `map<K, V>` | `HashSet<T>`, `HashMap<K, V>`; where `T` has no hash, as `double`, `Vec<T>`, and [`CqlValue`] for the map |
/// | `tuple<A, B>` | `(Option<A>, Option<B>)` |
/// | a user-defined type | [`CqlValue`]; name a struct that derives [`DeserializeValue`](derive@DeserializeValue) in an alias |
///
/// A type that an alias names is [`Debug`](std::fmt::Debug), as the record is. A [`CqlValue`] with a value of a user-defined type is bound as one of the
/// schema file's keyspace: where each tenant has a keyspace of its own, bind a struct.
///
/// # Cost
///
/// A read and a write take within 1 % of the instructions of [`Client::execute`] with a [`StaticStatement`], and as many
/// allocations: `docs/costs.md`.
#[cfg(feature = "macros")]
#[macro_export]
macro_rules! query {
    ($text:expr $(, $argument:expr)* $(,)? $(; $($options:tt)*)?) => {
        $crate::__macros::query!(@ $crate; [$text] [$([$argument])*] [$($($options)*)?])
    };
}

/// As [`query!`], with rows that fill a struct of yours, by the names of its fields.
///
/// The struct derives [`DeserializeRow`](derive@DeserializeRow) and has named fields, and neither type parameters nor lifetimes. It
/// may have fewer fields than there are columns, and none that no column has. Each field is checked: it holds the type of its column, and is an
/// [`Option`], or `#[scylla(default_when_null)]`, if that can be null. `#[scylla(rename = "…")]` and `#[scylla(skip)]` mean what they always do.
///
/// ```no_run
/// use cqlstack_core::{Client, CqlService, DeserializeRow, Error, query_as};
///
/// #[derive(DeserializeRow)]
/// struct User {
///     id: i32,
///     name: Option<String>,
/// }
///
/// async fn all(db: &Client<impl CqlService>) -> Result<Vec<User>, Error> {
///     query_as!(User, "SELECT * FROM app.users"; allow(scan)).fetch_all(db).await
/// }
/// ```
///
/// A type of yours in a field needs [`ReadAs`](query::ReadAs).
#[cfg(feature = "macros")]
#[macro_export]
macro_rules! query_as {
    ($record:ty, $text:expr $(, $argument:expr)* $(,)? $(; $($options:tt)*)?) => {
        $crate::__macros::query_as!(@ $crate; [$text] [$([$argument])*] [$($($options)*)?] [$record])
    };
}
