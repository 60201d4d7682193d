//! The token for the next page.

use super::Response;
use crate::error::{Error, ErrorKind};

impl Response {
    /// A token for the page after this one, whatever is fetched ahead; none after the last. Only of a
    /// request [`with_page_token`](crate::Request::with_page_token).
    ///
    /// It has letters, digits, `-` and `_`, some 70 and 4 for each 3 bytes of the server's paging state, which
    /// holds the key of the last row. It does not expire, and may be used more than once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) if the system has no random numbers.
    pub fn next_page_token(&self) -> Result<Option<String>, Error> {
        let Some((seal, page)) = self.seal().zip(self.next_page()) else { return Ok(None) };
        let no_random_numbers = || {
            let why = "there are no random numbers for a page token: check the system";
            self.error(ErrorKind::InvalidRequest(why.to_owned()))
        };
        seal.close(&page).map(Some).ok_or_else(no_random_numbers)
    }
}
