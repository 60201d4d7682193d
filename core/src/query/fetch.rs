//! The futures of a query.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use scylla::deserialize::row::ColumnIterator;
use tower_service::Service;

use super::answer::{
    Answer, Cells, Column, FromColumns, ReadByName, Scalar, check_columns, columns,
};
use super::page::Page;
use crate::boxed::BoxedService;
use crate::client::{Call, CqlService};
use crate::conditional::Conditional;
use crate::error::Error;
use crate::request::Request;
use crate::response::{Response, Rows};

pin_project! {
    /// The answer to a [`Query`](super::Query), to come.
    #[must_use = "futures do nothing unless polled"]
    pub struct Fetch<F, S = BoxedService>
    where
        S: Service<Request>,
    {
        #[pin]
        call: Call<S>,
        finish: PhantomData<fn() -> F>,
    }
}

impl<F, S: CqlService> Fetch<F, S> {
    pub(super) fn new(call: Call<S>) -> Self {
        Self { call, finish: PhantomData }
    }
}

impl<F: Finish, S: CqlService> Future for Fetch<F, S> {
    type Output = Result<F::Output, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(self.project().call.poll(cx))?;
        Poll::Ready(F::finish(response))
    }
}

impl<F, S: Service<Request>> fmt::Debug for Fetch<F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetch").finish_non_exhaustive()
    }
}

/// What a response becomes. Sealed.
pub trait Finish: finish::Sealed {}

impl<F: finish::Sealed> Finish for F {}

mod finish {
    use super::{Error, Response};

    #[expect(unnameable_types, reason = "it seals a trait")]
    pub trait Sealed {
        type Output;

        fn finish(response: Response) -> Result<Self::Output, Error>;
    }
}

use finish::Sealed;

macro_rules! finishes {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name<A>(PhantomData<fn() -> A>);
    )*};
}

finishes! {
    /// The first row.
    One;
    /// The first row, if there is one.
    Optional;
    /// All rows of the only page.
    All;
    /// One page.
    OnePage;
    /// The only column of the first row.
    Value;
    /// Whether it was applied.
    Applied;
}

// Each record has its own code of what depends on it: that is kept short, and calls what does not.

/// The rows of a page, or of the only one, whose columns were looked at.
fn rows<'r>(
    response: &'r Response,
    columns: &[Column],
    is_only: bool,
) -> Result<Rows<'r, ColumnIterator<'r, 'r>>, Error> {
    let rows = if is_only { response.rows()? } else { response.page()? };
    response.check(|specs| check_columns(columns, specs))?;
    Ok(rows)
}

/// The first row, if there is one.
fn first_row<'r>(response: &'r Response, columns: &[Column]) -> Result<Option<Cells<'r>>, Error> {
    match rows(response, columns, false)?.next() {
        Some(row) => row.map(Cells::new).map(Some),
        None => response.ended().map(|()| None),
    }
}

fn first<A: Answer>(response: &Response) -> Result<Option<A::Record>, Error> {
    let Some(mut cells) = first_row(response, columns::<A>())? else { return Ok(None) };
    match A::Record::read(&mut cells) {
        Ok(record) => Ok(Some(record)),
        Err(error) => Err(response.undecoded(0, &error)),
    }
}

impl<A: Answer> Sealed for Optional<A> {
    type Output = Option<A::Record>;

    fn finish(response: Response) -> Result<Self::Output, Error> {
        first::<A>(&response)
    }
}

impl<A: Answer> Sealed for One<A> {
    type Output = A::Record;

    fn finish(response: Response) -> Result<Self::Output, Error> {
        match first::<A>(&response)? {
            Some(record) => Ok(record),
            None => Err(response.no_row("fetch_optional")),
        }
    }
}

impl<A: Answer<Record: Scalar>> Sealed for Value<A> {
    type Output = <A::Record as Scalar>::Value;

    fn finish(response: Response) -> Result<Self::Output, Error> {
        One::<A>::finish(response).map(Scalar::value)
    }
}

impl<A: Answer> Sealed for All<A> {
    type Output = Vec<A::Record>;

    fn finish(response: Response) -> Result<Self::Output, Error> {
        records::<A>(&response, true)
    }
}

impl<A: Answer> Sealed for OnePage<A> {
    type Output = Page<A::Record>;

    fn finish(response: Response) -> Result<Self::Output, Error> {
        let records = records::<A>(&response, false)?;
        Ok(Page::new(records, response))
    }
}

fn records<A: Answer>(response: &Response, is_only: bool) -> Result<Vec<A::Record>, Error> {
    let rows = rows(response, columns::<A>(), is_only)?;
    let mut records = Vec::with_capacity(rows.len());
    for row in rows {
        match A::Record::read(&mut Cells::new(row?)) {
            Ok(record) => records.push(record),
            Err(error) => return Err(response.undecoded(records.len(), &error)),
        }
    }
    Ok(records)
}

impl<A: Answer> Sealed for Applied<A> {
    type Output = Conditional<A::Record>;

    fn finish(response: Response) -> Result<Self::Output, Error> {
        Ok(match response.conditional::<ReadByName<A>>()? {
            Conditional::Applied => Conditional::Applied,
            Conditional::NotApplied(found) => {
                let found = found.into_iter().map(|ReadByName(record)| record);
                Conditional::NotApplied(found.collect())
            }
        })
    }
}
