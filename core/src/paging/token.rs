//! Places in a result that a program can give away: to the callers of a web service, for example.
//!
//! A token holds the server's paging state, encrypted and authenticated with a key of the program's by
//! XChaCha20-Poly1305 (`draft-irtf-cfrg-xchacha-03`), under a random nonce. What it is of is authenticated
//! with it: keyspace, table, text and serialised values of the request. With the state it holds a hash of the
//! table's primary key, by which a table that was made anew is told.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use chacha20poly1305::aead::{Aead, Generate, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::PagingState;
use crate::error::{ErrorKind, values_kind};
use crate::invalid_config::InvalidConfig;
use crate::lending::given_up;
use crate::prepared::Prepared;
use crate::serialized_row::serialise;
use crate::statement::Statement;
use crate::values::{Place, Values};

/// The first byte of a token, so that there can be others.
const VERSION: u8 = 3;
const NONCE: usize = 24;

/// A key by which a program knows its own page tokens again. Cloning is one atomic increment; `Debug`
/// shows nothing, and the key is wiped from memory when the last clone is dropped.
///
/// All processes that answer the same callers need the same key, and keep it over a restart. Tokens of
/// another key are refused, and their callers begin at the first page.
///
/// ```
/// use cqlstack_core::{Client, CqlService, Error, PageTokenKey, StaticStatement};
///
/// static OF_GROUP: StaticStatement =
///     StaticStatement::new("SELECT id, name FROM app.members WHERE group = ?").with_page_size(100);
///
/// type Member = (i32, String);
///
/// /// `GET /members?group=7&page=…`: a page, and what asks for the next one.
/// async fn members(
///     db: &Client<impl CqlService>,
///     key: &PageTokenKey,
///     group: i32,
///     page: Option<&str>,
/// ) -> Result<(Vec<Member>, Option<String>), Error> {
///     let request = cqlstack_core::Request::new(&OF_GROUP, (group,)).with_page_token(key, page);
///     let answer = db.request(request).await?;
///     let members = answer.page()?.collect::<Result<_, _>>()?;
///     Ok((members, answer.next_page_token()?))
/// }
/// # let key = PageTokenKey::new([7; 32]);
/// # assert_eq!(format!("{key:?}"), "PageTokenKey(..)");
/// ```
#[derive(Clone)]
pub struct PageTokenKey(Arc<XChaCha20Poly1305>);

impl PageTokenKey {
    /// Takes 32 secret bytes from a good source of random numbers (`openssl rand -hex 32`), not a password.
    #[must_use]
    pub fn new(secret: [u8; 32]) -> Self {
        Self(Arc::new(XChaCha20Poly1305::new(&Key::from(secret))))
    }

    /// The same from their text: 64 hexadecimal digits, or base64 of either alphabet (`openssl rand -base64 32`). With
    /// the feature `serde` it is read so from settings, and its errors do not show it.
    ///
    /// ```
    /// use cqlstack_core::PageTokenKey;
    ///
    /// # fn main() -> Result<(), cqlstack_core::InvalidConfig> {
    /// let key = PageTokenKey::from_text(&"07".repeat(32))?;
    /// let same = PageTokenKey::from_text("BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If it is of another form or length.
    pub fn from_text(text: &str) -> Result<Self, InvalidConfig> {
        let text = text.trim();
        let secret = hex(text).or_else(|| base64(text));
        let why = "has to be 32 bytes, as 64 hexadecimal digits or as base64: `openssl rand -hex 32` makes one";
        secret
            .map(|secret| Self::new(*secret))
            .ok_or_else(|| InvalidConfig::new("page_token_key", why))
    }
}

type Secret = Zeroizing<[u8; 32]>;

fn hex(text: &str) -> Option<Secret> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut secret = Zeroizing::new([0; 32]);
    for (byte, digits) in secret.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|it| u8::try_from(it).ok());
        *byte = digit(digits[0])? << 4 | digit(digits[1])?;
    }
    Some(secret)
}

fn base64(text: &str) -> Option<Secret> {
    let text = text.trim_end_matches('=');
    let decoded = STANDARD_NO_PAD.decode(text).or_else(|_| URL_SAFE_NO_PAD.decode(text));
    let decoded = Zeroizing::new(decoded.ok()?);
    let secret = <[u8; 32]>::try_from(decoded.as_slice()).ok()?;
    Some(Zeroizing::new(secret))
}

/// From text, as a password.
#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for PageTokenKey {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = crate::session::Password::deserialize(from)?;
        Self::from_text(text.reveal()).map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for PageTokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PageTokenKey(..)")
    }
}

