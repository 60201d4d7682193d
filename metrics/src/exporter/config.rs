//! Where the endpoint is, as plain data.

use std::net::{Ipv4Addr, SocketAddr};

/// Every setting of the endpoint, as plain data. With the feature `serde` it is read from files and from the
/// environment, as a session's are.
///
/// ```no_run
/// use cqlstack_metrics::{ExporterConfig, PrometheusExporter};
///
/// # async fn run(config: ExporterConfig) -> Result<(), cqlstack_metrics::ExporterError> {
/// let server = PrometheusExporter::install()?.serve_at(config.address).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct ExporterConfig {
    /// IP address and port; port 0 takes a free one. 127.0.0.1:9187 unless it is set: whoever can reach another
    /// address can read the metrics.
    pub address: SocketAddr,
}

impl Default for ExporterConfig {
    fn default() -> Self {
        Self { address: SocketAddr::from((Ipv4Addr::LOCALHOST, 9_187)) }
    }
}
