//! Where the rows come from.

use std::error::Error as StdError;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use pin_project_lite::pin_project;

use crate::error::{Error, ErrorClass};

/// Rows that are there: of [`Client::many`](crate::Client::many).
#[derive(Debug, Clone)]
pub struct GivenRows<I>(pub(super) I);

// It never pins what it holds.
impl<I> Unpin for GivenRows<I> {}

impl<I: Iterator> Stream for GivenRows<I> {
    type Item = Result<I::Item, Error>;

    fn poll_next(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.next().map(Ok))
    }
}

pin_project! {
    /// Rows that are read, each of which may fail: of [`Client::many_of`](crate::Client::many_of).
    #[derive(Debug, Clone)]
    pub struct ReadRows<V> {
        #[pin]
        pub(super) rows: V,
    }
}

impl<V, R, E> Stream for ReadRows<V>
where
    V: Stream<Item = Result<R, E>>,
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    type Item = Result<R, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let values = |row: V::Item| row.map_err(|error| Error::other(ErrorClass::Permanent, error));
        self.project().rows.poll_next(cx).map(|row| row.map(values))
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use std::num::ParseIntError;

    use futures::{StreamExt, stream};

    use super::*;
    use crate::refusal::is_refused;
    use crate::testing::{Answer, ScriptedSession};
    use crate::{Client, ErrorKind, Statement};

    fn insert() -> Statement {
        Statement::new("INSERT INTO t (k) VALUES (?)")
    }

    fn server() -> (ScriptedSession, Client<ScriptedSession>) {
        let session = ScriptedSession::new().otherwise(Answer::done());
        (session.clone(), Client::new(session))
    }

    /// Lines of a file, of which the one after `before` has no number.
    fn lines(before: i32) -> impl Stream<Item = Result<(i32,), ParseIntError>> {
        stream::iter(0..20).map(move |line| {
            let text = if line == before { "seven".to_owned() } else { line.to_string() };
            text.parse().map(|number| (number,))
        })
    }

    #[tokio::test]
    async fn a_row_that_fails_ends_the_run_and_no_later_one_is_sent() {
        let (session, db) = server();
        let error = db.many_of(insert(), lines(7)).run().await.unwrap_err();
        assert_eq!((error.index, error.succeeded, error.failed), (7, 7, 1));
        assert_eq!(session.executes(), 7);
        assert!(error.error.downcast_ref::<ParseIntError>().is_some());
        assert_eq!(error.error.class(), ErrorClass::Permanent);
        let told = error.to_string();
        assert!(
            told.starts_with("row 7 (from 0): INSERT t: invalid digit found in string"),
            "{told}"
        );
    }

    #[tokio::test]
    async fn a_row_that_fails_is_counted_like_any_failure() {
        let (session, db) = server();
        let report = db.many_of(insert(), lines(7)).run_all().await;
        let failed: Vec<_> = report.failed.iter().map(|(index, _)| *index).collect();
        assert_eq!((report.succeeded, failed, report.is_complete), (19, vec![7], true));
        assert_eq!(session.executes(), 19);
    }

    #[tokio::test]
    async fn as_a_stream_it_is_an_error_in_the_place_of_its_answer() {
        let (_, db) = server();
        let many = db.many_of(insert(), lines(7)).ordered();
        let failed: Vec<_> = many.map(|(index, answer)| (index, answer.is_err())).collect().await;
        assert_eq!(failed, (0..20).map(|index| (index, index == 7)).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_of_the_stack_stays_as_it_is_and_is_not_taken_for_a_refusal_of_the_row() {
        let (session, db) = server();
        let refused = Error::other(ErrorClass::Overload, "the limit of the reader is full");
        assert!(is_refused(&refused));
        let rows = stream::iter([Ok((1,)), Err(refused.clone()), Ok((2,))]);
        let report = db.many_of(insert(), rows).run_all().await;
        let [(1, error)] = &report.failed[..] else { panic!("{report:?}") };
        assert_eq!((error.class(), error.kind()), (ErrorClass::Overload, &ErrorKind::Layer));
        assert_eq!((report.succeeded, session.executes()), (2, 2));
    }

    /// Whatever goes through the chain of sources prints it once.
    #[tokio::test]
    async fn the_error_of_a_row_is_told_once() {
        let (_, db) = server();
        let error = db.many_of(insert(), lines(3)).run().await.unwrap_err();
        let mut chain = vec![error.to_string()];
        let mut source = StdError::source(&error);
        while let Some(error) = source {
            chain.push(error.to_string());
            source = error.source();
        }
        assert_eq!(chain.join("; ").matches("invalid digit").count(), 1, "{chain:?}");
    }
}
