//! A cluster that somebody else runs, named by `CASSANDRA_NODES`.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::lookup_host;

use super::Cluster;
use super::driver::Driver;
use super::error::ClusterError;
use super::node::Node;

const VARIABLE: &str = "CASSANDRA_NODES";

/// The nodes that the environment names, if it names any.
pub(super) fn named() -> Result<Option<Vec<String>>, ClusterError> {
    match std::env::var(VARIABLE) {
        Ok(value) if value.trim().is_empty() => Ok(None),
        Ok(value) => parse(&value).map(Some),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(wrong("(not text)")),
    }
}

/// Resolves the names and checks that somebody answers.
pub(super) async fn connect(names: &[String]) -> Result<Cluster, ClusterError> {
    let mut addresses: Vec<SocketAddr> = Vec::with_capacity(names.len());
    for name in names {
        let found = lookup_host(name).await;
        let found = found.map_err(ClusterError::io(format!("resolving {name:?} of {VARIABLE}")))?;
        // The driver, and most servers, still prefer IPv4 where a name has both.
        let mut found: Vec<SocketAddr> = found.collect();
        found.sort_by_key(SocketAddr::is_ipv6);
        addresses.push(*found.first().ok_or_else(|| wrong(name))?);
    }
    let nodes = addresses.iter().enumerate().map(|(i, &a)| Node::external(i, a)).collect();
    let driver = Arc::new(Driver::new(addresses, None));
    driver.connect().await?;
    Ok(Cluster { nodes, driver, health: None })
}

fn parse(value: &str) -> Result<Vec<String>, ClusterError> {
    let parse_one = |name: &str| {
        let valid = name
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        if valid { Ok(name.to_owned()) } else { Err(wrong(name)) }
    };
    value.split(',').map(|name| parse_one(name.trim())).collect()
}

fn wrong(part: &str) -> ClusterError {
    ClusterError::InvalidConfig(format!(
        "{VARIABLE} has {part:?} where host:port is expected: write it like \
         CASSANDRA_NODES=10.0.0.1:9042,10.0.0.2:9042"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_host_and_port_with_commas_between() {
        let nodes = parse("localhost:9042, 10.0.0.2:9043,[::1]:9042").unwrap();
        assert_eq!(nodes, ["localhost:9042", "10.0.0.2:9043", "[::1]:9042"]);
    }

    #[test]
    fn what_is_no_node_is_named() {
        for wrong in ["localhost", "a:9042,,b:9042", ":9042", "a:port", "a:99999"] {
            let message = parse(wrong).unwrap_err().to_string();
            assert!(message.contains("CASSANDRA_NODES has"), "{message}");
        }
    }
}
