//! Passwords of roles, right and wrong: none is in a fingerprint, a label, an error, or a schema.

use cqlstack_syntax::{Schema, fingerprint, normalized, parse, script};

/// Ways to give one, where `@` stands for it with its quotes.
const WAYS: [&str; 26] = [
    "CREATE ROLE r WITH LOGIN = true AND PASSWORD = @",
    "CREATE ROLE r WITH password = @ AND LOGIN = true",
    "CREATE ROLE r WITH PASSWORD = @; CREATE ROLE s WITH PASSWORD = @",
    "CREATE ROLE IF NOT EXISTS r WITH PASSWORD = @ AND SUPERUSER = false AND OPTIONS = {'a': @}",
    "CREATE ROLE r WITH OPTIONS = {@: @} AND ACCESS TO DATACENTERS {@}",
    "ALTER ROLE r with PASSWORD=@",
    "ALTER ROLE r with PASSWORD= @",
    "ALTER ROLE r WITH PASSWORD /* here */ = -- and\n @",
    "ALTER ROLE r WITH HASHED PASSWORD = @",
    "ALTER ROLE r WITH PASSWORD = @ AND HASHED PASSWORD = @",
    "CREATE USER u with PASSWORD @",
    "CREATE USER u with PASSWORD\n@ SUPERUSER",
    "CREATE USER IF NOT EXISTS u WITH HASHED PASSWORD @ NOSUPERUSER",
    "ALTER USER u with paSSwoRd @",
    "ALTER USER u WITH PASSWORD = @",
    "BEGIN BATCH \n CREATE ROLE r WITH PASSWORD = @ and LOGIN = true; \nAPPLY BATCH;",
    "BEGIN BATCH CREATE ROLE r WITH PASSWORD = @; CREATE ROLE s WITH PASSWORD = @; APPLY BATCH;",
    "CREATE ROLE r WITH PASSWORD @",
    "CREATE ROLE r PASSWORD = @",
    "CREATE ROLE r WITH PASSWORD = @ @",
    "CREATE ROLE r WITH PASSWORD = @ AND",
    "CREATE ROLE r WITH PASSWORD = (@)",
    "CREATE ROL r WITH PASSWORD = @",
    "WITH PASSWORD = @",
    "ADD IDENTITY @ TO ROLE @",
    "CREATE FUNCTION f () CALLED ON NULL INPUT RETURNS int LANGUAGE java AS @",
];

/// The secret as it is quoted, and what of it must not be seen.
const SECRETS: [(&str, &str); 12] = [
    ("'hunter2'", "hunter2"),
    ("'p a ss hunter2 d'", "hunter2"),
    ("'a\nhunter2'", "hunter2"),
    ("'it''s hunter2''s'", "hunter2"),
    ("'hunter2; DROP TABLE t'", "hunter2"),
    ("'-- hunter2 /*'", "hunter2"),
    ("'\"hunter2\"'", "hunter2"),
    ("'password = hunter2'", "hunter2"),
    ("'$2a$10$hunter2hunter2hunter2hunter2hunter2hunter2hunter2hu'", "hunter2"),
    ("$$hunter2 'x' $$", "hunter2"),
    ("'hünter2é'", "hünter2"),
    ("'7250193'", "7250193"),
];

/// What people write who forget the quotes.
const UNQUOTED: [(&str, &str); 4] = [
    ("hunter2", "hunter2"),
    ("\"hunter2\"", "hunter2"),
    ("'hunter2", "hunter2"),
    ("$$hunter2", "hunter2"),
];

fn all_that_is_said(text: &str) -> String {
    let mut said = vec![format!("{:?}", fingerprint(text))];
    match normalized(text) {
        Ok(normalized) => said.push(normalized),
        Err(error) => said.push(format!("{error} {error:?}")),
    }
    match parse(text) {
        Ok(statement) => said.push(statement.label()),
        Err(error) => said.push(format!("{error} {error:?}")),
    }
    if let Err(error) = script(text) {
        said.push(format!("{error} {error:?}"));
    }
    match Schema::from_script(text) {
        Ok(schema) => said.push(format!("{schema:?}")),
        Err(error) => said.push(format!("{error} {error:?}")),
    }
    said.join("\n")
}

#[test]
fn no_password_survives() {
    let mut count = 0;
    for way in WAYS {
        for (quoted, secret) in SECRETS {
            let text = way.replace('@', quoted);
            let said = all_that_is_said(&text);
            assert!(!said.contains(secret), "{text}:\n{said}");
            count += 1;
        }
    }
    println!("{count} statements");
}

#[test]
fn nor_does_one_without_its_quotes_where_it_is_a_password() {
    for way in WAYS.iter().filter(|way| way.to_lowercase().contains("password")) {
        for (quoted, secret) in UNQUOTED {
            // Where it is no password, it is a name.
            let text = way.replace("{'a': @}", "{}").replace("= @ @", "= @").replace("(@)", "@");
            let text = text.replace('@', quoted);
            let said = all_that_is_said(&text);
            assert!(!said.contains(secret), "{text}:\n{said}");
        }
    }
}

#[test]
fn statements_that_differ_in_the_password_have_one_fingerprint() {
    let of = |password: &str| {
        fingerprint(&format!("CREATE ROLE r WITH PASSWORD = {password} AND LOGIN = true")).unwrap()
    };
    assert_eq!(of("'a'"), of("$$b$$"));
    assert_eq!(of("'a'"), of("b"));
    // A column may be called so.
    let text = "select password , a from t where password = ?";
    assert_eq!(normalized(text).unwrap(), text);
}
