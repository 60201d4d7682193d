//! The functions that a statement may call.

use super::find::Of;
use super::{Checker, Finding, Lint, nearest};
use crate::functions::{is_native, names};
use crate::schema::is_system;
use crate::tree::{Function, quoted};

impl<'s> Checker<'s> {
    /// That there is such a function; a newer server may have more of its own.
    pub(super) fn function(&mut self, of: Of<'s>, function: &Function<'_>) {
        let name = function.name.resolved();
        let within = match function.keyspace {
            Some(keyspace) if is_system(&keyspace.resolved()) => None,
            Some(keyspace) => match self.keyspace(keyspace) {
                Some((_, within)) => Some(within),
                None => return,
            },
            None => Some(of.within),
        };
        let own = within.into_iter().flat_map(|it| it.functions.iter().chain(&it.aggregates));
        let own: Vec<&str> = own.map(|function| &*function.name).collect();
        let may_be_native = function.keyspace.is_none_or(|it| is_system(&it.resolved()));
        if own.contains(&&*name) || may_be_native && is_native(&name) {
            return;
        }
        let native = names().filter(|_| may_be_native).map(|name| -> &str { name });
        let near = nearest(&name, own.iter().copied().chain(native));
        let message = format!("there is no function `{name}`");
        let expected = "a native function, or one of the schema's";
        let finding = Finding::new(function.name.span(), message, expected);
        let finding = finding.with_lint(Lint::UnknownFunction);
        self.report(match near {
            Some(near) => {
                let near = quoted(near);
                let help = format!("did you mean `{near}`?");
                finding.with_help(help).with_fix(function.name.span(), near)
            }
            None => finding,
        });
    }
}
