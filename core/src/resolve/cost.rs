//! What a guardrail's expression may cost: loops in each other multiply by what they loop over.
//! CEL has no other loop and no recursion, so depth and width bound the work.

use crate::change::Value;
use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr};

/// Values that one expression may look at in one document.
const MAX_WORK: u128 = 1_000_000;

/// The factors of an expression's work that are known before any document is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Loops in each other.
    depth: u32,
    /// The longest list or map that the expression writes out.
    widest: usize,
    /// Concatenations: each makes a list that is longer than its parts.
    sums: usize,
}

impl Cost {
    /// The cost of `expression`.
    pub fn of(expression: &IdedExpr) -> Self {
        let below = |inner: Vec<&IdedExpr>| inner.into_iter().map(Self::of).fold(Self::default(), Self::beside);
        match &expression.expr {
            Expr::Call(call) => {
                let inner = below(call.target.iter().map(AsRef::as_ref).chain(&call.args).collect());
                Self { sums: inner.sums + usize::from(call.func_name == "_+_"), ..inner }
            }
            Expr::Comprehension(one) => {
                let body = below(vec![&one.accu_init, &one.loop_cond, &one.loop_step, &one.result]);
                // Each macro's own accumulator is one concatenation, of what it loops over.
                Self { depth: body.depth + 1, sums: body.sums.saturating_sub(1), ..body }
                    .beside(Self::of(&one.iter_range))
            }
            Expr::List(list) => below(list.elements.iter().collect()).at_least(list.elements.len()),
            Expr::Map(map) => {
                below(map.entries.iter().flat_map(|entry| parts(&entry.expr)).collect()).at_least(map.entries.len())
            }
            Expr::Struct(one) => below(one.entries.iter().flat_map(|entry| parts(&entry.expr)).collect()),
            Expr::Select(select) => Self::of(&select.operand),
            Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => Self::default(),
        }
    }

    /// Whether it stays within bounds over lists and maps of at most `width` entries.
    pub fn is_bearable(self, width: usize) -> bool {
        let width = (width.max(self.widest).max(2) * (self.sums + 1)) as u128;
        width.checked_pow(self.depth).is_some_and(|work| work <= MAX_WORK)
    }

    fn beside(self, other: Self) -> Self {
        Self { depth: self.depth.max(other.depth), widest: self.widest.max(other.widest), sums: self.sums + other.sums }
    }

    fn at_least(self, width: usize) -> Self {
        Self { widest: self.widest.max(width), ..self }
    }
}

fn parts(entry: &EntryExpr) -> Vec<&IdedExpr> {
    match entry {
        EntryExpr::StructField(field) => vec![&field.value],
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
    }
}

/// The longest list or map in `value`.
pub fn width(value: &Value) -> usize {
    match value {
        Value::List(items) => items.iter().map(width).max().unwrap_or_default().max(items.len()),
        Value::Map(map) => map.iter().map(|(_, item)| width(item)).max().unwrap_or_default().max(map.len()),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(text: &str) -> Cost {
        Cost::of(cel::Env::stdlib().compile(text).unwrap().expression())
    }

    #[test]
    fn loops_in_each_other_multiply() {
        assert_eq!(cost("size(object.spec) > 0").depth, 0);
        assert_eq!(cost("object.a.all(x, x > 1) && object.b.exists(x, x > 1)").depth, 1);
        let nested = cost("object.a . all (x, object.a.all(y, object.a.exists(z, x + y > z)))");
        assert_eq!(nested.depth, 3);
        assert!(nested.is_bearable(40) && !nested.is_bearable(1000));
        assert!(cost("object.a.all(x, x > 1)").is_bearable(200_000));
    }

    #[test]
    fn what_the_expression_writes_out_counts() {
        assert_eq!(cost("[1, 2, 3].all(x, x in {'a': [1], 'b': [2]})").widest, 3);
        assert!(cost("object.a + object.a + object.a == []").sums >= 2);
    }
}
