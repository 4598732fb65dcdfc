//! The styling vocabulary and the paper it is printed on. Colour repeats what signs and words already
//! say; it refuses to carry a meaning of its own, and refuses to know what a terminal is.

use jiff::Timestamp;

/// The meaning of a piece of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Comes.
    Added,
    /// Goes.
    Removed,
    /// Becomes another.
    Changed,
    /// Names an object or a section.
    Heading,
    /// Of less interest.
    Muted,
    /// Wants attention.
    Warning,
    /// Stands out.
    Bold,
}

impl Style {
    fn ansi(self) -> &'static str {
        match self {
            Self::Added => "\u{1b}[32m",
            Self::Removed => "\u{1b}[31m",
            Self::Changed => "\u{1b}[36m",
            Self::Heading | Self::Bold => "\u{1b}[1m",
            Self::Muted => "\u{1b}[2m",
            Self::Warning => "\u{1b}[33m",
        }
    }
}

/// What is printed on: given by the shell, which alone knows the terminal and the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paper {
    /// Whether to colour.
    pub colour: bool,
    /// Columns available.
    pub width: usize,
    /// The moment of printing, for "2 min ago".
    pub now: Timestamp,
}

/// Narrower paper is treated as this wide.
const NARROWEST: usize = 40;

impl Paper {
    /// Paper without colour.
    pub fn plain(width: usize, now: Timestamp) -> Self {
        Self { colour: false, width, now }
    }

    /// `text` in `style`; `text` alone without colour.
    pub fn paint(&self, style: Style, text: &str) -> String {
        if self.colour && !text.is_empty() { format!("{}{text}\u{1b}[0m", style.ansi()) } else { text.to_owned() }
    }

    /// Columns to lay out for.
    pub(super) fn columns(&self) -> usize {
        self.width.max(NARROWEST)
    }
}
