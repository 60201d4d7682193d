//! Values that stay in the caller's future.
//!
//! CQL types are known only once the statement is prepared, which happens further down in the stack. A request travels
//! there without its values: whoever has the prepared statement asks for them, and the caller's future, which polls the
//! request, serialises them. So they need not be `'static`, and no part of the stack has their type.

mod loan;
mod recent;
mod row;

use std::task::Waker;

pub(crate) use loan::Loan;
pub(crate) use recent::Recent;
#[cfg(feature = "testing")]
pub(crate) use row::Given;
pub use row::RowLender;
pub(crate) use row::{LentRow, Wanted};

use crate::batch::{Batch, BatchLender};
use crate::error::ErrorKind;
use crate::request::Request;
use crate::statement::{Statement, StaticStatement};

/// The values of a request whose caller is gone.
#[cold]
pub(crate) fn given_up() -> ErrorKind {
    let why = "its values stayed with the caller, who has given it up: what outlives its caller is a `Request` of owned \
               values";
    ErrorKind::InvalidRequest(why.to_owned())
}

/// What a [`Call`](crate::layer::Call) lends to its request: the values of a row, of a batch, or none. Sealed.
pub trait Lend: lend::Sealed {}

impl<L: lend::Sealed> Lend for L {}

mod lend {
    use std::task::Waker;

    #[expect(unnameable_types, reason = "it seals a trait")]
    pub trait Sealed {
        /// Serialises what was asked for; tells whether anything was.
        fn answer(&self) -> bool;

        /// Has the task woken by the next question.
        fn register(&self, waker: &Waker);

        /// As `answer`; where nothing was asked, the task is woken by the next question.
        #[inline]
        fn answer_or_register(&self, waker: &Waker) -> bool {
            self.answer() || {
                self.register(waker);
                self.answer()
            }
        }

        /// There will be no answer to another question.
        #[inline]
        fn end(&self) {}

        /// The caller has set options of the request, which has not been sent.
        fn change(&mut self, _request: &mut super::Request) {}
    }
}

pub(crate) use lend::Sealed as Lending;

/// The request has its values.
impl Lending for () {
    #[inline]
    fn answer(&self) -> bool {
        false
    }

    #[inline]
    fn register(&self, _waker: &Waker) {}
}

/// The lender outlives the request, which may be sent again.
impl<L: Lending> Lending for &L {
    #[inline]
    fn answer(&self) -> bool {
        L::answer(self)
    }

    #[inline]
    fn register(&self, waker: &Waker) {
        L::register(self, waker);
    }
}

/// What a [`Client`](crate::Client) can be asked for: a [`Request`], a [`Batch`], or a statement without values. Sealed:
/// of a type of your own, make a [`Request`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no request",
    note = "a request is a `Request`, a `Batch`, or a statement or text without values"
)]
pub trait IntoRequest: into_request::Sealed {}

impl<R: into_request::Sealed> IntoRequest for R {}

mod into_request {
    #[expect(unnameable_types, reason = "it seals a trait")]
    pub trait Sealed {
        type Lender: super::Lend;

        fn into_request(self) -> (super::Request, Self::Lender);
    }
}

pub(crate) use into_request::Sealed as Parts;

macro_rules! owned {
    ($($request:ty),*) => {$(
        impl Parts for $request {
            type Lender = ();

            #[inline]
            fn into_request(self) -> (Request, ()) {
                (self.into(), ())
            }
        }
    )*};
}

owned!(
    Request,
    Statement,
    &Statement,
    String,
    &'static str,
    &'static StaticStatement,
    &&'static StaticStatement
);

impl<'v> Parts for Batch<'v> {
    type Lender = BatchLender<'v>;

    fn into_request(self) -> (Request, BatchLender<'v>) {
        self.lend()
    }
}
