//! What is wrong, and where in the program.

use std::fmt;

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;

/// An error of the compiler's, to come.
#[derive(Debug)]
pub(crate) struct Fault {
    span: Span,
    message: String,
}

impl Fault {
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into() }
    }

    /// What the compiler has to read to say it.
    pub(crate) fn into_tokens(self) -> TokenStream {
        let Self { span, message } = self;
        quote_spanned!(span => ::core::compile_error!(#message))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
