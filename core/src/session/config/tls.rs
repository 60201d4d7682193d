//! Encryption, and who the nodes are.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use scylla::client::session_builder::SessionBuilder as DriverBuilder;

use crate::invalid_config::InvalidConfig;

/// How connections are encrypted: TLS 1.3 or 1.2, by `rustls`. Certificates are always verified.
///
/// A node's certificate has to be valid for the **address** that the driver connects to: it needs an IP
/// address among its names (a SAN), or [`named`](Self::named).
///
/// ```no_run
/// use cqlstack_core::{Session, Tls};
///
/// # async fn run() -> Result<(), cqlstack_core::Error> {
/// let tls = Tls::with_ca_file("/etc/cassandra/ca.pem")
///     .client_certificate("/etc/app/client.pem", "/etc/app/client.key");
/// let session = Session::builder()
///     .contact_points(["cassandra-1:9042"])
///     .user("app", std::env::var("CASSANDRA_PASSWORD").unwrap_or_default())
///     .tls(tls)
///     .build()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(deny_unknown_fields))]
pub struct Tls {
    ca_file: PathBuf,
    #[cfg_attr(feature = "serde", serde(default))]
    client_certificate: Option<PathBuf>,
    #[cfg_attr(feature = "serde", serde(default))]
    client_key: Option<PathBuf>,
    #[cfg_attr(feature = "serde", serde(default))]
    name: Option<String>,
}

impl Tls {
    /// Trusts the certificates in this file (PEM) and those that they have signed, and no others. It is read
    /// when the session is built.
    #[must_use]
    pub fn with_ca_file(path: impl Into<PathBuf>) -> Self {
        Self { ca_file: path.into(), client_certificate: None, client_key: None, name: None }
    }

    /// Shows this certificate (PEM, with those that lead to a trusted one) to nodes that ask for one, and
    /// its key (PEM).
    #[must_use]
    pub fn client_certificate(
        mut self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        self.client_certificate = Some(certificate.into());
        self.client_key = Some(key.into());
        self
    }

    /// Expects certificates of this host name, instead of the address that is connected to: for nodes that
    /// share a name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    pub(in crate::session) fn encrypt(
        &self,
        builder: DriverBuilder,
    ) -> Result<DriverBuilder, InvalidConfig> {
        Ok(builder.tls_context(Some(self.context()?)))
    }

    fn context(&self) -> Result<Arc<ClientConfig>, InvalidConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let wrong = |why: &dyn fmt::Display| InvalidConfig::new("tls", why.to_string());
        let mut roots = RootCertStore::empty();
        for certificate in certificates("tls.ca_file", &self.ca_file)? {
            roots.add(certificate).map_err(|_| unusable("tls.ca_file", &self.ca_file))?;
        }
        let roots = Arc::new(roots);
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(&error))?;
        let config = match &self.name {
            None => config.with_root_certificates(roots),
            Some(name) => {
                let verifier = Named::new(name, roots, &provider)?;
                config.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
            }
        };
        let config = match (&self.client_certificate, &self.client_key) {
            (None, None) => config.with_no_client_auth(),
            (Some(_), None) => {
                return Err(InvalidConfig::new(
                    "tls.client_key",
                    "is missing, and there is a certificate",
                ));
            }
            (None, Some(_)) => {
                let why = "is missing, and there is a key";
                return Err(InvalidConfig::new("tls.client_certificate", why));
            }
            (Some(certificate), Some(key)) => {
                let chain = certificates("tls.client_certificate", certificate)?;
                let private = PrivateKeyDer::from_pem_file(key)
                    .map_err(|_| unusable("tls.client_key", key))?;
                config
                    .with_client_auth_cert(chain, private)
                    .map_err(|_| unusable("tls.client_key", key))?
            }
        };
        Ok(Arc::new(config))
    }
}

fn certificates(
    setting: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, InvalidConfig> {
    let unreadable = |error: std::io::Error| {
        InvalidConfig::new(setting, format!("names {}, which cannot be read: {error}", shown(path)))
    };
    let pem = std::fs::read(path).map_err(unreadable)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(unusable(setting, path)),
    }
}

fn unusable(setting: &'static str, path: &Path) -> InvalidConfig {
    let path = shown(path);
    InvalidConfig::new(
        setting,
        format!("names {path}, in which no usable PEM block of that kind is"),
    )
}

/// A path; but not what somebody gave in place of one, which may be the key itself.
fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    let is_path = text.len() < 1_000 && !text.contains("-----") && !text.contains(char::is_control);
    if is_path { format!("`{text}`") } else { "what is no path, and is not shown".to_owned() }
}

/// Shows no key that stands in place of a path.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let optional = |path: &Option<PathBuf>| path.as_deref().map(shown);
        f.debug_struct("Tls")
            .field("ca_file", &shown(&self.ca_file))
            .field("client_certificate", &optional(&self.client_certificate))
            .field("client_key", &optional(&self.client_key))
            .field("name", &self.name)
            .finish()
    }
}

/// Verifies all that is verified else, for a name that is given.
#[derive(Debug)]
struct Named {
    name: ServerName<'static>,
    inner: Arc<WebPkiServerVerifier>,
}

impl Named {
    fn new(
        name: &str,
        roots: Arc<RootCertStore>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, InvalidConfig> {
        let wrong = |why: String| InvalidConfig::new("tls.name", why);
        let server = ServerName::try_from(name.to_owned());
        let name = server.map_err(|_| wrong("is no host name and no address".to_owned()))?;
        let inner =
            WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider)).build();
        Ok(Self { name, inner: inner.map_err(|error| wrong(error.to_string()))? })
    }
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        _address: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.inner.verify_server_cert(certificate, chain, &self.name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
