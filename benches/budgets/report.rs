//! The table, for people and for programs.

use std::collections::BTreeMap;

/// What a ratio must be.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    /// Ours over the floor.
    AtMost(f64),
    /// Ours over the floor, for things of which more is better.
    AtLeast(f64),
}

/// One row.
#[derive(Debug, Clone)]
pub struct Row {
    pub name: &'static str,
    pub size: usize,
    pub ours: f64,
    pub floor: Option<f64>,
    pub unit: &'static str,
    pub goal: Goal,
    pub note: String,
}

impl Row {
    fn ratio(&self) -> Option<f64> {
        self.floor.map(|floor| self.ours / floor)
    }

    fn met(&self) -> Option<bool> {
        match (self.goal, self.ratio()) {
            (Goal::AtMost(most), Some(ratio)) => Some(ratio <= most),
            (Goal::AtLeast(least), Some(ratio)) => Some(ratio >= least),
            (_, None) => None,
        }
    }

    fn goal(&self) -> String {
        match self.goal {
            Goal::AtMost(most) => format!("≤ {most}×"),
            Goal::AtLeast(least) => format!("≥ {least}×"),
        }
    }
}

/// Every row of a run.
#[derive(Debug, Default)]
pub struct Report(Vec<Row>);

impl Report {
    /// Adds `row`, and says it at once: a long run should be watchable.
    pub fn add(&mut self, row: Row) {
        eprintln!("{}", line(&row));
        self.0.push(row);
    }

    pub fn print(&self) {
        println!("| what | size | ours | floor | ratio | goal | met | |\n|---|---|---|---|---|---|---|---|");
        self.0.iter().for_each(|row| println!("{}", line(row)));
        self.print_growth();
    }

    /// Rows that were measured at several sizes, side by side.
    fn print_growth(&self) {
        let mut by_name: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        self.0.iter().for_each(|row| by_name.entry(row.name).or_default().push(row));
        by_name.retain(|_, rows| rows.len() > 1);
        if by_name.is_empty() {
            return;
        }
        println!("\nGrowth: × over the size before; linear is the size's own ×.\n");
        for (name, rows) in by_name {
            let steps: Vec<String> = rows
                .windows(2)
                .map(|pair| {
                    let (size, cost) = (pair[1].size as f64 / pair[0].size as f64, pair[1].ours / pair[0].ours);
                    format!("{} → {}: {cost:.1}× (size {size:.0}×)", pair[0].size, pair[1].size)
                })
                .collect();
            println!("- {name}: {}", steps.join("; "));
        }
    }

    pub fn json(&self) -> String {
        let rows: Vec<serde_json::Value> = self.0.iter().map(|row| {
            serde_json::json!({"name": row.name, "size": row.size, "ours": row.ours, "floor": row.floor, "unit": row.unit,
                "ratio": row.ratio(), "goal": row.goal(), "met": row.met(), "note": row.note})
        }).collect();
        serde_json::to_string_pretty(&rows).unwrap() + "\n"
    }
}

fn line(row: &Row) -> String {
    let value = |value: f64| {
        if value >= 100.0 { format!("{value:.0} {}", row.unit) } else { format!("{value:.2} {}", row.unit) }
    };
    let met = match row.met() {
        Some(true) => "yes",
        Some(false) => "**no**",
        None => "–",
    };
    let floor = row.floor.map_or_else(|| "–".into(), value);
    let ratio = row.ratio().map_or_else(|| "–".into(), |ratio| format!("{ratio:.2}×"));
    format!(
        "| {} | {} | {} | {floor} | {ratio} | {} | {met} | {} |",
        row.name,
        row.size,
        value(row.ours),
        row.goal(),
        row.note
    )
}
