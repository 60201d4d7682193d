//! A boxed future that is started again, in the same memory, when it has ended.
//!
//! As `tokio_util`'s `ReusableBoxFuture`, by which the compiler copies a future of 4 KB three times on its way into
//! the box (1,250 instructions); here it makes the future in its place.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

/// One future after the other of those that a function makes, each of one job.
pub(crate) struct Reusable<J, T>(Pin<Box<dyn Start<J, T>>>);

impl<J: 'static, T: 'static> Reusable<J, T> {
    pub(crate) fn new<F>(make: impl Fn(J) -> F + Send + 'static) -> Self
    where
        F: Future<Output = T> + Send + 'static,
    {
        Self(Box::pin(Made { make, future: None }))
    }

    /// Begins with a job. The future of another one, ended or not, is dropped.
    #[inline]
    pub(crate) fn start(&mut self, job: J) {
        self.0.as_mut().start(job);
    }

    /// Pending before it is started, and not to be polled again when it was ready until it is.
    #[inline]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        self.0.as_mut().poll(cx)
    }
}

trait Start<J, T>: Send {
    fn start(self: Pin<&mut Self>, job: J);
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T>;
}

pin_project! {
    struct Made<M, F> {
        make: M,
        #[pin]
        future: Option<F>,
    }
}

impl<J, T, M, F> Start<J, T> for Made<M, F>
where
    M: Fn(J) -> F + Send,
    F: Future<Output = T> + Send,
{
    fn start(self: Pin<&mut Self>, job: J) {
        let mut this = self.project();
        this.future.set(Some((this.make)(job)));
    }

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.project().future.as_pin_mut().map_or(Poll::Pending, |future| future.poll(cx))
    }
}
