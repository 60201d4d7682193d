//! Scripts of CQL: many statements in one text, executed one after another.

use std::fmt;

use cqlstack_syntax::{Dialect, Facts, SyntaxError};

use crate::client::{Client, CqlService};
use crate::error::{Error, ErrorClass};
use crate::request::Request;
use crate::statement::Statement;

/// A text of many statements with semicolons between them, as a schema file is: for
/// [`Client::run_script`].
#[derive(Debug, Clone, Copy)]
#[must_use = "a script does nothing until a client runs it"]
pub struct Script<'t> {
    text: &'t str,
    leaves_out_existing: bool,
}

impl<'t> Script<'t> {
    /// A script of this text.
    pub const fn new(text: &'t str) -> Self {
        Self { text, leaves_out_existing: false }
    }

    /// Leaves out what exists: each `CREATE` that does not say `OR REPLACE`, and each `ALTER … ADD`, is sent with
    /// `IF NOT EXISTS`. What exists under the name stays as it is, whatever it looks like. So a script may run each time
    /// that a program starts.
    ///
    /// Servers that have no `ADD IF NOT EXISTS` refuse that (ScyllaDB, Cassandra before 4.1). Other changes (`DROP`,
    /// `RENAME`, `WITH`) and rows are sent as they are.
    pub const fn if_not_exists(mut self) -> Self {
        self.leaves_out_existing = true;
        self
    }

    fn steps(self) -> Result<Vec<Step>, SyntaxError> {
        let scripted = Dialect::Any.script(self.text)?;
        let step = |mut scripted: cqlstack_syntax::Scripted<'_>| {
            let facts = Facts::of(&scripted.statement);
            let changed = self.leaves_out_existing && scripted.statement.add_if_not_exists();
            let text =
                if changed { scripted.statement.to_string() } else { scripted.text.to_owned() };
            Step {
                line: scripted.line,
                column: scripted.column,
                statement: Statement::of_read(text, facts),
            }
        };
        Ok(scripted.into_iter().map(step).collect())
    }
}

impl<'t> From<&'t str> for Script<'t> {
    fn from(text: &'t str) -> Self {
        Self::new(text)
    }
}

impl<'t> From<&'t String> for Script<'t> {
    fn from(text: &'t String) -> Self {
        Self::new(text)
    }
}

/// One statement of a script.
struct Step {
    line: u32,
    column: u32,
    statement: Statement,
}

/// A statement of a script failed, and those after it were not sent; or the script is not CQL, and nothing was sent.
///
/// `Display` names the line and the statement; [`error`](Self::error) has the class.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ScriptError {
    /// The line on which the statement begins, or on which the text stops being CQL, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
    /// How many statements were executed before.
    pub executed: usize,
    /// Why. [`Error::statement`] is the statement; none of a text that is not CQL.
    pub error: Error,
}

impl From<SyntaxError> for ScriptError {
    fn from(syntax: SyntaxError) -> Self {
        let (line, column) = (syntax.line(), syntax.column());
        Self { line, column, executed: 0, error: Error::other(ErrorClass::Permanent, syntax) }
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, executed, error } = self;
        if error.downcast_ref::<SyntaxError>().is_some() {
            // It says where.
            return write!(f, "{error}; nothing of the script was executed");
        }
        write!(f, "line {line}, column {column}: {error}; of the script {executed} ")?;
        f.write_str(if *executed == 1 { "statement was" } else { "statements were" })?;
        f.write_str(" executed before it, the rest was not sent")
    }
}

/// The source is what stands beneath the statement's error, which `Display` shows already.
impl std::error::Error for ScriptError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

