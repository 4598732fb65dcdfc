//! Text that others wrote, inside Markdown: always code, so that it can neither mention, link, format
//! nor leave its table cell; and a page that never grows past its limit.

use super::text::{clipped, visible};

/// `text` as code on one line.
pub(super) fn code(text: &str) -> String {
    let text = visible(text);
    let inert = !text.is_empty() && !text.contains(['`', '|', '\\']) && text.trim() == text;
    if inert {
        return format!("`{text}`");
    }
    let inner: String = text
        .chars()
        .map(|c| if c.is_alphanumeric() || c == ' ' { c.to_string() } else { format!("&#{};", u32::from(c)) })
        .collect();
    format!("<code>{inner}</code>")
}

/// `text` as code, its value cut to `most` columns. Never for names.
pub(super) fn code_clipped(text: &str, most: usize) -> String {
    code(&clipped(&visible(text), most))
}

/// `text` as it is where it is a plain word or `word (word)`, else as code.
pub(super) fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | ' ' | '(' | ')');
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
    if begins && text.chars().all(plain) && text.trim() == text { text.to_owned() } else { code(text) }
}

/// `text` cut to `most` columns: as it is where nothing in it could be markup, a link or a mention, else as code.
pub(super) fn sentence(text: &str, most: usize) -> String {
    let text = clipped(&visible(text), most);
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '(' | ')' | '/' | ',' | '.' | ';' | ':' | '…');
    let links = ["://", "www.", "mailto:", "xmpp:"].iter().any(|start| text.to_ascii_lowercase().contains(start));
    if text.chars().all(plain) && !links && text.trim() == text { text } else { code(&text) }
}

/// A fenced block of `lines`, the fence longer than any in them.
pub(super) fn fenced(language: &str, lines: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for c in lines.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{lines}\n{fence}\n")
}

/// Text that grows only while it stays within a limit of bytes: never more characters than that.
pub(super) struct Page {
    text: String,
    limit: usize,
}

impl Page {
    /// An empty page.
    pub fn new(limit: usize) -> Self {
        Self { text: String::new(), limit }
    }

    /// Bytes left when `reserved` stay free.
    pub fn room(&self, reserved: usize) -> usize {
        self.limit.saturating_sub(self.text.len() + reserved)
    }

    /// Appends `more` if it fits and `reserved` bytes stay free; says whether it did.
    pub fn push(&mut self, more: &str, reserved: usize) -> bool {
        let fits = more.len() <= self.room(reserved);
        if fits {
            self.text.push_str(more);
        }
        fits
    }

    /// The text.
    pub fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_text_is_inert() {
        assert_eq!(code("Tenant/acme"), "`Tenant/acme`");
        assert_eq!(code("a|b"), "<code>a&#124;b</code>");
        assert_eq!(code("x`y"), "<code>x&#96;y</code>");
        assert_eq!(code("two\nlines"), "<code>two&#92;nlines</code>");
        assert_eq!(word("@everyone"), "`@everyone`");
        assert_eq!(word("alice (author)"), "alice (author)");
        assert_eq!(sentence("waits for Partner/acme", 80), "waits for Partner/acme");
        assert_eq!(sentence("see http://x", 80), "`see http://x`");
        assert_eq!(sentence("**now** @all", 80), "`**now** @all`");
    }

    #[test]
    fn a_fence_is_longer_than_any_inside() {
        assert!(fenced("text", "a ```` b").starts_with("`````text\n"));
    }
}
