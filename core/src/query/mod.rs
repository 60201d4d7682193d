//! Statements with typed arguments and typed answers: what [`query!`](crate::query!) and
//! [`query_as!`](crate::query_as!) make.

mod answer;
mod bind;
mod binds;
mod fetch;
mod page;
mod read;
mod row;
mod shape;
pub mod types;

use std::fmt;
use std::marker::PhantomData;

#[doc(hidden)]
pub use answer::{Answer, Cells, Column, Fill, FromColumns, HasColumn, HasField, Scalar};
pub use bind::BindAs;
#[doc(hidden)]
pub use binds::*;
pub use fetch::{All, Applied, Fetch, Finish, One, OnePage, Optional, Value};
pub use page::{Page, RecordStream};
pub use read::ReadAs;
#[doc(hidden)]
pub use read::reads;
#[doc(hidden)]
pub use row::BoundRow;
#[doc(hidden)]
pub use shape::{Markers, Shape, shapes};

use crate::client::{Call, Client, CqlService};
use crate::request::Request;

/// The rows of a `SELECT`, as records.
#[derive(Debug)]
pub struct Rows<A>(PhantomData<fn() -> A>);

/// No rows: the answer of a write.
#[derive(Debug)]
pub struct Nothing(());

/// The outcome of a conditional write (`IF …`). `A` is what was found, where the condition did not hold.
#[derive(Debug)]
pub struct Outcome<A>(PhantomData<fn() -> A>);

/// A statement with its arguments, whose types were checked when the program was compiled. `A` is its answer.
///
/// [`query!`](crate::query!) and [`query_as!`](crate::query_as!) make it. Its arguments are serialised: it borrows
/// nothing. It is executed through any [`Client`], and passes its layers as any request.
#[must_use = "a query does nothing until it is executed"]
pub struct Query<A> {
    request: Request,
    answer: PhantomData<fn() -> A>,
}

/// The query whose rows fill a struct.
#[doc(hidden)]
pub fn filled<R: FromColumns<C>, C>(request: Request) -> Query<Rows<Fill<R, C>>> {
    Query::of(request)
}

impl<A> Query<A> {
    #[doc(hidden)]
    #[inline]
    pub fn of(request: Request) -> Self {
        Self { request, answer: PhantomData }
    }

    /// Sets options of the request: a deadline, a consistency level, the size of a page, where a page starts.
    ///
    /// ```no_run
    /// use cqlstack_core::{Client, CqlService, Error, query};
    /// use std::time::Duration;
    ///
    /// # async fn run(db: &Client<impl CqlService>) -> Result<(), Error> {
    /// let user = query!("SELECT name FROM app.users WHERE id = ?", 42)
    ///     .with(|request| request.with_attempt_timeout(Duration::from_millis(50)))
    ///     .fetch_optional(db)
    ///     .await?;
    /// # let _ = user;
    /// # Ok(())
    /// # }
    /// ```
    pub fn with(self, set: impl FnOnce(Request) -> Request) -> Self {
        Self { request: set(self.request), ..self }
    }

    /// The request, for [`Client::pages`], [`Client::many`] or a `Service` that is called by hand: its answer is a
    /// [`Response`](crate::Response).
    pub fn into_request(self) -> Request {
        self.request
    }
}

impl Query<Nothing> {
    /// Executes it.
    ///
    /// # Errors
    ///
    /// Those of [`Client::request`].
    pub fn execute<S: CqlService>(self, db: &Client<S>) -> Call<S> {
        db.request(self.request)
    }
}

impl<A: Answer> Query<Rows<A>> {
    /// The first row. What follows it is not looked at.
    ///
    /// # Errors
    ///
    /// Those of [`Client::request`]; [`ErrorKind::Rows`](crate::ErrorKind::Rows) if there is no row, or if it has
    /// other types than the schema file.
    pub fn fetch_one<S: CqlService>(self, db: &Client<S>) -> Fetch<One<A>, S> {
        Fetch::new(db.request(self.request))
    }

    /// The first row, if there is one. What follows it is not looked at.
    ///
    /// # Errors
    ///
    /// As [`fetch_one`](Self::fetch_one), but for a row that is not there.
    pub fn fetch_optional<S: CqlService>(self, db: &Client<S>) -> Fetch<Optional<A>, S> {
        Fetch::new(db.request(self.request))
    }

