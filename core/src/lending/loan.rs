//! Questions to whoever has the values, and the answers.

use std::fmt;
use std::iter;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use futures::task::AtomicWaker;
use tokio::sync::Notify;

/// What a request asks of the values that its caller keeps, and what the caller answered.
///
/// Who asks may be another task. Who answers is polled again after the first question that it has not seen: it looks
/// after each poll of the request, and [`register`](Self::register)s before it looks for the last time.
pub(crate) struct Loan<Q, A> {
    first: OnceLock<Box<Ask<Q, A>>>,
    lender: AtomicWaker,
    answered: Notify,
    is_over: AtomicBool,
}

/// Seldom is there more than one: after a change of the schema, or of the request's options.
struct Ask<Q, A> {
    question: Q,
    answer: OnceLock<A>,
    next: OnceLock<Box<Self>>,
}

impl<Q: PartialEq, A> Loan<Q, A> {
    pub(crate) fn new() -> Self {
        Self {
            first: OnceLock::new(),
            lender: AtomicWaker::new(),
            answered: Notify::new(),
            is_over: AtomicBool::new(false),
        }
    }

    fn asks(&self) -> impl Iterator<Item = &Ask<Q, A>> {
        iter::successors(self.first.get(), |ask| ask.next.get()).map(|ask| &**ask)
    }

    /// Whether anything was asked.
    #[inline]
    pub(crate) fn is_asked(&self) -> bool {
        self.first.get().is_some()
    }

    /// Asks, unless the same was asked before.
    pub(crate) fn ask(&self, question: Q) {
        let mut place = &self.first;
        let mut ask = Box::new(Ask { question, answer: OnceLock::new(), next: OnceLock::new() });
        while let Err(kept) = place.set(ask) {
            ask = kept;
            let Some(before) = place.get() else { break };
            if before.question == ask.question {
                break;
            }
            place = &before.next;
        }
        self.lender.wake();
    }

    /// The answer to a question, if there is one.
    #[inline]
    pub(crate) fn answer_to(&self, mut is_it: impl FnMut(&Q) -> bool) -> Option<&A> {
        self.asks().find(|ask| is_it(&ask.question))?.answer.get()
    }

    /// Waits for the answer. None if there will be none, since the caller has given the request up.
    pub(crate) async fn wait(&self, question: Q) -> Option<&A>
    where
        Q: Clone,
    {
        self.ask(question.clone());
        loop {
            let answered = self.answered.notified();
            if let Some(answer) = self.answer_to(|asked| *asked == question) {
                return Some(answer);
            }
            if self.is_over.load(Ordering::Acquire) {
                return None;
            }
            answered.await;
        }
    }

    /// Answers whatever is open; tells whether anything was.
    pub(crate) fn answer(&self, mut answer: impl FnMut(&Q) -> A) -> bool {
        let mut was_open = false;
        for ask in self.asks() {
            if ask.answer.get().is_none() {
                was_open |= ask.answer.set(answer(&ask.question)).is_ok();
            }
        }
        if was_open {
            self.answered.notify_waiters();
        }
        was_open
    }

    /// The lender's task is woken by the next question.
    #[inline]
    pub(crate) fn register(&self, waker: &Waker) {
        self.lender.register(waker);
    }

    /// There will be no more answers.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Release);
        self.answered.notify_waiters();
    }
}

impl<Q, A> fmt::Debug for Loan<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Loan(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::task::Poll;
    use std::time::Duration;

    use futures::FutureExt;
    use futures::future::join_all;
    use tokio::time::timeout;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// Answers with the double until it is dropped; as a call does, which looks again before it waits.
    async fn lend(loan: Arc<Loan<u32, u32>>) {
        let twice = |number: &u32| number * 2;
        poll_fn(|cx| {
            while loan.answer(twice) || {
                loan.register(cx.waker());
                loan.answer(twice)
            } {}
            Poll::<()>::Pending
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn whoever_asks_in_another_task_is_answered() {
        for round in 0..2_000 {
            let loan = Arc::new(Loan::<u32, u32>::new());
            let lender = tokio::spawn(lend(Arc::clone(&loan)));
            let asks = (0..4).map(|number| {
                let (loan, number) = (Arc::clone(&loan), number % (1 + round % 4));
                tokio::spawn(async move {
                    assert_eq!(loan.wait(number).await.copied(), Some(number * 2));
                })
            });
            for asked in timeout(PATIENCE, join_all(asks)).await.unwrap() {
                asked.unwrap();
            }
            lender.abort();
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn who_asks_when_the_lender_goes_is_told_that_there_is_no_answer() {
        for _ in 0..2_000 {
            let loan = Arc::new(Loan::<u32, u32>::new());
            let asks = (0..4).map(|number| {
                let loan = Arc::clone(&loan);
                tokio::spawn(async move { assert_eq!(loan.wait(number).await, None) })
            });
            let asks: Vec<_> = asks.collect();
            loan.end();
            for asked in timeout(PATIENCE, join_all(asks)).await.unwrap() {
                asked.unwrap();
            }
        }
    }

    #[test]
    fn the_same_question_is_answered_once_and_the_answers_stay() {
        let loan = Loan::new();
        let mut answered = 0;
        for _ in 0..2 {
            for number in [1, 2, 3] {
                loan.ask(number);
            }
            while loan.answer(|number| {
                answered += 1;
                number * 2
            }) {}
        }
        assert_eq!(answered, 3);
        for number in [1, 2, 3] {
            assert_eq!(loan.answer_to(|asked| *asked == number), Some(&(number * 2)));
            assert_eq!(loan.wait(number).now_or_never(), Some(Some(&(number * 2))));
        }
        assert_eq!(loan.answer_to(|asked| *asked == 4), None);
    }
}
