//! Why there is no exporter.

use std::io;
use std::net::SocketAddr;

/// Why the exporter could not be installed, or does not serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExporterError {
    /// One process has one recorder.
    #[error(
        "the process has a metrics recorder already, of another exporter or of the program itself: \
         use that one, with a `Publisher` for the stats of the layers"
    )]
    RecorderInstalled,
    /// Its timer needs a runtime.
    #[error("there is no tokio runtime here: install the exporter from within one")]
    NoRuntime,
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}; choose another port, or 0 for a free one")]
    Bind {
        /// Which address.
        address: SocketAddr,
        /// What the system said: `Display` shows it, so that it is no source.
        error: io::Error,
    },
}
