//! Aligned columns, and labelled lines. No frames: what is printed can be cut, grepped and pasted.

use pintle_core::render::{Paper, Style, shown};

/// A cell: text and, on a terminal, its style.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    text: String,
    style: Option<Style>,
}

impl Cell {
    /// The same in `style`.
    #[must_use]
    pub fn styled(mut self, style: Style) -> Self {
        self.style = Some(style);
        self
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: shown(text.as_ref()), style: None }
    }
}

/// Rows under a head.
#[derive(Debug, Default)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table.
    pub fn new(head: &[&str]) -> Self {
        Self { head: head.iter().map(|title| title.to_uppercase()).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The lines. A column in which nothing stands is left out.
    pub fn render(&self, paper: &Paper) -> String {
        let head: Vec<Cell> = self.head.iter().map(|title| Cell::from(title).styled(Style::Muted)).collect();
        let kept: Vec<usize> = (0..self.head.len())
            .filter(|at| self.rows.iter().any(|row| row.get(*at).is_some_and(|cell| !cell.text.is_empty())))
            .collect();
        let lines: Vec<&Vec<Cell>> = std::iter::once(&head).chain(&self.rows).collect();
        let width = |at: usize| {
            lines.iter().filter_map(|row| row.get(at)).map(|cell| cell.text.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = kept.iter().map(|at| width(*at)).collect();
        lines.iter().map(|row| line(row, &kept, &widths, paper)).collect::<Vec<_>>().join("\n")
    }
}

fn line(row: &[Cell], kept: &[usize], widths: &[usize], paper: &Paper) -> String {
    let mut text = String::new();
    let mut owed = 0;
    for (at, width) in kept.iter().zip(widths) {
        let Some(cell) = row.get(*at) else { continue };
        let length = cell.text.chars().count();
        if length > 0 {
            text.push_str(&" ".repeat(owed));
            text.push_str(&cell.style.map_or_else(|| cell.text.clone(), |style| paper.paint(style, &cell.text)));
            owed = 0;
        }
        owed += width - length + 2;
    }
    text
}

/// `label    text` lines, the text from one column on. A text of several lines goes on below itself.
#[derive(Debug, Default)]
pub struct Lines(Vec<(&'static str, String)>);

impl Lines {
    /// Adds a line; an empty label goes on with the one before.
    pub fn add(&mut self, label: &'static str, text: impl Into<String>) {
        self.0.push((label, text.into()));
    }

    /// The lines.
    pub fn render(&self, paper: &Paper) -> String {
        let width = self.0.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0) + 2;
        let mut out = Vec::new();
        for (label, text) in &self.0 {
            for (at, line) in text.lines().enumerate() {
                let label = if at == 0 { label } else { "" };
                let gap = " ".repeat(width - label.chars().count());
                out.push(format!("{}{gap}{line}", paper.paint(Style::Muted, label)).trim_end().to_owned());
            }
        }
        out.join("\n")
    }
}

/// The first seven digits of a commit: for people.
pub fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_empty_ones_are_left_out() {
        let mut table = Table::new(&["name", "nothing", "state"]);
        table.row(["a".into(), "".into(), "in sync".into()]);
        table.row(["longer-name".into(), "".into(), Cell::from("drifted").styled(Style::Warning)]);
        let plain = table.render(&Paper::plain(80, jiff::Timestamp::UNIX_EPOCH));
        assert_eq!(plain, "NAME         STATE\na            in sync\nlonger-name  drifted");
        let coloured = Paper { colour: true, ..Paper::plain(80, jiff::Timestamp::UNIX_EPOCH) };
        assert!(table.render(&coloured).contains("\u{1b}[33mdrifted\u{1b}[0m"));
    }

    #[test]
    fn what_a_terminal_would_obey_is_spelled_out() {
        let mut table = Table::new(&["name"]);
        table.row(["\u{1b}[2J".into()]);
        assert!(!table.render(&Paper::plain(80, jiff::Timestamp::UNIX_EPOCH)).contains('\u{1b}'));
    }

    #[test]
    fn a_second_line_goes_on_below_the_first() {
        let mut lines = Lines::default();
        lines.add("head", "one\ntwo");
        lines.add("longer", "three");
        assert_eq!(
            lines.render(&Paper::plain(80, jiff::Timestamp::UNIX_EPOCH)),
            "head    one\n        two\nlonger  three"
        );
    }
}
