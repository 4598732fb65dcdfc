//! Which parts of a document an expression looks at. What it does not name need not be built for it: a fleet's documents
//! are made into values of CEL one by one, and most expressions look at a field or two.

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr};
use std::collections::BTreeMap;

/// What is looked at below some value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    /// All of it.
    Whole,
    /// These fields, as far as they are there.
    Fields(BTreeMap<Box<str>, View>),
}

impl View {
    /// Nothing of it, but that it is there.
    fn nothing() -> Self {
        Self::Fields(BTreeMap::new())
    }

    /// What is looked at below `field`, if anything is.
    pub fn field(&self, field: &str) -> Option<&View> {
        match self {
            Self::Whole => Some(self),
            Self::Fields(fields) => fields.get(field),
        }
    }

    fn look(&mut self, path: &[&str]) {
        match (path, &mut *self) {
            (_, Self::Whole) => {}
            ([], _) => *self = Self::Whole,
            ([first, rest @ ..], Self::Fields(fields)) => {
                fields.entry((*first).into()).or_insert_with(Self::nothing).look(rest);
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::Whole, _) => {}
            (_, Self::Whole) => *self = Self::Whole,
            (Self::Fields(fields), Self::Fields(others)) => {
                for (field, view) in others {
                    fields.entry(field.clone()).or_insert_with(Self::nothing).merge(view);
                }
            }
        }
    }
}

/// What is looked at below each variable that is named at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Views(BTreeMap<Box<str>, View>);

impl Views {
    /// Those of `expression`. A variable of a loop counts as one of the document that has its name: more is built then.
    pub fn of(expression: &IdedExpr) -> Self {
        let mut views = Self::default();
        views.see(expression);
        views
    }

    /// What is looked at below the variable `name`.
    pub fn variable(&self, name: &str) -> Option<&View> {
        self.0.get(name)
    }

    /// Looks at what `other` looks at, too.
    pub fn merge(&mut self, other: &Self) {
        for (name, view) in &other.0 {
            self.0.entry(name.clone()).or_insert_with(View::nothing).merge(view);
        }
    }

    fn see(&mut self, expression: &IdedExpr) {
        match &expression.expr {
            Expr::Ident(_) | Expr::Select(_) => self.see_path(expression, &mut Vec::new()),
            Expr::Call(call) => call.target.iter().map(AsRef::as_ref).chain(&call.args).for_each(|one| self.see(one)),
            Expr::Comprehension(one) => {
                let parts = [&one.iter_range, &one.accu_init, &one.loop_cond, &one.loop_step, &one.result];
                for part in parts {
                    self.see(part);
                }
            }
            Expr::List(list) => list.elements.iter().for_each(|one| self.see(one)),
            Expr::Map(map) => map.entries.iter().for_each(|entry| self.see_entry(&entry.expr)),
            Expr::Struct(one) => one.entries.iter().for_each(|entry| self.see_entry(&entry.expr)),
            Expr::Unspecified | Expr::Literal(_) => {}
        }
    }

    fn see_entry(&mut self, entry: &EntryExpr) {
        match entry {
            EntryExpr::StructField(field) => self.see(&field.value),
            EntryExpr::MapEntry(entry) => {
                self.see(&entry.key);
                self.see(&entry.value);
            }
        }
    }

    /// `a.b.c`, read from its end: `behind` holds what was read so far.
    fn see_path<'e>(&mut self, expression: &'e IdedExpr, behind: &mut Vec<&'e str>) {
        match &expression.expr {
            Expr::Select(select) => {
                behind.push(&select.field);
                self.see_path(&select.operand, behind);
            }
            Expr::Ident(name) => {
                let path: Vec<&str> = behind.iter().rev().copied().collect();
                let name: Box<str> = name.trim_start_matches('.').into();
                self.0.entry(name).or_insert_with(View::nothing).look(&path);
            }
            _ => self.see(expression),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `variable.path.path` of every end, `*` behind those that are looked at whole.
    fn seen(expression: &str) -> Vec<String> {
        fn ends(at: &str, view: &View, out: &mut Vec<String>) {
            match view {
                View::Whole => out.push(format!("{at}*")),
                View::Fields(fields) => {
                    for (field, view) in fields {
                        ends(&format!("{at}.{field}"), view, out);
                    }
                }
            }
        }
        let views = Views::of(cel::Env::stdlib().compile(expression).unwrap().expression());
        let mut out = Vec::new();
        for name in ["object", "old", "partner", "now"] {
            if let Some(view) = views.variable(name) {
                ends(name, view, &mut out);
            }
        }
        out
    }

    #[test]
    fn an_expression_looks_at_the_ends_of_its_paths() {
        assert_eq!(seen("has(object.spec.update) && size(object.spec.update.windows) > 0"), ["object.spec.update*"]);
        assert_eq!(
            seen("object.spec.a > 1 && object.spec.b[object.metadata.name] == old.spec"),
            ["object.metadata.name*", "object.spec.a*", "object.spec.b*", "old.spec*"]
        );
        assert_eq!(
            seen("object.spec.domains.all(x, x.endsWith(partner.metadata.name))"),
            ["object.spec.domains*", "partner.metadata.name*"]
        );
        assert_eq!(seen("object == old"), ["object*", "old*"]);
        assert_eq!(seen("object['spec'].a == {'x': object.kind}.x"), ["object*"]);
        assert_eq!(seen("[object.spec.a, now].size() == 2"), ["object.spec.a*", "now*"]);
        assert_eq!(seen("1 + 1 == 2"), Vec::<String>::new());
    }
}
