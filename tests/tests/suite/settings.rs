//! Settings from files and from the environment.

use std::time::Duration;

use cqlstack_core::{
    BatchLimits, Client, Compression, Consistency, ErrorKind, Profile, Request, SerialConsistency,
    Session, SessionBuilder, SessionConfig, Statement,
};
use cqlstack_tests::cluster::Cluster;
use figment::Figment;
use figment::providers::{Env, Format, Json, Toml, Yaml};

use crate::support::run;

mod right;
mod secrets;
mod wrong;

const ALL: &str = r#"
contact_points = ["127.0.0.1:9042", "localhost"]
local_datacenter = "dc1"
keyspace = "app"
user = "app"
allow_authenticators = ["org.example.Authenticator"]
allow_unencrypted_password = true
compression = "lz4"
connections_per_node = 2
keepalive_interval = "5s"
keepalive_timeout = "1s 500ms"
connect_timeout = "3s"
build_timeout = "1m"
prepare_timeout = "4s"
attempt_timeout = "250ms"
schema_timeout = "2m"
schema_refresh = "30s"
page_size = 100
consistency = "local_one"
serial_consistency = "SERIAL"
protocol_version = 4

[address_translation]
"10.0.0.1:9042" = "127.0.0.1:19042"

[tls]
ca_file = "/etc/ca.pem"
client_certificate = "/etc/client.pem"
client_key = "/etc/client.key"
name = "cassandra.internal"

[batch_limits]
refuse = 102400

[profiles.report]
consistency = "ONE"
serial_consistency = "LOCAL_SERIAL"
page_size = 10000
attempt_timeout = "1m"
idempotent = true
"#;

fn read(figment: &Figment) -> Result<SessionConfig, String> {
    figment.extract().map_err(|error: figment::Error| error.to_string())
}

fn toml(text: &str) -> Result<SessionConfig, String> {
    read(&Figment::from(Toml::string(text)))
}

#[test]
fn every_setting_is_read_from_a_file() {
    let config = toml(ALL).unwrap();
    assert_eq!(config.contact_points, ["127.0.0.1:9042", "localhost"]);
    let forwarded = ("10.0.0.1:9042".parse().unwrap(), "127.0.0.1:19042".parse().unwrap());
    assert_eq!(config.address_translation, [forwarded].into());
    assert_eq!(config.local_datacenter.as_deref(), Some("dc1"));
    assert_eq!((config.user.as_deref(), config.keyspace.as_deref()), (Some("app"), Some("app")));
    assert_eq!(config.compression, Some(Compression::Lz4));
    assert_eq!(config.connections_per_node.get(), 2);
    assert_eq!(config.keepalive_timeout, Duration::from_millis(1_500));
    assert_eq!(config.attempt_timeout, Duration::from_millis(250));
    assert_eq!(config.build_timeout, Duration::from_secs(60));
    assert_eq!((config.page_size, config.consistency), (100, Consistency::LocalOne));
    assert_eq!(config.serial_consistency, SerialConsistency::Serial);
    let limits = BatchLimits { refuse: 102_400, ..BatchLimits::CASSANDRA };
    assert_eq!(config.batch_limits, limits);
    assert!(config.tls.is_some() && config.allow_unencrypted_password);
    let mut report = Profile::default();
    report.consistency = Some(Consistency::One);
    report.serial_consistency = Some(SerialConsistency::LocalSerial);
    report.page_size = Some(10_000);
    report.attempt_timeout = Some(Duration::from_secs(60));
    report.idempotent = Some(true);
    assert_eq!(*config.profile("report").unwrap(), report);
    let statement = Statement::new("SELECT a FROM t").with_profile(&report);
    let request = Request::from(&statement);
    assert_eq!(request.consistency(), Some(Consistency::One));
    assert_eq!(request.attempt_timeout(), Some(Duration::from_secs(60)));
    assert!(statement.is_idempotent());
}

