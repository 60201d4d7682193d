//! Settings that cannot be are refused before any connection is opened.

use std::time::Duration;

use crate::batch::BatchLimits;
use crate::invalid_config::InvalidConfig;
use crate::profile::Profile;
use crate::request::PAGE_SIZES;
use crate::session::config::SessionConfig;
use crate::session::config::contact_point::ContactPoint;
use crate::session::config::credentials::{Credentials, Source};

/// Each costs both sides a socket, and carries 32,768 requests at a time.
const MOST_CONNECTIONS: usize = 256;
/// What is asked more often than that is a mistake in the unit.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);
/// Of the server's limits, in bytes.
const MOST_BYTES: usize = i32::MAX.unsigned_abs() as usize;
/// The protocol has 16 bits for the statements of a batch.
const MOST_TEXTS: usize = u16::MAX as usize;

impl SessionConfig {
    /// Who logs in, if anybody.
    pub(in crate::session) fn source(&self) -> Result<Option<Source>, InvalidConfig> {
        if let Some(provider) = &self.provider {
            return Ok(Some(provider.clone()));
        }
        match (&self.user, &self.password) {
            (Some(user), Some(password)) => {
                let credentials = Credentials::new(user, password.clone());
                match credentials.fault() {
                    Some(fault) => Err(fault),
                    None => Ok(Some(Source::fixed(credentials))),
                }
            }
            (None, None) => Ok(None),
            (Some(_), None) => {
                Err(InvalidConfig::new("password", "is missing, and a user is named"))
            }
            (None, Some(_)) => {
                Err(InvalidConfig::new("user", "is missing, and there is a password"))
            }
        }
    }

    /// The contact points, if no setting is wrong.
    pub(in crate::session) fn validate(&self) -> Result<Vec<ContactPoint>, InvalidConfig> {
        let points = ContactPoint::parse_all(&self.contact_points)?;
        self.check_times()?;
        self.check_numbers()?;
        self.check_names()?;
        let mut translated = self.address_translation.values();
        let outside = points
            .iter()
            .find(|point| !point.is_trusted(&self.is_trusted))
            .map(ToString::to_string);
        let translated = translated.find(|address| !(self.is_trusted)(address.ip()));
        let outside = outside.or_else(|| translated.map(ToString::to_string));
        if let (true, Some(point)) = (self.is_plaintext(), outside) {
            let why = format!(
                "would send the password to `{point}` as it is: set `tls`, or \
                 `allow_unencrypted_password` if the network is trusted"
            );
            return Err(InvalidConfig::new("user", why));
        }
        Ok(points)
    }

    /// Whether a password is sent as it is, which it may be to this machine only.
    pub(in crate::session) fn is_plaintext(&self) -> bool {
        let logs_in = self.provider.is_some() || self.password.is_some();
        logs_in && self.tls.is_none() && !self.allow_unencrypted_password
    }

