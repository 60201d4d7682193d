//! A request under way, and which way it takes.

use std::future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::time::Instant;

use crate::error::Error;
use crate::request::{Payload, Request};
use crate::response::Response;
use crate::session::execution::execute::execute;
use crate::session::execution::prepare::{prepare, prepare_all};
use crate::session::execution::runner::Runner;
use crate::session::execution::time::Time;
use crate::session::execution::{batch, text, use_keyspace};
use crate::session::inner::Inner;
use crate::session::lifecycle::Entry;
use crate::session::schema::change::SchemaChange;
use crate::task;

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A request under way.
pub(in crate::session) enum Call {
    /// What is bound, which is the way of every hot path.
    Bound(Runner),
    Other(BoxFuture<Result<Response, Error>>),
    Answered,
}

/// Starts a request. Each way has a future of its own, since a future is as large as the largest of
/// its branches.
#[inline]
pub(in crate::session) fn start(session: Entry, request: Request) -> Call {
    let called = Instant::now();
    match request.payload() {
        Payload::Bound(_) => start_bound(session, request, called),
        Payload::Prepare => other(async move {
            prepare(session.session(), &request, called).await.map(Response::of_prepared)
        }),
        Payload::Batch(_) => {
            other(async move { batch::execute(session.session(), request, called).await })
        }
        Payload::Raw(_) if request.unprepared().is_some() => {
            other(async move { prepare_and_execute(session.session(), request, called).await })
        }
        Payload::Raw(_) if request.statement().is_use() => {
            other(async move { use_keyspace::change(session, request, called).await })
        }
        Payload::Raw(_) if request.statement().depends_on_use() => {
            other(async move { use_keyspace::send(session, request, called).await })
        }
        Payload::Raw(_) => other(async move { text::query(&session, &request, called).await }),
    }
}

/// What is not on a hot path. What is bound looks for a runtime when it takes its timer.
fn other(future: impl Future<Output = Result<Response, Error>> + Send + 'static) -> Call {
    Call::Other(Box::pin(async move {
        task::runtime()?;
        future.await
    }))
}

#[inline]
fn start_bound(session: Entry, request: Request, called: Instant) -> Call {
    if !request.statement().may_change_schema() {
        return Call::Bound(Runner::start(session, request, called));
    }
    other(async move {
        let until = Time::of(&session, &request, called)?.until;
        let change = SchemaChange::begin(&session, &request, until).await;
        let answer = execute(&session, &request, called).await;
        SchemaChange::end(change, answer).await
    })
}

/// Does nothing but end with this.
pub(in crate::session) fn refuse(error: Error) -> Call {
    Call::Other(Box::pin(future::ready(Err(error))))
}

impl Call {
    #[inline]
    pub(in crate::session) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response, Error>> {
        let answer = match self {
            Self::Bound(runner) => runner.poll(cx),
            Self::Other(future) => return future.as_mut().poll(cx),
            // No other answer will come.
            Self::Answered => return Poll::Pending,
        };
        if answer.is_ready()
            && let Self::Bound(runner) = mem::replace(self, Self::Answered)
        {
            runner.rest();
        }
        answer
    }
}

/// What no layer above has bound. The time of the call covers both halves.
async fn prepare_and_execute(
    session: &Arc<Inner>,
    request: Request,
    called: Instant,
) -> Result<Response, Error> {
    let request = prepare_all(session, request, called).await?;
    // Its deadline is that of both halves, which has to be after now.
    execute(session, &request, Instant::now()).await
}
