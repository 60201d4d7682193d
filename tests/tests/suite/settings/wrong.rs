//! Every setting with values that cannot be: each is refused by name, before anything is sent.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use cqlstack_core::{
    BatchLimits, ErrorKind, InvalidConfig, NodeKey, PageTokenKey, Profile, Session, SessionBuilder,
    SessionConfig,
};
use cqlstack_metrics::{ExporterConfig, MetricsConfig, MetricsLayer, SlowRequests};
use cqlstack_middleware::adaptive::AdaptiveLimitConfig;
use cqlstack_middleware::cache::CacheConfig;
use cqlstack_middleware::limit::LimitConfig;
use cqlstack_middleware::retry::RetryConfig;
use cqlstack_middleware::{
    AdaptiveLimitLayer, ConcurrencyLimitLayer, RetryLayer, StatementCacheLayer,
};
use figment::Figment;
use figment::providers::{Env, Format, Toml};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

/// Refuses at once or not at all: nothing here leads to a node.
async fn refused(builder: SessionBuilder) -> InvalidConfig {
    let error = timeout(Duration::from_secs(1), builder.build()).await.unwrap().unwrap_err();
    let ErrorKind::InvalidConfig(refused) = error.kind() else { panic!("{error}") };
    refused.clone()
}

/// One change of the settings of a session that would be right.
type Change = Box<dyn Fn(&mut SessionConfig)>;

