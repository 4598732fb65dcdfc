//! The numbers of a plan in one sentence. Deletions are never left out of it.

use super::text::grouped;
use crate::plan::Plan;

/// `1 to create, 2 to change, 1 to delete, 1 to heal, 5 waiting.`
pub fn summary(plan: &Plan) -> String {
    let counts = plan.counts();
    if plan.is_empty() && counts.waiting == 0 {
        let objects = plan.objects();
        let are = if objects == 1 { "object is" } else { "objects are" };
        return format!("No changes. {} {are} as declared.", grouped(objects));
    }
    let moving = [
        (counts.create, "to create"),
        (counts.change, "to change"),
        (counts.delete, "to delete"),
        (counts.remove, "to remove for good"),
        (counts.terminate, "to terminate"),
        (counts.heal, "to heal"),
    ];
    let mut parts: Vec<String> = moving
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}", grouped(number)))
        .collect();
    if parts.is_empty() {
        parts.push("Nothing to do now".to_owned());
    }
    if counts.waiting > 0 {
        parts.push(format!("{} waiting", grouped(counts.waiting)));
    }
    let refused = if plan.refused().is_empty() { "" } else { " Refused: nothing of it is done." };
    format!("{}.{refused}", parts.join(", "))
}