#[test]
fn yaml_and_json_say_the_same_and_what_is_not_there_has_its_default() {
    let yaml =
        "contact_points: [a]\nattempt_timeout: 2s\nprofiles: {fast: {attempt_timeout: 50ms}}";
    let json = r#"{"contact_points": ["a"], "attempt_timeout": "2s",
                   "profiles": {"fast": {"attempt_timeout": "50ms"}}}"#;
    for figment in [Figment::from(Yaml::string(yaml)), Figment::from(Json::string(json))] {
        let config = read(&figment).unwrap();
        assert_eq!(config.attempt_timeout, Duration::from_secs(2));
        assert_eq!(config.page_size, SessionConfig::default().page_size);
        let fast = config.profile("fast").unwrap();
        assert_eq!(
            (fast.attempt_timeout, fast.consistency),
            (Some(Duration::from_millis(50)), None)
        );
    }
}

#[test]
#[expect(clippy::result_large_err, reason = "it is figment's")]
fn the_environment_goes_before_the_file() {
    // Other tests see the environment too: these names are of this test alone.
    figment::Jail::expect_with(|jail| {
        jail.create_file("app.toml", "contact_points = [\"a\"]\npage_size = 7\nuser = \"app\"")?;
        jail.set_env("APP_SETTINGS_PAGE_SIZE", "9");
        jail.set_env("APP_SETTINGS_PASSWORD", "hush");
        jail.set_env("APP_SETTINGS_BATCH_LIMITS__WARN", "1000");
        let environment = Env::prefixed("APP_SETTINGS_").split("__");
        let config = read(&Figment::from(Toml::file("app.toml")).merge(environment)).unwrap();
        assert_eq!((config.page_size, config.batch_limits.warn), (9, 1_000));
        assert!(config.password.is_some() && !format!("{config:?}").contains("hush"));
        Ok(())
    });
}

/// Crates that read the environment take digits for a number, and drop the zeros before it.
#[test]
#[expect(clippy::result_large_err, reason = "it is figment's")]
fn a_password_that_was_taken_for_something_else_is_refused_and_not_shown() {
    figment::Jail::expect_with(|jail| {
        let environment = || Figment::from(Env::prefixed("APP_SECRET_"));
        jail.set_env("APP_SECRET_PASSWORD", "\"0720193\"");
        assert!(read(&environment()).unwrap().password.is_some());
        for secret in ["0720193", "-720193", "720193.5", "true", "[720193]", "{a=720193}"] {
            jail.set_env("APP_SECRET_PASSWORD", secret);
            let Err(error) = read(&environment()) else { panic!("{secret}") };
            println!("{error}");
            assert!(!error.contains("72019") && !error.contains("true"), "{error}");
            assert!(error.contains("in quotes") && error.contains("PASSWORD"), "{error}");
        }
        Ok(())
    });
    for secret in ["720193", "720193.25", "true", "[720193]", "{ a = 720193 }", "2072-01-09"] {
        let Err(error) = toml(&format!("password = {secret}")) else { panic!("{secret}") };
        assert!(!error.contains("72") && !error.contains("true"), "{error}");
    }
}

#[test]
fn what_is_wrong_in_a_file_is_named_with_what_would_be_right() {
    for (text, parts) in [
        ("page_size = \"many\"", ["page_size", "u32"]),
        ("attempt_timeout = \"-1s\"", ["attempt_timeout", "250ms"]),
        ("attempt_timeout = 10", ["attempt_timeout", "250ms"]),
        ("contact_point = [\"a\"]", ["contact_point", "contact_points"]),
        ("consistency = \"MOST\"", ["consistency", "LOCAL_QUORUM"]),
        ("serial_consistency = \"QUORUM\"", ["serial_consistency", "LOCAL_SERIAL"]),
        ("compression = \"zip\"", ["compression", "lz4"]),
        ("page_size = ", ["page_size", "line 1"]),
        ("[tls]\nca = \"a\"", ["tls", "ca_file"]),
        ("[profiles.fast]\nconsistencies = \"ONE\"", ["fast", "consistency"]),
        ("connections_per_node = 0", ["connections_per_node", "nonzero"]),
    ] {
        let error = toml(text).unwrap_err();
        println!("{error}");
        for part in parts {
            assert!(error.contains(part), "`{part}` of {text}: {error}");
        }
    }
}

