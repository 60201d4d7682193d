//! What a session knows of the schema, how it notices that it changed, and what was prepared by it.

pub(in crate::session) mod age;
pub(in crate::session) mod agreement;
pub(in crate::session) mod basis;
pub(in crate::session) mod change;
pub(in crate::session) mod generation;
pub(in crate::session) mod keyspaces;
pub(in crate::session) mod markers;
pub(in crate::session) mod one_page;
pub(in crate::session) mod schema_facts;
pub(in crate::session) mod tables;
pub(in crate::session) mod unreadable;
pub(in crate::session) mod watcher;