/// What a request says of tokens.
#[derive(Debug)]
pub(crate) struct Asked {
    key: PageTokenKey,
    token: Option<String>,
}

impl Asked {
    pub(crate) fn new(key: &PageTokenKey, token: Option<&str>) -> Self {
        Self { key: key.clone(), token: token.map(str::to_owned) }
    }

    /// For the statement with these values, of which the prepared statement knows the types.
    pub(crate) fn seal(
        &self,
        statement: &Statement,
        bound: Option<(&Prepared, &Values)>,
        in_use: Option<&str>,
    ) -> Result<Seal, ErrorKind> {
        let mut subject = vec![VERSION];
        let mut part = |text: &str| {
            subject.extend((text.len() as u64).to_be_bytes());
            subject.extend(text.as_bytes());
        };
        let source = bound.and_then(|(prepared, _)| prepared.basis()?.source());
        part(source.map_or(in_use.unwrap_or_default(), |source| &source.keyspace));
        part(source.map_or("", |source| &source.table));
        part(statement.text());
        if let Some((of, prepared, values)) =
            bound.and_then(|(of, values)| Some((of, of.driver()?, values)))
        {
            match values.place() {
                Place::Here(values) => serialise(values, prepared, &mut subject)
                    .map_err(|error| values_kind(&error))?,
                Place::Lent(row) => match row.serialized(of) {
                    Some(Ok(values)) => subject.extend(values),
                    Some(Err(error)) => return Err(values_kind(error)),
                    None => return Err(given_up()),
                },
            }
        }
        let table_key = source.map_or(UNKNOWN, |source| hash(&source.key));
        Ok(Seal { key: self.key.clone(), subject, table_key })
    }

    /// Where the request's token says that it goes on; none at the first page.
    pub(crate) fn open(&self, seal: &Seal) -> Result<Option<PagingState>, ErrorKind> {
        let token = self.token.as_deref().filter(|token| !token.is_empty());
        token.map(|token| seal.open(token).ok_or(ErrorKind::PageToken)).transpose()
    }
}

/// A key, and what its tokens are of.
pub(crate) struct Seal {
    key: PageTokenKey,
    subject: Vec<u8>,
    /// Of the columns of the table's primary key, with their types: a place holds values of them. It is in the
    /// token and not in what authenticates it, since a session may not know its table.
    table_key: u64,
}

/// In place of the hash of a key.
const UNKNOWN: u64 = 0;

