//! The schema file: where it is looked for, and that it is read once.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use cqlstack_syntax::{Dialect, Schema, SchemaError, utf8};

/// The name of the file, and that of the folder of several.
const FILE: &str = "schema.cql";
const FOLDER: &str = "schema";

/// A schema, or why there is none.
pub(crate) struct Known {
    pub(crate) schema: Result<Schema, String>,
    /// The keyspace that is in use at the end of the script.
    pub(crate) keyspace: Option<String>,
    pub(crate) files: Vec<PathBuf>,
    /// Whether one expansion has the lines that make the compiler watch the files.
    is_tracked: AtomicBool,
    /// The statement that said why there is none.
    told_by: OnceLock<String>,
}

impl Known {
    /// Whether this is the first expansion that asks.
    pub(crate) fn is_first_to_track(&self) -> bool {
        !self.is_tracked.swap(true, Ordering::Relaxed)
    }

    /// Whether this statement tells what is wrong with it: the first one does, each time that it is expanded, since
    /// an editor forgets what was told before.
    pub(crate) fn is_told_by(&self, text: &str) -> bool {
        self.told_by.get_or_init(|| text.to_owned()) == text
    }
}

/// A file as it was when it was read: an editor's compiler lives longer than that.
#[derive(PartialEq, Eq, Hash)]
struct Stamp {
    path: PathBuf,
    modified: Option<SystemTime>,
    length: u64,
}

/// Files, and the keyspace of what they give none.
#[derive(PartialEq, Eq, Hash)]
struct Asked {
    files: Vec<Stamp>,
    keyspace: Option<String>,
}

/// The schemas that were read in this process.
#[derive(Default)]
pub(crate) struct Schemas {
    known: Mutex<HashMap<Asked, Arc<Known>>>,
    is_environment_tracked: AtomicBool,
}

impl Schemas {
    /// What these files make, read where they have changed. Where they do not say of which keyspace their tables are, they
    /// are of this one.
    pub(crate) fn of(&self, files: Vec<PathBuf>, keyspace: Option<&str>) -> Arc<Known> {
        let stamps: Vec<Stamp> = files.iter().map(|file| Stamp::of(file)).collect();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = Asked { files: stamps, keyspace: keyspace.map(str::to_owned) };
        Arc::clone(known.entry(asked).or_insert_with(|| Arc::new(read(files, keyspace))))
    }

    /// Whether this is the first expansion that looks at the environment.
    pub(crate) fn is_first_to_ask(&self) -> bool {
        !self.is_environment_tracked.swap(true, Ordering::Relaxed)
    }
}

impl Stamp {
    fn of(path: &Path) -> Self {
        let metadata = fs::metadata(path).ok();
        let modified = metadata.as_ref().and_then(|metadata| metadata.modified().ok());
        let length = metadata.map_or(0, |metadata| metadata.len());
        Self { path: path.to_owned(), modified, length }
    }
}

/// The files of a path that somebody named: itself, or the scripts in it.
pub(crate) fn named(path: &Path) -> Result<Vec<PathBuf>, String> {
    let shown = path.display();
    if path.to_str().is_none() {
        return Err(format!(
            "the schema's path {shown} is not UTF-8, and the compiler cannot watch it"
        ));
    }
    if path.is_dir() {
        let files = scripts(path);
        if files.is_empty() {
            return Err(format!("the schema's folder {shown} has no file that ends in `.cql`"));
        }
        return Ok(files);
    }
    match fs::metadata(path) {
        Ok(_) => Ok(vec![path.to_owned()]),
        Err(error) => Err(format!("the schema {shown} cannot be read: {error}")),
    }
}

/// The path in `CQLSTACK_SCHEMA`: a relative one is of the workspace. It has to be within it, so that what stands in a
/// repository decides what is compiled.
pub(crate) fn of_environment(variable: &str, folder: &Path) -> Result<Vec<PathBuf>, String> {
    let root = root(folder).unwrap_or(folder);
    let path = root.join(variable);
    let inside = |path: &Path| {
        let real = fs::canonicalize(path).ok()?;
        Some(real.starts_with(fs::canonicalize(root).ok()?))
    };
    if inside(&path) == Some(false) {
        let (path, root) = (path.display(), root.display());
        return Err(format!(
            "CQLSTACK_SCHEMA names {path}, which is outside the workspace {root}: name a file in it"
        ));
    }
    named(&path).map_err(|why| format!("CQLSTACK_SCHEMA: {why}"))
}

/// `schema.cql` or `schema/*.cql`, from the crate's folder upwards to its workspace's; none if there is none.
pub(crate) fn found(folder: &Path) -> Vec<PathBuf> {
    let last = root(folder).unwrap_or(folder);
    for folder in folder.ancestors() {
        let file = folder.join(FILE);
        if file.is_file() {
            return vec![file];
        }
        let files = scripts(&folder.join(FOLDER));
        if !files.is_empty() {
            return files;
        }
        if folder == last {
            break;
        }
    }
    Vec::new()
}

/// Whether a crate is somebody else's, which cargo has fetched: what this workspace says of its schema is not meant
/// for it.
pub(crate) fn is_dependency(folder: &Path) -> bool {
    let parts: Vec<_> = folder.components().map(Component::as_os_str).collect();
    parts.windows(2).any(|pair| pair == ["registry", "src"] || pair == ["git", "checkouts"])
}

/// The nearest folder with a `Cargo.lock`.
fn root(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|folder| folder.join("Cargo.lock").is_file())
}

