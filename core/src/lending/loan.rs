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
    first: OnceLock<Ask<Q, A>>,
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
        iter::successors(self.first.get(), |ask| ask.next.get().map(|next| &**next))
    }

    /// Asks, unless the same was asked before.
    ///
    /// Costs no allocation, the first time.
    #[inline]
    pub(crate) fn ask(&self, question: Q) {
        let ask = Ask { question, answer: OnceLock::new(), next: OnceLock::new() };
        if let Err(ask) = self.first.set(ask) {
            self.ask_again(ask);
        }
        self.lender.wake();
    }

    #[cold]
    fn ask_again(&self, ask: Ask<Q, A>) {
        let mut place = self.first.get();
        let mut ask = Box::new(ask);
        while let Some(before) = place {
            if before.question == ask.question {
                return;
            }
            match before.next.set(ask) {
                Ok(()) => return,
                Err(kept) => ask = kept,
            }
            place = before.next.get().map(|next| &**next);
        }
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
    #[inline]
    pub(crate) fn answer(&self, answer: impl FnMut(&Q) -> A) -> bool {
        self.first.get().is_some() && self.answer_asked(answer)
    }

    fn answer_asked(&self, mut answer: impl FnMut(&Q) -> A) -> bool {
        let mut was_open = false;
        for ask in self.asks() {
            if ask.answer.get().is_none() {
                was_open = ask.answer.set(answer(&ask.question)).is_ok();
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
