//! What of the driver may be logged.

/// Keeps what the driver logs of values and texts out of a log: directives for `RUST_LOG`, and for `EnvFilter` or
/// `Targets` of `tracing-subscriber`. They go behind a program's own.
///
/// The events of these crates show no value at any level. Some of the driver's do:
///
/// | target | level | shows |
/// |---|---|---|
/// | `scylla::observability::driver_tracing` | `TRACE` | partition keys, texts of statements |
/// | `scylla::client::execution` | `TRACE` | what the server says of an error |
/// | `scylla::network::connection` | `WARN` | what the server warns of, with the query |
/// | `scylla::client::session` | `ERROR` | the text of a statement that nodes prepare differently |
///
/// The directives leave out what is below `INFO`, and all of the last two targets.
/// [`Response::warnings`](crate::Response::warnings) has the server's warnings, and errors tell of connections.
///
/// ```
/// use cqlstack_core::DRIVER_LOGS;
/// use tracing_subscriber::filter::Targets;
///
/// let filter: Targets = format!("info,app=debug,{DRIVER_LOGS}").parse().unwrap();
/// assert!(!filter.would_enable("scylla::network::connection", &tracing::Level::ERROR));
/// assert!(filter.would_enable("scylla::network::connection_pool", &tracing::Level::WARN));
/// ```
pub const DRIVER_LOGS: &str = "scylla=info,\
    scylla::client::session=off,scylla::client::session_builder=info,\
    scylla::network::connection=off,scylla::network::connection_pool=info";