/// The scripts of a folder, in the order of their names.
fn scripts(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.path());
    let is_script =
        |file: &PathBuf| file.extension().is_some_and(|it| it == "cql") && file.is_file();
    let mut files: Vec<PathBuf> = files.filter(is_script).collect();
    files.sort();
    files
}

/// Reads files one after the other, as one script.
fn read(files: Vec<PathBuf>, keyspace: Option<&str>) -> Known {
    let mut made = apply_all(&files, None);
    if made.is_err() && keyspace.is_some() {
        // Each tenant may have a keyspace with these tables.
        made = apply_all(&files, keyspace).or(made);
    }
    let (is_tracked, told_by) = (AtomicBool::new(false), OnceLock::new());
    let (schema, keyspace) = match made {
        Ok((schema, keyspace)) => (Ok(schema), keyspace),
        Err(why) => (Err(why), None),
    };
    Known { schema, keyspace, files, is_tracked, told_by }
}

/// The schema, and the keyspace that is in use in the end.
fn apply_all(files: &[PathBuf], first: Option<&str>) -> Result<(Schema, Option<String>), String> {
    let (mut schema, mut keyspace) = (Schema::default(), first.map(str::to_owned));
    for file in files {
        keyspace = apply(&mut schema, file, keyspace.as_deref(), files)?;
    }
    Ok((schema, keyspace))
}

fn apply(
    schema: &mut Schema,
    file: &Path,
    keyspace: Option<&str>,
    files: &[PathBuf],
) -> Result<Option<String>, String> {
    let shown = file.display();
    let bytes =
        fs::read(file).map_err(|why| format!("the schema {shown} cannot be read: {why}"))?;
    let text = utf8(&bytes).map_err(SchemaError::from);
    let script = text.and_then(|text| Ok((text, Dialect::Any.script(text)?)));
    let applied = script.and_then(|(_, script)| schema.apply_all(&script, keyspace));
    applied.map_err(|error| {
        let (line, column, reason) = (error.line(), error.column(), error.reason());
        let order = match files {
            [_, _, ..] => {
                let names = files.iter().filter_map(|file| file.file_name());
                let names: Vec<_> = names.map(|name| name.to_string_lossy()).collect();
                format!("\nhelp: files are read as one script, in this order: {}", names.join(", "))
            }
            _ => String::new(),
        };
        format!("the schema is broken: {shown}:{line}:{column}: {reason}{order}")
    })
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Duration;

    use super::*;
    use crate::expand::tests::Folder;

    #[test]
    fn the_nearest_schema_up_to_the_lock_file_is_found() {
        let folder = Folder::new("found");
        let crates = folder.make("workspace/crates/one");
        folder.write("schema.cql", "USE outside;");
        folder.write("workspace/Cargo.lock", "");
        assert_eq!(found(&crates), Vec::<PathBuf>::new());
        let (a, b) = (
            folder.write("workspace/schema/02.cql", ""),
            folder.write("workspace/schema/10.cql", ""),
        );
        folder.write("workspace/schema/README.md", "");
        assert_eq!(found(&crates), [a, b]);
        let nearer = folder.write("workspace/crates/one/schema.cql", "");
        assert_eq!(found(&crates), [nearer]);
    }

    #[test]
    fn without_a_lock_file_only_the_crate_s_folder_is_looked_at() {
        let folder = Folder::new("alone");
        let alone = folder.make("alone");
        folder.write("schema.cql", "");
        assert_eq!(found(&alone), Vec::<PathBuf>::new());
        let own = folder.write("alone/schema.cql", "");
        assert_eq!(found(&alone), [own]);
    }

    #[test]
    fn the_environment_may_name_what_is_in_the_workspace() {
        let folder = Folder::new("environment");
        let own = folder.make("workspace/one");
        folder.write("workspace/Cargo.lock", "");
        let inside = folder.write("workspace/db/all.cql", "");
        let outside = folder.write("secret.cql", "");
        assert_eq!(of_environment("db/all.cql", &own).unwrap(), std::slice::from_ref(&inside));
        assert_eq!(of_environment("db", &own).unwrap(), std::slice::from_ref(&inside));
        assert_eq!(of_environment(inside.to_str().unwrap(), &own).unwrap(), [inside]);
        for path in ["../secret.cql", "db/../../secret.cql", outside.to_str().unwrap()] {
            let error = of_environment(path, &own).unwrap_err();
            assert!(error.contains("outside the workspace"), "{path}: {error}");
        }
        let error = of_environment("db/none.cql", &own).unwrap_err();
        assert!(error.starts_with("CQLSTACK_SCHEMA: ") && error.contains("none.cql"), "{error}");
    }

    #[test]
    fn a_file_is_read_once_until_it_changes() {
        let folder = Folder::new("once");
        let file = folder.write("schema.cql", "CREATE KEYSPACE a WITH b = 1;");
        let schemas = Schemas::default();
        let first = schemas.of(vec![file.clone()], None);
        assert!(Arc::ptr_eq(&first, &schemas.of(vec![file.clone()], None)));
        assert!(first.is_first_to_track() && !first.is_first_to_track());
        // Of the same length, at another time.
        folder.write("schema.cql", "CREATE KEYSPACE c WITH b = 1;");
        let later = SystemTime::now() + Duration::from_secs(60);
        File::options().append(true).open(&file).unwrap().set_modified(later).unwrap();
        let second = schemas.of(vec![file], None);
        assert!(second.schema.as_ref().unwrap().keyspace("c").is_some());
    }
}
