//! `IF`.

use super::find::Of;
use super::{Checker, Finding};
use crate::schema::ColumnRole;
use crate::token::Span;
use crate::tree::{Condition, Operand};

impl<'s> Checker<'s> {
    /// Gives whether it is about a row, and not only about static columns. `place` is the table's.
    pub(super) fn condition(&mut self, of: Of<'s>, condition: &Condition<'_>, place: Span) -> bool {
        if of.is_counter() && *condition != Condition::Always {
            let message =
                format!("{} has counters, which are changed without conditions", of.full());
            self.report(Finding::new(place, message, "no IF"));
            return false;
        }
        let Condition::If(relations) = condition else { return false };
        let mut about_row = false;
        for relation in relations {
            let name = match &relation.left {
                Operand::Column(name) | Operand::Element(name, _) | Operand::Field(name, _) => {
                    *name
                }
                Operand::Columns(_) | Operand::Token(_) | Operand::Index(_) => continue,
            };
            self.comparand(of, relation);
            let Some(column) = self.column(of, name) else { continue };
            if column.role.is_key() {
                self.of_key(of, name, "a condition on another column, or IF EXISTS");
            }
            about_row |= column.role == ColumnRole::Regular;
            match &relation.left {
                Operand::Field(_, field) => drop(self.field(of, &column.kind, *field)),
                Operand::Element(_, key) => self.value(of, key, None),
                _ => {}
            }
        }
        about_row
    }
}