    /// All rows, which have to be one page: by default 5,000 rows. The options `page_size` and `paging = false` make it
    /// larger; [`fetch`](Self::fetch) takes any number of rows.
    ///
    /// # Errors
    ///
    /// Those of [`Client::request`]; [`ErrorKind::Rows`](crate::ErrorKind::Rows) if more rows follow, since nothing is
    /// cut off silently, or if a row has other types than the schema file.
    pub fn fetch_all<S: CqlService>(self, db: &Client<S>) -> Fetch<All<A>, S> {
        Fetch::new(db.request(self.request))
    }

    /// The rows of all pages, as a stream, which fetches the next page while one is read.
    ///
    /// ```no_run
    /// use cqlstack_core::{Client, CqlService, Error, query};
    ///
    /// # async fn run(db: &Client<impl CqlService>) -> Result<(), Error> {
    /// let mut users = query!("SELECT id, name FROM app.users"; allow(scan)).fetch(db);
    /// while let Some(user) = users.next_row().await? {
    ///     println!("{} {:?}", user.id, user.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn fetch<S: CqlService>(self, db: &Client<S>) -> RecordStream<S, A> {
        RecordStream::new(db.rows(self.request))
    }

    /// One page of rows, and where the next one starts.
    ///
    /// ```no_run
    /// use cqlstack_core::{Client, CqlService, Error, PagingState, query};
    ///
    /// # async fn run(db: &Client<impl CqlService>, from: PagingState) -> Result<(), Error> {
    /// let page = query!("SELECT id, name FROM app.users"; page_size = 100, allow(scan))
    ///     .with(|request| request.with_page(from))
    ///     .fetch_page(db)
    ///     .await?;
    /// let next: Option<PagingState> = page.next_page();
    /// let names: Vec<Option<String>> = page.into_iter().map(|user| user.name).collect();
    /// # let _ = (next, names);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Client::request`]; [`ErrorKind::Rows`](crate::ErrorKind::Rows) if a row has other types than the schema
    /// file.
    pub fn fetch_page<S: CqlService>(self, db: &Client<S>) -> Fetch<OnePage<A>, S> {
        Fetch::new(db.request(self.request))
    }

    /// The only column of the first row.
    ///
    /// ```no_run
    /// use cqlstack_core::{Client, CqlService, Error, query};
    ///
    /// async fn count(db: &Client<impl CqlService>) -> Result<i64, Error> {
    ///     query!("SELECT count(*) AS count FROM app.users"; allow(scan)).fetch_scalar(db).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`fetch_one`](Self::fetch_one).
    pub fn fetch_scalar<S: CqlService>(self, db: &Client<S>) -> Fetch<Value<A>, S> {
        Fetch::new(db.request(self.request))
    }

    /// Executes it, for rows that are to be read as another type, as one that borrows from the response.
    ///
    /// # Errors
    ///
    /// Those of [`Client::request`].
    pub fn execute<S: CqlService>(self, db: &Client<S>) -> Call<S> {
        db.request(self.request)
    }
}

impl<A: Answer> Query<Outcome<A>> {
    /// Whether it was applied; if not, what was found: a record of the columns that the condition names, or of all
    /// columns for `IF NOT EXISTS`. Each is an `Option`.
    ///
    /// ```no_run
    /// use cqlstack_core::{Client, Conditional, CqlService, Error, query};
    ///
    /// /// Renames a user who is still called `before`; else the name that the user has now.
    /// async fn rename(
    ///     db: &Client<impl CqlService>,
    ///     id: i32,
    ///     before: &str,
    ///     name: &str,
    /// ) -> Result<Result<(), Option<String>>, Error> {
    ///     let rename = query!("UPDATE app.users SET name = :name WHERE id = :id IF name = :before");
    ///     Ok(match rename.applied(db).await? {
    ///         Conditional::Applied => Ok(()),
    ///         Conditional::NotApplied(found) => {
    ///             Err(found.into_iter().next().and_then(|user| user.name))
    ///         }
    ///     })
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Client::request`]; [`ErrorKind::Rows`](crate::ErrorKind::Rows) if what was found has other types than
    /// the schema file.
    pub fn applied<S: CqlService>(self, db: &Client<S>) -> Fetch<Applied<A>, S> {
        Fetch::new(db.request(self.request))
    }
}

impl<A> fmt::Debug for Query<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Query").field(&self.request).finish()
    }
}
