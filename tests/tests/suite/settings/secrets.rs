//! What is no text, or stands in the wrong place, is not shown either.

use cqlstack_core::{PageTokenKey, Password, Session, SessionConfig};
use figment::Figment;
use figment::providers::{Env, Format, Json, Yaml};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// What a program may have besides.
#[derive(Deserialize)]
struct Secrets {
    #[expect(dead_code, reason = "it is read")]
    page_token_key: PageTokenKey,
}

/// Each has it, and none is text; as JSON, which YAML is too, and as TOML.
const SECRETS: [(&str, &str); 12] = [
    ("720193", "720193"),
    ("-720193", "-720193"),
    ("720193.25", "720193.25"),
    ("7.20193e5", "7.20193e5"),
    ("18446744073709720193", "9223372036854720193"),
    ("[720193]", "[720193]"),
    ("[\"720193\"]", "[\"720193\"]"),
    ("[[720193, true]]", "[[720193, true]]"),
    ("{\"a\": 720193}", "{ a = 720193 }"),
    ("{\"a\": \"720193\"}", "{ a = \"720193\" }"),
    ("{\"720193\": \"a\"}", "{ 720193 = \"a\" }"),
    ("\"720193\", \"password\": \"720193\"", "1720193-01-01"),
];

fn check<T>(read: Result<T, String>, what: &str) {
    let Err(said) = read else { panic!("{what} is read") };
    assert!(!said.contains("72019") && !said.contains("7.2019"), "{what}: {said}");
}

fn said<E: std::error::Error>(error: E) -> String {
    let mut said = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(error) = source {
        said = format!("{said} {error} {error:?}");
        source = error.source();
    }
    said
}

fn read_all<T: DeserializeOwned>(field: &str) {
    for (json, toml) in SECRETS {
        let json = format!("{{\"{field}\": {json}}}");
        check(serde_json::from_str::<T>(&json).map_err(said), &json);
        check(serde_json::from_slice::<T>(json.as_bytes()).map_err(said), &json);
        check(serde_json::from_reader::<_, T>(json.as_bytes()).map_err(said), &json);
        if let Ok(value) = serde_json::from_str::<serde_json::Value>(&json)
            && !value[field].is_string()
        {
            check(serde_json::from_value::<T>(value).map_err(said), &json);
            check(Figment::from(Json::string(&json)).extract::<T>().map_err(said), &json);
            check(Figment::from(Yaml::string(&json)).extract::<T>().map_err(said), &json);
        }
        let toml = format!("{field} = {toml}");
        check(toml::from_str::<T>(&toml).map_err(|error| error.message().to_owned()), &toml);
    }
}

#[test]
fn in_a_file() {
    read_all::<SessionConfig>("password");
    read_all::<Secrets>("page_token_key");
    // A word that is a name of something else has no digits to look for.
    for (json, shown) in [("true", "true"), ("false", "false")] {
        let json = format!("{{\"password\": {json}}}");
        let Err(error) = serde_json::from_str::<SessionConfig>(&json) else { panic!("{json}") };
        assert!(!error.to_string().contains(shown), "{error}");
        assert!(error.to_string().contains("in quotes"), "{error}");
    }
}

#[test]
#[expect(clippy::result_large_err, reason = "it is figment's")]
fn in_the_environment() {
    figment::Jail::expect_with(|jail| {
        for secret in ["720193", "-720193", "720193.5", "[720193]", "{a=720193}", "[a,720193]"] {
            jail.set_env("APP_HIDDEN_PASSWORD", secret);
            let environment = Figment::from(Env::prefixed("APP_HIDDEN_"));
            check(environment.extract::<SessionConfig>().map_err(said), secret);
            jail.set_env("APP_HIDDEN_PAGE_TOKEN_KEY", secret);
            let environment = Figment::from(Env::prefixed("APP_HIDDEN_PAGE_"));
            check(environment.extract::<Token>().map_err(said), secret);
        }
        Ok(())
    });
}

#[derive(Deserialize)]
struct Token {
    #[expect(dead_code, reason = "it is read")]
    token_key: PageTokenKey,
}

/// A password that is text and no key of 32 bytes, for example.
#[test]
fn where_it_is_text_of_another_form() {
    let read = serde_json::from_str::<Secrets>("{\"page_token_key\": \"720193\"}");
    check(read.map_err(said), "a short key");
    let password: Password = serde_json::from_str("\"720193\"").unwrap();
    let builder = Session::builder().contact_points(["127.0.0.1:1"]).user("ada", password);
    assert!(!format!("{builder:?}").contains("72019"));
}

#[tokio::test]
async fn in_a_contact_point() {
    for point in [
        "cassandra://ada:720193@a:9042/app",
        "cassandra://ada:hush-720193@a",
        "https://a/?password=720193",
        "ada:hush720193@a:9042",
        "ada:hush720193",
        "hush720193@a",
        "a:9042?password=720193",
        "a:9042;password=720193",
        "a:9042 password=720193",
        "a:9042#720193",
        "cassandra://ada:720193,x@a:9042",
        "ada:720193",
        "cassandra://ada:7201930",
        "a:9042;ada;720193",
    ] {
        let texts = [
            format!("{{\"contact_points\": [\"{point}\"]}}"),
            format!("{{\"contact_points\": \"{point}\"}}"),
        ];
        for json in texts {
            let config: SessionConfig = serde_json::from_str(&json).unwrap();
            let builder = cqlstack_core::SessionBuilder::from(config.clone());
            let shown = format!("{config:?} {builder:?}");
            let error = builder.build().await.unwrap_err();
            let shown = format!("{shown} {}", said(error));
            assert!(!shown.contains("72019"), "{point}: {shown}");
        }
    }
}

/// The key itself, where its path belongs.
#[tokio::test]
async fn in_place_of_a_path() {
    let key = "-----BEGIN PRIVATE KEY-----\n720193\n-----END PRIVATE KEY-----\n";
    for field in ["ca_file", "client_key", "client_certificate"] {
        for key in [key.to_owned(), key.replace('\n', ""), "720193".repeat(1_000)] {
            let mut tls = serde_json::json!({
                "ca_file": "/nowhere", "client_key": "/nowhere", "client_certificate": "/nowhere"
            });
            tls[field] = key.into();
            let config = serde_json::json!({ "contact_points": ["127.0.0.1:1"], "tls": tls });
            let config: SessionConfig = serde_json::from_value(config).unwrap();
            let shown = format!("{:?} {config:?}", config.tls);
            let error = cqlstack_core::SessionBuilder::from(config).build().await.unwrap_err();
            let shown = format!("{shown} {}", said(error));
            assert!(!shown.contains("72019"), "{shown}");
        }
    }
}
