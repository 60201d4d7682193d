//! Places in a result of many pages: as the server gives them, and as tokens that a program can give away.

mod state;
#[cfg_attr(not(feature = "page-token"), path = "no_token.rs")]
mod token;

pub(crate) use state::Origin;
pub use state::PagingState;
pub(crate) use state::Start;
#[cfg(feature = "page-token")]
pub use token::PageTokenKey;
pub(crate) use token::{Asked, Seal};