#[tokio::test]
async fn what_only_building_can_tell_is_told_before_anything_is_sent() {
    for (text, setting) in [
        ("contact_points = []", "contact_points"),
        ("contact_points = [\"a\"]\nattempt_timeout = \"0s\"", "attempt_timeout"),
        ("contact_points = [\"a\"]\nprotocol_version = 5", "protocol_version"),
        ("contact_points = [\"a\"]\nuser = \"app\"", "password"),
        ("contact_points = [\"a\"]\nuser = \"app\"\npassword = \"hush\"", "user"),
        (
            "contact_points = [\"127.0.0.1\"]\nuser = \"app\"\npassword = \"hush\"\n\
             [address_translation]\n\"127.0.0.1:9042\" = \"10.0.0.1:9042\"",
            "user",
        ),
        ("contact_points = [\"a\"]\n[tls]\nca_file = \"/nowhere\"", "tls.ca_file"),
    ] {
        let builder = SessionBuilder::from(toml(text).unwrap());
        let error = builder.build().await.unwrap_err().to_string();
        println!("{error}");
        assert!(error.contains(&format!("`{setting}`")), "{error}");
        assert!(!error.contains("hush"));
    }
}

#[tokio::test]
async fn a_session_is_built_from_a_file_and_knows_its_profiles() {
    let points = Cluster::shared().await.unwrap().contact_points();
    let text = format!("contact_points = {points:?}\n[profiles.report]\npage_size = 3");
    let session: Session = SessionBuilder::from(toml(&text).unwrap()).build().await.unwrap();
    let report = session.profile("report").unwrap();
    assert_eq!(report.page_size, Some(3));
    let error = session.profile("reports").unwrap_err();
    println!("{error}");
    assert!(error.to_string().contains("`reports`") && error.to_string().contains("report"));
    run(&Client::new(session), "SELECT key FROM system.local").await;
}

/// The environment has texts only.
#[test]
#[expect(clippy::result_large_err, reason = "it is figment's")]
fn a_list_is_a_text_with_commas_too() {
    figment::Jail::expect_with(|jail| {
        for (text, points) in [
            ("a:9042,b:9042", vec!["a:9042", "b:9042"]),
            ("a:9042, b ,10.0.0.1", vec!["a:9042", "b", "10.0.0.1"]),
            ("[a,b]", vec!["a", "b"]),
            ("localhost", vec!["localhost"]),
            ("127.0.0.1:9042", vec!["127.0.0.1:9042"]),
            ("", vec![]),
        ] {
            jail.set_env("APP_LIST_CONTACT_POINTS", text);
            jail.set_env("APP_LIST_ALLOW_AUTHENTICATORS", "org.a.B,org.c.D");
            let config = read(&Figment::from(Env::prefixed("APP_LIST_"))).unwrap();
            assert_eq!(config.contact_points, points, "{text}");
            assert_eq!(config.allow_authenticators, ["org.a.B", "org.c.D"]);
        }
        Ok(())
    });
    let in_file = toml("contact_points = \"a:9042,b:9042\"").unwrap();
    assert_eq!(in_file.contact_points, ["a:9042", "b:9042"]);
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_told_with_the_word_of_the_resolver() {
    let point = "no-such-host.invalid:9042";
    let builder = Session::builder().contact_points([point, "127.0.0.1:1"]);
    let error = builder.build_timeout(Duration::from_secs(1)).build().await.unwrap_err();
    println!("{error}");
    let ErrorKind::Unreachable { unresolved, .. } = error.kind() else { panic!("{error}") };
    assert_eq!(unresolved.len(), 1);
    let text = error.to_string();
    assert!(text.contains("`no-such-host.invalid` has no address: failed to lookup"), "{text}");
    assert!(text.contains("check the names"), "{text}");
}