impl<S: CqlService> Client<S> {
    /// Executes the statements of a script one after another, to the first that fails; tells how many there were.
    ///
    /// The whole script is read before anything is sent. Each statement is a request through the stack. After each
    /// change of the schema the session waits until the nodes agree on it. A `USE` is one of the session, for all its
    /// clones, and lasts. The future holds nothing of the client, and can be spawned.
    ///
    /// ```no_run
    /// use cqlstack_core::{Client, CqlService, Script, ScriptError};
    ///
    /// const SCHEMA: &str = "
    ///     CREATE KEYSPACE app WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 3};
    ///     CREATE TABLE app.users (id int PRIMARY KEY, name text);
    /// ";
    ///
    /// /// When the program starts.
    /// async fn migrate(db: &Client<impl CqlService>) -> Result<(), ScriptError> {
    ///     db.run_script(Script::new(SCHEMA).if_not_exists()).await?;
    ///     # let db = db.clone();
    ///     # tokio::spawn(db.run_script(SCHEMA));
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The first failure, with its line and its statement: what the request for it ends with, or a
    /// [`SyntaxError`] beneath an error of the class [`Permanent`](ErrorClass::Permanent).
    #[doc(alias("migrate", "source"))]
    pub fn run_script<'t, T: Into<Script<'t>>>(
        &self,
        script: T,
    ) -> impl Future<Output = Result<usize, ScriptError>> + Send + use<'t, S, T> {
        let (client, steps) = (self.clone(), script.into().steps());
        async move {
            let steps = steps?;
            for (executed, Step { line, column, statement }) in steps.iter().enumerate() {
                if let Err(error) = client.request(Request::from(statement)).await {
                    return Err(ScriptError { line: *line, column: *column, executed, error });
                }
            }
            Ok(steps.len())
        }
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::testing::{Answer, ScriptedSession};

    fn texts(session: &ScriptedSession) -> Vec<String> {
        session.sent().iter().map(|sent| sent.request.statement().text().to_owned()).collect()
    }

    #[tokio::test]
    async fn statements_are_sent_one_after_another_as_they_are_written() {
        let session = ScriptedSession::new().otherwise(Answer::done());
        let script = "-- the schema\nCREATE TABLE a.b (k int PRIMARY KEY);;\nUSE a; INSERT INTO b (k) VALUES (1)";
        assert_eq!(Client::new(session.clone()).run_script(script).await.unwrap(), 3);
        let sent =
            ["CREATE TABLE a.b (k int PRIMARY KEY)", "USE a", "INSERT INTO b (k) VALUES (1)"];
        assert_eq!(texts(&session), sent);
    }

    #[tokio::test]
    async fn what_exists_is_left_out_where_that_is_asked_for() {
        let session = ScriptedSession::new().otherwise(Answer::done());
        let db = Client::new(session.clone());
        let script = "CREATE TYPE a.t (f int); ALTER TYPE a.t ADD g text; ALTER TABLE a.b ADD c int; \
                      CREATE OR REPLACE FUNCTION a.f (x int) CALLED ON NULL INPUT RETURNS int LANGUAGE java AS 'x'; \
                      INSERT INTO a.b (k) VALUES (1); CREATE INDEX ON a.b (c); CREATE ROLE r WITH PASSWORD = 'x'";
        db.run_script(Script::new(script).if_not_exists()).await.unwrap();
        let says =
            texts(&session).iter().map(|text| text.contains("IF NOT EXISTS")).collect::<Vec<_>>();
        assert_eq!(says, [true, true, true, false, false, true, true]);
    }

    #[tokio::test]
    async fn a_failure_names_line_and_statement_and_ends_it() {
        let exists = ErrorKind::AlreadyExists { keyspace: "a".to_owned(), table: "c".to_owned() };
        let session = ScriptedSession::new()
            .on("CREATE TABLE a.c", [Answer::error(exists)])
            .otherwise(Answer::done());
        let script = "CREATE TABLE a.b (k int PRIMARY KEY);\n\n  CREATE TABLE a.c (k int PRIMARY KEY);\nUSE a";
        let error = Client::new(session.clone()).run_script(script).await.unwrap_err();
        assert_eq!((error.line, error.column, error.executed), (3, 3, 1));
        assert_eq!(session.executes(), 2);
        let told = error.to_string();
        assert!(told.starts_with("line 3, column 3: CREATE TABLE a.c: "), "{told}");
        assert!(
            told.ends_with(
                "of the script 1 statement was executed before it, the rest was not sent"
            ),
            "{told}"
        );
    }

    #[tokio::test]
    async fn of_what_is_no_cql_nothing_is_sent() {
        let session = ScriptedSession::new().otherwise(Answer::done());
        let script = &"USE a;\nCREATE TABEL b (k int PRIMARY KEY)".to_owned();
        let error = Client::new(session.clone()).run_script(script).await.unwrap_err();
        assert_eq!((error.line, error.column, session.executes()), (2, 8, 0));
        assert_eq!(error.error.class(), ErrorClass::Permanent);
        assert!(error.to_string().starts_with("line 2, column 8: found "), "{error}");
    }
}