fn change(change: impl Fn(&mut SessionConfig) + 'static) -> Change {
    Box::new(change)
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const NANOSECOND: Duration = Duration::from_nanos(1);

fn times() -> Vec<(&'static str, Change)> {
    type Field = fn(&mut SessionConfig) -> &mut Duration;
    let fields: [(&str, Field); 11] = [
        ("keepalive_interval", |it| &mut it.keepalive_interval),
        ("keepalive_timeout", |it| &mut it.keepalive_timeout),
        ("connect_timeout", |it| &mut it.connect_timeout),
        ("build_timeout", |it| &mut it.build_timeout),
        ("prepare_timeout", |it| &mut it.prepare_timeout),
        ("attempt_timeout", |it| &mut it.attempt_timeout),
        ("schema_timeout", |it| &mut it.schema_timeout),
        ("schema_agreement_timeout", |it| &mut it.schema_agreement_timeout),
        ("schema_refresh", |it| &mut it.schema_refresh),
        ("schema_stale_after", |it| &mut it.schema_stale_after),
        ("clock_warning", |it| &mut it.clock_warning),
    ];
    let wrong = [Duration::ZERO, NANOSECOND, DAY + NANOSECOND, Duration::MAX];
    let mut all = Vec::new();
    for (setting, field) in fields {
        all.extend(wrong.map(|time| (setting, change(move |it| *field(it) = time))));
    }
    for (setting, field) in [fields[0], fields[8]] {
        let short = Duration::from_millis(9);
        all.push((setting, change(move |it| *field(it) = short)));
    }
    for time in wrong {
        let profile = profile(|it| it.attempt_timeout = Some(time));
        let add = move |it: &mut SessionConfig| it.profiles.extend([("fast".into(), profile)]);
        all.push(("profiles.fast.attempt_timeout", change(add)));
    }
    all
}

fn profile(change: impl Fn(&mut Profile)) -> Profile {
    let mut profile = Profile::default();
    change(&mut profile);
    profile
}

type OfBatch = fn(&mut BatchLimits) -> &mut usize;

fn numbers() -> Vec<(&'static str, Change)> {
    let mut all = Vec::new();
    for connections in [257, 2_000, isize::MAX.unsigned_abs(), usize::MAX] {
        let connections = NonZeroUsize::new(connections).unwrap();
        let set = move |it: &mut SessionConfig| it.connections_per_node = connections;
        all.push(("connections_per_node", change(set)));
    }
    for rows in [0, 1 << 31, u32::MAX] {
        all.push(("page_size", change(move |it| it.page_size = rows)));
        let profile = profile(|it| it.page_size = Some(rows));
        let add = move |it: &mut SessionConfig| it.profiles.extend([("fast".into(), profile)]);
        all.push(("profiles.fast.page_size", change(add)));
    }
    for version in [0, 3, 5, u8::MAX] {
        all.push(("protocol_version", change(move |it| it.protocol_version = version)));
    }
    let fields: [(&str, OfBatch); 3] = [
        ("batch_limits.refuse", |it| &mut it.refuse),
        ("batch_limits.texts", |it| &mut it.texts),
        ("batch_limits.mutation", |it| &mut it.mutation),
    ];
    for (setting, field) in fields {
        for number in [0, 1 << 31, usize::MAX] {
            let set = move |it: &mut SessionConfig| *field(&mut it.batch_limits) = number;
            all.push((setting, change(set)));
        }
    }
    for number in [1 << 31, usize::MAX] {
        all.push(("batch_limits.warn", change(move |it| it.batch_limits.warn = number)));
    }
    all.push(("batch_limits.texts", change(|it| it.batch_limits.texts = 65_536)));
    all
}

fn names() -> Vec<(&'static str, Change)> {
    let mut all = Vec::new();
    let points = [
        "",
        " ",
        "a:9042,b:9042",
        "a b",
        "a;b",
        "127.0.0.1:99999",
        "127.0.0.1:0",
        "127.0.0.1:+1",
        "127.0.0.1:-1",
        "cassandra://a:9042",
        "http://a",
        "a/b",
        "a:",
        ":9042",
        "a:b",
        "[::1",
        "::1]",
        "[::1]9042",
        "[a]",
        "[]",
        "::1:9042",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "01.2.3.4",
        "-a",
        "a-",
        "a..b",
        "a@b",
        "http://a",
        "2001:db8::1:9043",
        "a?b",
        "fe80::1%eth0",
        "ö",
        "a\u{0}b",
        "\u{200b}",
    ];
    for point in points {
        all.push(("contact_points", change(|it| it.contact_points = vec![point.to_owned()])));
    }
    let long = "a".repeat(100_000);
    all.push(("contact_points", change(move |it| it.contact_points = vec![long.clone()])));
    all.push(("contact_points", change(|it| it.contact_points.clear())));
    for name in ["", "a;b", "a b", "a-b", "a\"b", "ö", &"k".repeat(49)] {
        let name = Some(name.to_owned());
        all.push(("keyspace", change(move |it| it.keyspace.clone_from(&name))));
    }
    for name in ["", " "] {
        let add = |it: &mut SessionConfig| it.allow_authenticators.push(name.to_owned());
        all.push(("allow_authenticators", change(add)));
    }
    let login = |user: Option<&'static str>, password: Option<&'static str>| {
        change(move |it| {
            it.user = user.map(str::to_owned);
            it.password = password.map(Into::into);
        })
    };
    all.push(("password", login(Some("ada"), None)));
    all.push(("password", login(Some("ada"), Some(""))));
    all.push(("password", login(Some("ada"), Some("hush\0hush"))));
    all.push(("user", login(None, Some("hush"))));
    all.push(("user", login(Some(""), Some("hush"))));
    all.push(("user", login(Some("ada\0eve"), Some("hush"))));
    let elsewhere = |it: &mut SessionConfig, points: &[&str]| {
        it.contact_points = points.iter().map(ToString::to_string).collect();
        (it.user, it.password) = (Some("ada".to_owned()), Some("hush".into()));
    };
    for point in ["a", "10.0.0.1", "[2001:db8::1]", "[::ffff:10.0.0.1]:1", "0.0.0.0", "localhost.a"]
    {
        all.push(("user", change(move |it| elsewhere(it, &["127.0.0.1", point]))));
    }
    let twice = |it: &mut SessionConfig| {
        let here = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let node: NodeKey = "10.0.0.1".parse().unwrap();
        it.address_translation =
            [(node, here(1)), ("10.0.0.1:9042".parse().unwrap(), here(2))].into();
    };
    all.push(("address_translation", change(twice)));
    let address = |text: &str| text.parse::<SocketAddr>().unwrap();
    for pairs in [
        &[("10.0.0.1", "127.0.0.1:0")][..],
        &[("10.0.0.1", "0.0.0.0:9042")],
        &[("10.0.0.1", "[::]:9042")],
        &[("10.0.0.1:1", "127.0.0.1:1"), ("10.0.0.1:2", "127.0.0.1:2")],
    ] {
        let pairs = pairs.iter().map(|(node, to)| (node.parse::<NodeKey>().unwrap(), address(to)));
        let pairs: std::collections::BTreeMap<_, _> = pairs.collect();
        let set = move |it: &mut SessionConfig| it.address_translation.clone_from(&pairs);
        all.push(("address_translation", change(set)));
    }
    all
}

#[tokio::test]
async fn of_a_session() {
    let all: Vec<_> = times().into_iter().chain(numbers()).chain(names()).collect();
    println!("{} wrong values of a session", all.len());
    assert!(all.len() >= 100);
    for (setting, change) in all {
        let mut config = SessionConfig::default();
        config.contact_points = vec!["127.0.0.1:1".to_owned()];
        change(&mut config);
        let refused = refused(config.into()).await;
        assert_eq!(refused.setting, setting, "{refused}");
        assert!(!refused.why.contains("hush") && refused.why.len() < 1_000, "{refused}");
    }
}

fn expect<T>(outcome: Result<T, InvalidConfig>, setting: &str) {
    let Err(refused) = outcome else { panic!("{setting} is taken") };
    assert_eq!(refused.setting, setting, "{refused}");
    println!("{refused}");
}

#[test]
fn of_layers_and_keys() {
    let mut count = 0;
    let mut check = |outcome: Result<(), InvalidConfig>, setting| {
        count += 1;
        expect(outcome, setting);
    };
    let limit = |change: &dyn Fn(&mut LimitConfig)| {
        let mut config = LimitConfig::default();
        change(&mut config);
        ConcurrencyLimitLayer::try_from(config).map(drop)
    };
    let second = Some(Duration::from_secs(1));
    check(limit(&|it| it.limit = 0), "limit");
    check(limit(&|it| it.limit = usize::MAX), "limit");
    check(limit(&|it| (it.queue, it.longest_wait) = (Some(0), second)), "queue");
    check(limit(&|it| it.longest_wait = second), "queue");
    check(limit(&|it| it.queue = Some(1)), "longest_wait");
    let zero = Some(Duration::ZERO);
    check(limit(&|it| (it.queue, it.longest_wait) = (Some(1), zero)), "longest_wait");
    check(limit(&|it| (it.reject, it.queue) = (true, Some(1))), "reject");
    check(limit(&|it| (it.reject, it.longest_wait) = (true, second)), "reject");

    let adaptive = |change: &dyn Fn(&mut AdaptiveLimitConfig)| {
        let mut config = AdaptiveLimitConfig::default();
        change(&mut config);
        AdaptiveLimitLayer::try_from(config).map(drop)
    };
    check(adaptive(&|it| it.minimum = 0), "minimum");
    check(adaptive(&|it| it.minimum = 21), "initial");
    check(adaptive(&|it| it.initial = 0), "initial");
    check(adaptive(&|it| it.maximum = 99), "maximum");
    check(adaptive(&|it| it.maximum = usize::MAX), "maximum");
    check(adaptive(&|it| it.initial = usize::MAX), "maximum");
    check(adaptive(&|it| (it.queue, it.longest_wait) = (Some(0), second)), "queue");
    check(adaptive(&|it| it.longest_wait = second), "queue");
    check(adaptive(&|it| it.queue = Some(1)), "longest_wait");
    check(adaptive(&|it| (it.reject, it.queue) = (true, Some(1))), "reject");

    let retry = |change: &dyn Fn(&mut RetryConfig)| {
        let mut config = RetryConfig::default();
        change(&mut config);
        RetryLayer::<cqlstack_core::Error>::try_from(config).map(drop)
    };
    for attempts in [0, 1_001, u32::MAX] {
        check(retry(&|it| it.attempts = attempts), "attempts");
    }
    for factor in [0.0, -1.0, 0.99, 1_001.0, f64::MAX, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        check(retry(&|it| it.multiplier = factor), "multiplier");
    }
    check(retry(&|it| it.max_delay = DAY + NANOSECOND), "max_delay");
    check(retry(&|it| it.max_delay = Duration::MAX), "max_delay");
    check(retry(&|it| it.min_delay = Duration::from_secs(2)), "min_delay");
    check(retry(&|it| it.min_delay = Duration::MAX), "min_delay");
    check(retry(&|it| it.max_elapsed = Duration::ZERO), "max_elapsed");

    for statements in [0, 1_000_001, usize::MAX] {
        let mut config = CacheConfig::default();
        config.statements = statements;
        check(StatementCacheLayer::try_from(config).map(drop), "statements");
    }

    let metrics = |change: &dyn Fn(&mut MetricsConfig)| {
        let mut config = MetricsConfig::default();
        change(&mut config);
        MetricsLayer::try_from(config).map(drop)
    };
    for names in [0, 100_001, usize::MAX] {
        check(metrics(&|it| it.names = names), "names");
    }
    for threshold in [Duration::ZERO, DAY + NANOSECOND, Duration::MAX] {
        check(metrics(&|it| it.slow_threshold = Some(threshold)), "slow_threshold");
    }
    check(metrics(&|it| it.slow_interval = DAY + NANOSECOND), "slow_interval");
    check(SlowRequests::over(Duration::ZERO).map(drop), "threshold");

    for key in ["", "hush", &"07".repeat(31), &"07".repeat(33), &"0g".repeat(32), &"A".repeat(42)] {
        check(PageTokenKey::from_text(key).map(drop), "page_token_key");
    }
    for node in ["", "a", "10.0.0.1:", "10.0.0.1:65536", "[::1", "3a6f5a43-1b52"] {
        check(node.parse::<NodeKey>().map(drop), "address_translation");
    }
    println!("{count} wrong values of layers and keys");
    assert!(count >= 45);
}

/// What is no number, no duration and no name at all is an error of the format, which names the setting.
#[expect(clippy::result_large_err, reason = "it is figment's")]
fn unreadable<T: DeserializeOwned>(values: &[(&str, &str)]) {
    for (setting, value) in values {
        let name = setting.rsplit('.').next().unwrap();
        let (table, field) = setting.rsplit_once('.').unwrap_or(("", setting));
        let header = if table.is_empty() { String::new() } else { format!("[{table}]\n") };
        let file = Figment::from(Toml::string(&format!("{header}{field} = {value}")));
        let Err(error) = file.extract::<T>() else { panic!("{setting} = {value} is read") };
        assert!(error.to_string().contains(name), "{setting} = {value}: {error}");

        let variable = format!("APP_WRONG_{}", setting.replace('.', "__").to_uppercase());
        figment::Jail::expect_with(|jail| {
            jail.set_env(&variable, value);
            let environment = Figment::from(Env::prefixed("APP_WRONG_").split("__"));
            let Err(error) = environment.extract::<T>() else { panic!("{variable}={value}") };
            let text = error.to_string();
            assert!(text.to_lowercase().contains(name), "{variable}={value}: {text}");
            Ok(())
        });
    }
}

#[test]
fn of_another_form() {
    const DURATIONS: [&str; 9] = [
        "10",
        "\"0\"",
        "-1",
        "\"-1s\"",
        "\"1e30s\"",
        "\"99999999999999999999s\"",
        "\"1 parsec\"",
        "true",
        "[1]",
    ];
    let mut session = Vec::new();
    for setting in [
        "keepalive_interval",
        "keepalive_timeout",
        "connect_timeout",
        "build_timeout",
        "prepare_timeout",
        "attempt_timeout",
        "schema_timeout",
        "schema_agreement_timeout",
        "schema_refresh",
        "schema_stale_after",
        "clock_warning",
        "profiles.fast.attempt_timeout",
    ] {
        session.extend(DURATIONS.map(|value| (setting, value)));
    }
    for setting in [
        "page_size",
        "connections_per_node",
        "protocol_version",
        "batch_limits.warn",
        "batch_limits.refuse",
        "batch_limits.texts",
        "batch_limits.mutation",
        "profiles.fast.page_size",
    ] {
        session.extend(["-1", "1.5", "1e30", "\"many\"", "[1]"].map(|value| (setting, value)));
    }
    session.extend([
        ("connections_per_node", "0"),
        ("contact_points", "9042"),
        ("consistency", "\"MOST\""),
        ("serial_consistency", "\"QUORUM\""),
        ("compression", "\"zip\""),
        ("timestamps", "\"sometimes\""),
        ("allow_unencrypted_password", "\"perhaps\""),
        ("replica_cache", "\"perhaps\""),
        ("contact_point", "\"a\""),
        ("address_translation", "\"10.0.0.1\""),
        ("address_translation", "\"10.0.0.1=127.0.0.1:1,\""),
        ("address_translation", "\"10.0.0.1=127.0.0.1:1,10.0.0.1=127.0.0.1:2\""),
        ("address_translation", "\"10.0.0.1=a\""),
        ("address_translation", "\"10.0.0=127.0.0.1:1\""),
        ("tls.ca", "\"a\""),
    ]);
    unreadable::<SessionConfig>(&session);
    let numbers = ["-1", "1.5", "\"many\""];
    unreadable::<LimitConfig>(&numbers.map(|value| ("limit", value)));
    unreadable::<LimitConfig>(&numbers.map(|value| ("queue", value)));
    unreadable::<LimitConfig>(&DURATIONS.map(|value| ("longest_wait", value)));
    for setting in ["minimum", "maximum", "initial", "queue"] {
        unreadable::<AdaptiveLimitConfig>(&numbers.map(|value| (setting, value)));
    }
    unreadable::<AdaptiveLimitConfig>(&DURATIONS.map(|value| ("longest_wait", value)));
    unreadable::<RetryConfig>(&numbers.map(|value| ("attempts", value)));
    unreadable::<RetryConfig>(&[
        ("multiplier", "\"many\""),
        ("jitter", "\"some\""),
        ("bases", "1"),
    ]);
    for setting in ["min_delay", "max_delay", "max_elapsed"] {
        unreadable::<RetryConfig>(&DURATIONS.map(|value| (setting, value)));
    }
    unreadable::<CacheConfig>(&numbers.map(|value| ("statements", value)));
    unreadable::<MetricsConfig>(&numbers.map(|value| ("names", value)));
    for setting in ["slow_threshold", "slow_interval"] {
        unreadable::<MetricsConfig>(&DURATIONS.map(|value| (setting, value)));
    }
    let addresses =
        ["9187", "\"9187\"", "\"localhost:9187\"", "\"127.0.0.1\"", "\"127.0.0.1:65536\""];
    unreadable::<ExporterConfig>(&addresses.map(|value| ("address", value)));
}

#[tokio::test]
async fn no_password_is_in_what_is_said_of_a_session_of_urls() {
    for point in ["cassandra://ada:hush@a:9042", "ada:hush@a", "a?password=hush", "ada:hush"] {
        let builder = Session::builder().contact_points([point]);
        let said = format!("{builder:?} {}", refused(builder.clone()).await);
        assert!(!said.contains("hush") && said.contains("`contact_points`"), "{said}");
    }
}
