//! `shuttle`'s primitives, and what `tokio` has besides, made of them.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use shuttle::rand::{Rng, thread_rng};
pub(crate) use shuttle::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

pub(crate) struct Elapsed;

thread_local! {
    static IS_IMPATIENT: Cell<bool> = const { Cell::new(false) };
}

/// From now on, in this test, time is over at any moment.
pub(crate) fn set_impatient() {
    IS_IMPATIENT.set(true);
}

pub(crate) fn is_impatient() -> bool {
    IS_IMPATIENT.get()
}

/// There is no clock: without [`set_impatient`] no time is ever over.
/// The model has tasks of its own.
pub(crate) const fn has_runtime() -> bool {
    true
}

pub(crate) async fn timeout_at<F: Future>(_end: Instant, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending if !is_impatient() => Poll::Pending,
        Poll::Pending if thread_rng().gen_bool(0.3) => Poll::Ready(Err(Elapsed)),
        Poll::Pending => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}

/// As `tokio::sync::watch`.
pub(crate) mod watch {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::task::{Poll, Waker};

    use shuttle::sync::Mutex;

    #[derive(Debug)]
    struct State<T> {
        value: T,
        is_closed: bool,
        wakers: Vec<Waker>,
    }

    type Shared<T> = Arc<Mutex<State<T>>>;

    #[derive(Debug)]
    pub(crate) struct Sender<T>(Shared<T>);

    #[derive(Debug)]
    pub(crate) struct Receiver<T>(Shared<T>);

    pub(crate) fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
        let state = State { value, is_closed: false, wakers: Vec::new() };
        let shared = Arc::new(Mutex::new(state));
        (Sender(Arc::clone(&shared)), Receiver(shared))
    }

    fn change<T>(shared: &Shared<T>, change: impl FnOnce(&mut State<T>)) {
        let mut state = shared.lock().unwrap();
        change(&mut state);
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        for waker in wakers {
            waker.wake();
        }
    }

    impl<T> Sender<T> {
        pub(crate) fn send_replace(&self, value: T) {
            change(&self.0, |state| state.value = value);
        }

        pub(crate) fn subscribe(&self) -> Receiver<T> {
            Receiver(Arc::clone(&self.0))
        }
    }

    impl<T> Drop for Sender<T> {
        fn drop(&mut self) {
            change(&self.0, |state| state.is_closed = true);
        }
    }

    impl<T> Clone for Receiver<T> {
        fn clone(&self) -> Self {
            Self(Arc::clone(&self.0))
        }
    }

    impl<T: Clone> Receiver<T> {
        pub(crate) fn same_channel(&self, other: &Self) -> bool {
            Arc::ptr_eq(&self.0, &other.0)
        }

        pub(crate) async fn wait_for(&mut self, is_it: impl Fn(&T) -> bool) -> Result<T, ()> {
            poll_fn(|cx| {
                let mut state = self.0.lock().unwrap();
                if is_it(&state.value) {
                    return Poll::Ready(Ok(state.value.clone()));
                }
                if state.is_closed {
                    return Poll::Ready(Err(()));
                }
                state.wakers.push(cx.waker().clone());
                Poll::Pending
            })
            .await
        }
    }
}
