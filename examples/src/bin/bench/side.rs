//! One of those that are compared.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::Failure;
use crate::load::Load;

/// The class of an error.
pub(crate) type Failed = &'static str;

type Worker<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A way to make a request. One box for each worker; each request is a call that the compiler sees
/// through, on every side.
pub(crate) struct Side {
    pub(crate) name: &'static str,
    start: Box<dyn Fn(Arc<Load>) -> Worker<()> + Send + Sync>,
    drive: Box<dyn Fn(u32) -> Worker<Result<(), Failed>> + Send + Sync>,
}

impl Side {
    /// `request` makes one, for a number that is drawn anew for each.
    pub(crate) fn new<F, R>(name: &'static str, request: F) -> Self
    where
        F: Fn(u64) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Result<(), Failed>> + Send,
    {
        let one_by_one = request.clone();
        let drive = Box::new(move |times| -> Worker<_> {
            let request = one_by_one.clone();
            Box::pin(async move {
                for number in 0..times {
                    request(number.into()).await?;
                }
                Ok(())
            })
        });
        let start = Box::new(move |load: Arc<Load>| -> Worker<()> {
            let request = request.clone();
            Box::pin(async move { load.work(request).await })
        });
        Self { name, start, drive }
    }

    /// Makes so many requests, one after the other.
    pub(crate) async fn drive(&self, times: u32) -> Result<(), Failure> {
        (self.drive)(times).await.map_err(|failed| format!("{}: {failed}", self.name).into())
    }

    pub(crate) fn worker(&self, load: Arc<Load>) -> Worker<()> {
        (self.start)(load)
    }
}
