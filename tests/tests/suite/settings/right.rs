//! A setting means the same in a file, in the environment and in code.

use std::fmt::Debug;
use std::time::Duration;

use cqlstack_core::{
    Compression, Consistency, Profile, SerialConsistency, SessionConfig, Timestamps,
};
use cqlstack_metrics::{ExporterConfig, MetricsConfig};
use cqlstack_middleware::adaptive::AdaptiveLimitConfig;
use cqlstack_middleware::cache::CacheConfig;
use cqlstack_middleware::limit::LimitConfig;
use cqlstack_middleware::retry::{Jitter, RetryConfig};
use figment::Figment;
use figment::providers::{Env, Format, Json, Toml, Yaml};
use serde::de::DeserializeOwned;

/// What is read from a TOML file, and the same from YAML, JSON and the environment; with how many there were.
#[expect(clippy::result_large_err, reason = "it is figment's")]
fn all_ways<T: DeserializeOwned>(setting: &str, toml: &str, environment: &str) -> [T; 4] {
    let (table, field) = setting.rsplit_once('.').unwrap_or(("", setting));
    let header = if table.is_empty() { String::new() } else { format!("[{table}]\n") };
    let file = Figment::from(Toml::string(&format!("{header}{field} = {toml}")));
    let value: serde_json::Value = file.extract().unwrap();
    let json = Figment::from(Json::string(&value.to_string()));
    // Any JSON is YAML.
    let yaml = Figment::from(Yaml::string(&value.to_string()));
    let read = |from: &Figment| from.extract::<T>().unwrap_or_else(|error| panic!("{error}"));
    let mut from_environment = None;
    figment::Jail::expect_with(|jail| {
        let variable = format!("APP_RIGHT_{}", setting.replace('.', "__").to_uppercase());
        jail.set_env(variable, environment);
        from_environment = Some(read(&Figment::from(Env::prefixed("APP_RIGHT_").split("__"))));
        Ok(())
    });
    [read(&file), read(&json), read(&yaml), from_environment.unwrap()]
}

fn same(setting: &str, read: [&dyn Debug; 4], code: &dyn Debug) {
    for read in read {
        assert_eq!(format!("{read:?}"), format!("{code:?}"), "{setting}");
    }
}

/// Counts what is compared: each line is a field, its text in TOML and in the environment, and its value.
macro_rules! same {
    ($count:ident, $config:ty: $($($field:ident).+ = $toml:literal, $environment:literal, $code:expr;)+) => {$({
        let setting = stringify!($($field).+).replace(' ', "");
        let mut code = <$config>::default();
        code.$($field).+ = $code;
        let [toml, json, yaml, environment] = all_ways::<$config>(&setting, $toml, $environment);
        let read: [&dyn Debug; 4] =
            [&toml.$($field).+, &json.$($field).+, &yaml.$($field).+, &environment.$($field).+];
        same(&setting, read, &code.$($field).+);
        $count += 1;
    })+};
}

const SECOND: Duration = Duration::from_secs(1);