    fn check_times(&self) -> Result<(), InvalidConfig> {
        for (setting, time) in [
            ("keepalive_timeout", self.keepalive_timeout),
            ("connect_timeout", self.connect_timeout),
            ("build_timeout", self.build_timeout),
            ("prepare_timeout", self.prepare_timeout),
            ("attempt_timeout", self.attempt_timeout),
            ("schema_timeout", self.schema_timeout),
            ("schema_agreement_timeout", self.schema_agreement_timeout),
            ("schema_stale_after", self.schema_stale_after),
            ("clock_warning", self.clock_warning),
        ] {
            InvalidConfig::check(setting, time, InvalidConfig::TIMES)?;
        }
        for (setting, interval) in [
            ("keepalive_interval", self.keepalive_interval),
            ("schema_refresh", self.schema_refresh),
        ] {
            let bounds = SHORTEST_INTERVAL..=*InvalidConfig::TIMES.end();
            InvalidConfig::check(setting, interval, bounds)?;
        }
        for (name, profile) in &self.profiles {
            if let Some(time) = profile.attempt_timeout {
                let setting = format!("profiles.{name}.attempt_timeout");
                InvalidConfig::check(setting, time, InvalidConfig::TIMES)?;
            }
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), InvalidConfig> {
        if self.protocol_version != 4 {
            let why = "must be 4, the one that the driver speaks, with all servers: leave it out";
            return Err(InvalidConfig::new("protocol_version", why));
        }
        let connections = self.connections_per_node.get();
        InvalidConfig::check("connections_per_node", connections, 1..=MOST_CONNECTIONS)?;
        InvalidConfig::check("page_size", self.page_size, PAGE_SIZES)?;
        let BatchLimits { warn, refuse, texts, mutation } = self.batch_limits;
        InvalidConfig::check("batch_limits.warn", warn, 0..=MOST_BYTES)?;
        InvalidConfig::check("batch_limits.refuse", refuse, 1..=MOST_BYTES)?;
        InvalidConfig::check("batch_limits.texts", texts, 1..=MOST_TEXTS)?;
        InvalidConfig::check("batch_limits.mutation", mutation, 1..=MOST_BYTES)?;
        for (name, Profile { page_size, paging, .. }) in &self.profiles {
            if let Some(rows) = *page_size {
                let setting = format!("profiles.{name}.page_size");
                if *paging == Some(false) {
                    return Err(InvalidConfig::new(
                        setting,
                        "goes with pages: leave out `paging = false`",
                    ));
                }
                InvalidConfig::check(setting, rows, PAGE_SIZES)?;
            }
        }
        Ok(())
    }

    fn check_names(&self) -> Result<(), InvalidConfig> {
        self.source()?;
        if let Some(keyspace) = &self.keyspace {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if keyspace.is_empty() || keyspace.len() > 48 || !keyspace.chars().all(plain) {
                let why = "must be 1 to 48 letters, digits and underscores";
                return Err(InvalidConfig::new("keyspace", why));
            }
        }
        if self.allow_authenticators.iter().any(|name| name.trim().is_empty()) {
            let why = "has an empty name: give that of a class, as the server does";
            return Err(InvalidConfig::new("allow_authenticators", why));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> SessionConfig {
        SessionConfig {
            contact_points: vec!["127.0.0.1:9042".to_owned()],
            ..SessionConfig::default()
        }
    }

    fn refused(config: &SessionConfig) -> String {
        config.validate().unwrap_err().setting.into_owned()
    }

    #[test]
    fn the_defaults_with_a_contact_point_are_valid() {
        assert!(local().validate().is_ok());
    }

    #[test]
    fn every_impossible_setting_is_refused_by_name() {
        assert_eq!(refused(&SessionConfig::default()), "contact_points");
        let blank = vec![" ".to_owned()];
        assert_eq!(refused(&SessionConfig { contact_points: blank, ..local() }), "contact_points");
        let zero = Duration::ZERO;
        assert_eq!(refused(&SessionConfig { attempt_timeout: zero, ..local() }), "attempt_timeout");
        assert_eq!(refused(&SessionConfig { build_timeout: zero, ..local() }), "build_timeout");
        assert_eq!(refused(&SessionConfig { page_size: 0, ..local() }), "page_size");
        for (setting, batch_limits) in [
            ("batch_limits.refuse", BatchLimits { refuse: 0, ..BatchLimits::CASSANDRA }),
            ("batch_limits.texts", BatchLimits { texts: 0, ..BatchLimits::CASSANDRA }),
        ] {
            assert_eq!(refused(&SessionConfig { batch_limits, ..local() }), setting);
        }
        let keyspace = Some("app; DROP".to_owned());
        assert_eq!(refused(&SessionConfig { keyspace, ..local() }), "keyspace");
    }

    #[test]
    fn a_password_leaves_the_machine_encrypted_or_by_name() {
        let (user, password) = (Some("ada".to_owned()), Some("hush".into()));
        let remote = vec!["127.0.0.1:9042".to_owned(), "cassandra-1:9042".to_owned()];
        let remote =
            SessionConfig { user, password, contact_points: remote, ..SessionConfig::default() };
        let refused = remote.validate().unwrap_err();
        assert!(
            refused.setting == "user" && refused.why.contains("`cassandra-1:9042`"),
            "{refused}"
        );
        assert!(!format!("{refused} {remote:?}").contains("hush"));
        let allowed = SessionConfig { allow_unencrypted_password: true, ..remote.clone() };
        assert!(allowed.validate().is_ok());
        let local = SessionConfig { contact_points: local().contact_points, ..remote };
        assert!(local.validate().is_ok());
    }
}