/// FNV-1a of 64 bits, which is the same in all processes.
fn hash(key: &str) -> u64 {
    if key.is_empty() {
        return UNKNOWN;
    }
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    key.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

impl Seal {
    fn open(&self, token: &str) -> Option<PagingState> {
        // It refuses what it would not have written itself.
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (head, sealed) = bytes.split_at_checked(1 + NONCE)?;
        let (&[version], nonce) = head.split_first_chunk()?;
        let nonce = XNonce::from(<[u8; NONCE]>::try_from(nonce).ok()?);
        let payload = Payload { msg: sealed, aad: &self.subject };
        let place = self.key.0.decrypt(&nonce, payload).ok()?;
        let (table_key, place) = place.split_first_chunk()?;
        let (skip, page) = place.split_first_chunk()?;
        let skip = usize::try_from(u32::from_be_bytes(*skip)).ok()?;
        let table_key = u64::from_be_bytes(*table_key);
        let is_of_table =
            [self.table_key, table_key].contains(&UNKNOWN) || table_key == self.table_key;
        (version == VERSION && is_of_table).then(|| PagingState::from_bytes(page).skipping(skip))
    }

    pub(crate) fn close(&self, page: &PagingState) -> Option<String> {
        let nonce = XNonce::try_generate().ok()?;
        let (table_key, skip) = (self.table_key.to_be_bytes(), page.rows_to_skip().to_be_bytes());
        let place = [&table_key[..], &skip, page.bytes()].concat();
        let payload = Payload { msg: &place, aad: &self.subject };
        let sealed = self.key.0.encrypt(&nonce, payload).ok()?;
        Some(URL_SAFE_NO_PAD.encode([&[VERSION], &nonce[..], &sealed].concat()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(text: &'static str) -> (Asked, Seal) {
        let asked = Asked { key: PageTokenKey::new([7; 32]), token: None };
        let seal = asked.seal(&Statement::new(text), None, None).unwrap();
        (asked, seal)
    }

    fn state() -> PagingState {
        PagingState::from_bytes(b"the key of the last row")
    }

    #[test]
    fn a_token_goes_through_a_url_and_shows_nothing() {
        let (_, seal) = seal("SELECT a FROM t");
        for length in 0..1_000 {
            let page = PagingState::from_bytes(&vec![7; length]);
            let token = seal.close(&page).unwrap();
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            assert!(token.chars().all(plain), "{token}");
            assert_eq!(token.len(), (53 + length).div_ceil(3) * 4 - (3 - (53 + length) % 3) % 3);
            assert!(seal.open(&token) == Some(page.clone()));
            let within = page.skipping(7);
            assert!(seal.open(&seal.close(&within).unwrap()) == Some(within));
        }
        let token = seal.close(&state()).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
        assert!(!bytes.windows(7).any(|window| b"the key of".starts_with(window)));
    }

    #[test]
    fn it_is_of_its_statement_and_its_key_only() {
        let (_, ours) = seal("SELECT a FROM t");
        let token = ours.close(&state()).unwrap();
        assert!(seal("SELECT a FROM t").1.open(&token) == Some(state()));
        assert!(seal("SELECT a FROM u").1.open(&token).is_none());
        let other = Seal { key: PageTokenKey::new([8; 32]), ..ours };
        assert!(other.open(&token).is_none());
    }

    #[test]
    fn it_is_of_a_table_with_the_same_key_as_far_as_that_is_known() {
        let of_key = |key: &str| Seal { table_key: hash(key), ..seal("SELECT a FROM t").1 };
        let token = of_key("k int,").close(&state()).unwrap();
        assert!(of_key("k int,").open(&token) == Some(state()));
        assert!(of_key("").open(&token) == Some(state()));
        assert!(of_key("k bigint,").open(&token).is_none());
        let of_unknown = of_key("").close(&state()).unwrap();
        assert!(of_key("k int,").open(&of_unknown) == Some(state()));
        // As published, so that other processes have it.
        assert_eq!(hash("a"), 0xaf63_dc4c_8601_ec8c);
    }

    #[test]
    fn altered_anywhere_and_cut_anywhere_it_is_refused() {
        let (_, seal) = seal("SELECT a FROM t");
        let token = seal.close(&state()).unwrap();
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= \u{e9}";
        for (place, old) in token.char_indices() {
            for new in alphabet.chars().filter(|new| *new != old) {
                let altered = format!("{}{new}{}", &token[..place], &token[place + 1..]);
                assert!(seal.open(&altered).is_none(), "{altered}");
            }
            assert!(seal.open(&token[..place]).is_none(), "cut at {place}");
        }
        for added in ["A", "=", "==", " ", "\n", "%3D"] {
            assert!(seal.open(&format!("{token}{added}")).is_none());
        }
        assert!(seal.open(&"A".repeat(100_000)).is_none());
    }

    #[test]
    fn a_key_is_read_from_hex_or_base64() {
        let secret = *b"0123456789~:;<=>?@JKLMNOZjklmnoz";
        let hex = "303132333435363738397e3a3b3c3d3e3f404a4b4c4d4e4f5a6a6b6c6d6e6f7a".to_owned();
        let base64 = STANDARD_NO_PAD.encode(secret);
        let text = "SELECT a FROM t";
        let sealed = |key| Seal { key, ..seal(text).1 };
        let token = sealed(PageTokenKey::new(secret)).close(&state()).unwrap();
        let forms = [
            hex.clone(),
            hex.to_uppercase(),
            format!(" {hex}\n"),
            base64.clone(),
            format!("{base64}="),
            URL_SAFE_NO_PAD.encode(secret),
        ];
        for form in forms {
            let key = PageTokenKey::from_text(&form).unwrap();
            assert!(sealed(key).open(&token) == Some(state()), "{form}");
        }
        let wrong = ["", "07", &hex[1..], &format!("{hex}07"), &"g".repeat(64), &base64[..42]];
        for wrong in wrong.into_iter().chain([&*"é".repeat(32), "a secret that is a password"]) {
            let refused = PageTokenKey::from_text(wrong).unwrap_err();
            assert_eq!(refused.setting, "page_token_key");
            assert!(wrong.is_empty() || !refused.why.contains(wrong), "{refused}");
        }
    }

    #[test]
    fn an_empty_token_is_the_first_page() {
        for token in [None, Some(String::new())] {
            let (asked, seal) = seal("SELECT a FROM t");
            let asked = Asked { token, ..asked };
            assert!(matches!(asked.open(&seal), Ok(None)));
        }
    }
}
