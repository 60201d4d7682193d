//! Who logs in, and to whom a password is given.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use scylla::authentication::{AuthError, AuthenticatorProvider, AuthenticatorSession};
use zeroize::Zeroizing;

use crate::invalid_config::InvalidConfig;

/// A password. It has no `Debug`, and is wiped from memory when it is dropped; what the driver sends is a
/// copy.
///
/// With the feature `serde` it is read from text, and from nothing else: what is taken for a number would lose
/// its zeros. The environment's `PASSWORD='"0123"'` is text for crates that take digits for a number. The error
/// never shows it; a format's own error may: [`SessionConfig`](crate::SessionConfig#secrets).
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "so that nothing ever prints it")]
pub struct Password(Zeroizing<String>);

impl From<String> for Password {
    fn from(password: String) -> Self {
        Self(Zeroizing::new(password))
    }
}

impl From<&str> for Password {
    fn from(password: &str) -> Self {
        password.to_owned().into()
    }
}

impl Password {
    #[cfg(all(feature = "page-token", feature = "serde"))]
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

/// A name and a password.
#[derive(Clone)]
pub struct Credentials {
    pub(in crate::session) user: String,
    password: Password,
}

impl Credentials {
    /// A name and a password.
    #[must_use]
    pub fn new(user: impl Into<String>, password: impl Into<Password>) -> Self {
        Self { user: user.into(), password: password.into() }
    }

    /// The setting that no server takes, and why. A NUL would end the name or the password for it.
    pub(in crate::session) fn fault(&self) -> Option<InvalidConfig> {
        let parts = [("user", &*self.user), ("password", &*self.password.0)];
        parts.into_iter().find_map(|(setting, text)| {
            if text.is_empty() {
                return Some(InvalidConfig::new(setting, "is empty, which no server takes"));
            }
            let nul = "holds a NUL character, which no server takes";
            text.contains('\0').then(|| InvalidConfig::new(setting, nul))
        })
    }
}

/// Shows the name only.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

type BoxError = Box<dyn StdError + Send + Sync>;

/// Where the credentials come from.
#[derive(Clone)]
pub(in crate::session) struct Source(Arc<dyn Fn() -> Result<Credentials, BoxError> + Send + Sync>);

impl Source {
    pub(in crate::session) fn new(
        provider: impl Fn() -> Result<Credentials, BoxError> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(provider))
    }

    pub(in crate::session) fn fixed(credentials: Credentials) -> Self {
        Self::new(move || Ok(credentials.clone()))
    }
}

/// Those that want name and password, in the plain form in which they are given.
const KNOWN: [&str; 8] = [
    "org.apache.cassandra.auth.PasswordAuthenticator",
    "org.apache.cassandra.auth.MutualTlsWithPasswordFallbackAuthenticator",
    "com.scylladb.auth.TransitionalAuthenticator",
    "com.scylladb.auth.SaslauthdAuthenticator",
    "com.datastax.bdp.cassandra.auth.DseAuthenticator",
    "com.datastax.bdp.cassandra.auth.PasswordAuthenticator",
    "com.amazon.helenus.auth.HelenusAuthenticator",
    "com.ericsson.bss.cassandra.ecaudit.auth.AuditAuthenticator",
];

/// Begins the driver's word for what the provider failed with.
pub(in crate::session) const NO_CREDENTIALS: &str = "no credentials";

/// Answers a node that asks who is there. The driver's own answers whoever asks, by whatever name.
pub(in crate::session) struct Authenticator {
    pub(in crate::session) source: Source,
    /// More authenticators that are given a password.
    pub(in crate::session) allowed: Vec<String>,
}

#[async_trait]
impl AuthenticatorProvider for Authenticator {
    async fn start_authentication_session(
        &self,
        name: &str,
    ) -> Result<(Option<Vec<u8>>, Box<dyn AuthenticatorSession>), AuthError> {
        if !KNOWN.contains(&name) && !self.allowed.iter().any(|allowed| allowed == name) {
            return Err(name.to_owned());
        }
        let given = (self.source.0)().map_err(|_| NO_CREDENTIALS.to_owned())?;
        if given.fault().is_some() {
            return Err(NO_CREDENTIALS.to_owned());
        }
        let answer = ["\0", &given.user, "\0", &given.password.0].concat();
        Ok((Some(answer.into_bytes()), Box::new(Plain)))
    }
}

struct Plain;

#[async_trait]
impl AuthenticatorSession for Plain {
    async fn evaluate_challenge(
        &mut self,
        _token: Option<&[u8]>,
    ) -> Result<Option<Vec<u8>>, AuthError> {
        Err("a challenge, where a password is all that there is".to_owned())
    }

    async fn success(&mut self, _token: Option<&[u8]>) -> Result<(), AuthError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn answer(authenticator: &Authenticator, name: &str) -> Result<Vec<u8>, AuthError> {
        let started = authenticator.start_authentication_session(name);
        let (answer, _) = started.now_or_never().unwrap()?;
        Ok(answer.unwrap())
    }

    #[test]
    fn a_password_is_given_to_those_that_are_known_only() {
        let source = Source::fixed(Credentials::new("ada", "hush"));
        let strict = Authenticator { source: source.clone(), allowed: Vec::new() };
        assert_eq!(answer(&strict, KNOWN[0]).unwrap(), b"\0ada\0hush");
        let refused = answer(&strict, "EvilAuthenticator").unwrap_err();
        assert_eq!(refused, "EvilAuthenticator");
        let allowed = Authenticator { source, allowed: vec!["EvilAuthenticator".to_owned()] };
        assert!(answer(&allowed, "EvilAuthenticator").is_ok());
    }

    #[test]
    fn each_connection_asks_its_provider_anew() {
        let counter = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let source = Source::new(move || {
            let password = counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if password == 2 {
                Err("hush")
            } else {
                Ok(Credentials::new("ada", password.to_string()))
            }
            .map_err(Into::into)
        });
        let authenticator = Authenticator { source, allowed: Vec::new() };
        assert_eq!(answer(&authenticator, KNOWN[0]).unwrap(), b"\0ada\x000");
        assert_eq!(answer(&authenticator, KNOWN[0]).unwrap(), b"\0ada\x001");
        assert_eq!(answer(&authenticator, KNOWN[0]).unwrap_err(), NO_CREDENTIALS);
    }

    #[test]
    fn debug_shows_no_password() {
        let shown = format!("{:?}", Credentials::new("ada", "hush"));
        assert!(shown.contains("ada") && !shown.contains("hush"));
    }
}