fn list(items: &[&str]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

#[test]
fn in_a_file_in_the_environment_and_in_code() {
    let mut count = 0;
    same! { count, SessionConfig:
        contact_points = "[\"a:1\", \"b\"]", "a:1,b", list(&["a:1", "b"]);
        contact_points = "\"a:1,b\"", "[a:1, b]", list(&["a:1", "b"]);
        contact_points = "[\"[::1]:1\"]", "\"[::1]:1\"", list(&["[::1]:1"]);
        contact_points = "[\"10.0.0.1\"]", "10.0.0.1", list(&["10.0.0.1"]);
        address_translation = "{\"10.0.0.1\" = \"127.0.0.1:1\"}", "10.0.0.1=127.0.0.1:1",
            [("10.0.0.1".parse().unwrap(), "127.0.0.1:1".parse().unwrap())].into();
        address_translation = "\"10.0.0.1:9042=127.0.0.1:1, 10.0.0.2=[::1]:2\"",
            "10.0.0.1:9042 = 127.0.0.1:1,10.0.0.2=[::1]:2",
            [("10.0.0.1:9042".parse().unwrap(), "127.0.0.1:1".parse().unwrap()),
             ("10.0.0.2".parse().unwrap(), "[::1]:2".parse().unwrap())].into();
        address_translation = "{\"92e1b2a0-3e5c-4b6b-9f2e-2f9d7c0a1b2c\" = \"127.0.0.1:1\"}",
            "92e1b2a0-3e5c-4b6b-9f2e-2f9d7c0a1b2c=127.0.0.1:1",
            [("92e1b2a0-3e5c-4b6b-9f2e-2f9d7c0a1b2c".parse().unwrap(), "127.0.0.1:1".parse().unwrap())].into();
        local_datacenter = "\"dc1\"", "dc1", Some("dc1".to_owned());
        keyspace = "\"app\"", "app", Some("app".to_owned());
        user = "\"ada\"", "ada", Some("ada".to_owned());
        allow_authenticators = "[\"a.B\", \"c.D\"]", "a.B,c.D", list(&["a.B", "c.D"]);
        allow_unencrypted_password = "true", "true", true;
        compression = "\"lz4\"", "lz4", Some(Compression::Lz4);
        compression = "\"snappy\"", "snappy", Some(Compression::Snappy);
        connections_per_node = "1", "1", 1.try_into().unwrap();
        connections_per_node = "256", "256", 256.try_into().unwrap();
        keepalive_interval = "\"10ms\"", "10ms", SECOND / 100;
        keepalive_timeout = "\"1ms\"", "1ms", SECOND / 1_000;
        connect_timeout = "\"1s\"", "1s", SECOND;
        connect_timeout = "\"1s 500ms\"", "1s 500ms", SECOND * 3 / 2;
        build_timeout = "\"1m 30s\"", "1m30s", SECOND * 90;
        prepare_timeout = "\"2h\"", "2h", SECOND * 7_200;
        attempt_timeout = "\"1day\"", "24h", SECOND * 86_400;
        attempt_timeout = "\"250ms\"", "250ms", SECOND / 4;
        schema_timeout = "\"1m\"", "60s", SECOND * 60;
        schema_agreement_timeout = "\"5s\"", "5000ms", SECOND * 5;
        schema_refresh = "\"30s\"", "30s", SECOND * 30;
        schema_stale_after = "\"90s\"", "1m 30s", SECOND * 90;
        clock_warning = "\"50000us\"", "50ms", SECOND / 20;
        replica_cache = "false", "false", false;
        page_size = "1", "1", 1;
        page_size = "2147483647", "2147483647", 2_147_483_647;
        consistency = "\"LOCAL_ONE\"", "local_one", Consistency::LocalOne;
        consistency = "\"EACH_QUORUM\"", "EACH_QUORUM", Consistency::EachQuorum;
        serial_consistency = "\"SERIAL\"", "serial", SerialConsistency::Serial;
        timestamps = "\"server\"", "server", Timestamps::Server;
        timestamps = "\"client\"", "client", Timestamps::Client;
        protocol_version = "4", "4", 4;
        batch_limits.warn = "0", "0", 0;
        batch_limits.refuse = "102400", "102400", 102_400;
        batch_limits.texts = "65535", "65535", 65_535;
        batch_limits.mutation = "2147483647", "2147483647", 2_147_483_647;
    }
    same! { count, LimitConfig:
        limit = "1", "1", 1;
        limit = "200", "200", 200;
        queue = "1000", "1000", Some(1_000);
        longest_wait = "\"1s\"", "1s", Some(SECOND);
        reject = "true", "true", true;
    }
    same! { count, AdaptiveLimitConfig:
        minimum = "2", "2", 2;
        maximum = "500", "500", 500;
        initial = "50", "50", 50;
        queue = "1000", "1000", Some(1_000);
        longest_wait = "\"1s\"", "1s", Some(SECOND);
        reject = "true", "true", true;
    }
    same! { count, RetryConfig:
        attempts = "1", "1", 1;
        attempts = "1000", "1000", 1_000;
        min_delay = "\"0s\"", "0s", Duration::ZERO;
        min_delay = "\"25ms\"", "25ms", SECOND / 40;
        multiplier = "1.0", "1", 1.0;
        multiplier = "1.5", "1.5", 1.5;
        multiplier = "2", "2.0", 2.0;
        max_delay = "\"1day\"", "24h", SECOND * 86_400;
        jitter = "\"full\"", "full", Jitter::Full;
        jitter = "\"none\"", "none", Jitter::None;
        max_elapsed = "\"30s\"", "30s", SECOND * 30;
        without_max_elapsed = "true", "true", true;
    }
    same! { count, CacheConfig:
        statements = "1", "1", 1;
        statements = "1000000", "1000000", 1_000_000;
    }
    same! { count, MetricsConfig:
        names = "1", "1", 1;
        names = "100000", "100000", 100_000;
        slow_threshold = "\"500ms\"", "500ms", Some(SECOND / 2);
        slow_interval = "\"0s\"", "0s", Duration::ZERO;
    }
    same! { count, ExporterConfig:
        address = "\"127.0.0.1:0\"", "127.0.0.1:0", "127.0.0.1:0".parse().unwrap();
        address = "\"[::1]:9187\"", "\"[::1]:9187\"", "[::1]:9187".parse().unwrap();
    }
    println!("{count} values mean the same");
    assert!(count >= 60);
}

#[test]
fn what_may_be_left_out_may_be_said_to_be_none() {
    let none = r#"{"slow_threshold": null}"#;
    assert_eq!(serde_json::from_str::<MetricsConfig>(none).unwrap(), MetricsConfig::default());
    let none = r#"{"queue": null, "longest_wait": null}"#;
    assert_eq!(serde_json::from_str::<LimitConfig>(none).unwrap(), LimitConfig::default());
    let none = r#"{"consistency": null, "serial_consistency": null, "attempt_timeout": null}"#;
    assert_eq!(serde_json::from_str::<Profile>(none).unwrap(), Profile::default());
}
