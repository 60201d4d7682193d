//! Why no encrypted connection came to be.

use std::fmt;

use scylla::errors::ConnectionError;

/// Why no encrypted connection came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsFault {
    /// The node's certificate has expired, or is not valid yet.
    Expired,
    /// The node's certificate is of another name or address.
    OtherName,
    /// No trusted certificate has signed the node's: it may have signed itself.
    UnknownIssuer,
    /// The node's certificate is wrong in another way.
    Certificate,
    /// The node does not speak TLS.
    NotTls,
    /// The node refused our certificate, or wants one.
    ClientCertificate,
    /// Both sides have nothing in common, or the connection ended among their handshake.
    Handshake,
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "the certificate of the node has expired, or is not valid yet",
            Self::OtherName => "the certificate of the node is of another name or address",
            Self::UnknownIssuer => "no trusted certificate has signed that of the node",
            Self::Certificate => "the certificate of the node is not usable",
            Self::NotTls => "the node does not speak TLS",
            Self::ClientCertificate => {
                "the node refused the client's certificate, or there is none"
            }
            Self::Handshake => "the handshake of TLS failed",
        })
    }
}

impl TlsFault {
    /// All of them.
    #[cfg(feature = "testing")]
    pub(crate) const ALL: [Self; 7] = [
        Self::Expired,
        Self::OtherName,
        Self::UnknownIssuer,
        Self::Certificate,
        Self::NotTls,
        Self::ClientCertificate,
        Self::Handshake,
    ];

    pub(super) const fn advice(self) -> &'static str {
        match self {
            Self::Expired => "renew it, and check the clocks",
            Self::OtherName => {
                "make one with the node's IP address among its names, or set the name by `Tls::named`"
            }
            Self::UnknownIssuer => "give the right CA file to `Tls::with_ca_file`",
            Self::Certificate => "look at it with `openssl x509 -text`",
            Self::NotTls => "enable `client_encryption_options` there, or leave out `tls`",
            Self::ClientCertificate => "set `Tls::client_certificate` to one that the node trusts",
            Self::Handshake => "check protocol versions and ciphers of the node",
        }
    }
}

/// There is none.
#[cfg(not(feature = "tls"))]
pub(crate) const fn tls_fault(_: &ConnectionError) -> Option<TlsFault> {
    None
}

/// What TLS has to say of a connection that did not come to be.
#[cfg(feature = "tls")]
pub(crate) fn tls_fault(error: &ConnectionError) -> Option<TlsFault> {
    use scylla::errors::{
        BrokenConnectionErrorKind as Broken, ConnectionSetupRequestErrorKind as Setup,
        FrameHeaderParseError,
    };

    let broken = match error {
        // It stands for the error in it, which would be passed over.
        ConnectionError::IoError(error) => return beneath(error),
        ConnectionError::BrokenConnection(broken) => broken,
        ConnectionError::ConnectionSetupRequestError(setup) => match &setup.error {
            Setup::BrokenConnection(broken) => broken,
            _ => return None,
        },
        _ => return None,
    };
    let fault = match broken.downcast_ref()? {
        Broken::FrameHeaderParseError(FrameHeaderParseError::HeaderIoError(error))
        | Broken::WriteError(error) => beneath(error)?,
        _ => return None,
    };
    // In TLS 1.3 the client is done before the node has seen its certificate: what comes after that, whatever
    // the node calls it, is about the certificate.
    Some(if fault == TlsFault::Handshake { TlsFault::ClientCertificate } else { fault })
}

/// What `rustls` reported.
#[cfg(feature = "tls")]
fn beneath(error: &std::io::Error) -> Option<TlsFault> {
    error.get_ref()?.downcast_ref().map(fault)
}

#[cfg(feature = "tls")]
fn fault(error: &rustls::Error) -> TlsFault {
    use rustls::{AlertDescription as Alert, CertificateError, Error};

    match error {
        Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => TlsFault::Expired,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                TlsFault::OtherName
            }
            // Signed by one that has the name of a trusted one.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                TlsFault::UnknownIssuer
            }
            _ => TlsFault::Certificate,
        },
        Error::InvalidMessage(_) => TlsFault::NotTls,
        Error::AlertReceived(
            Alert::CertificateRequired
            | Alert::BadCertificate
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied,
        ) => TlsFault::ClientCertificate,
        _ => TlsFault::Handshake,
    }
}
