//! Text that others wrote, made safe to print, and laid out. Nothing hidden stays hidden: what a
//! terminal would obey or a reader would not see is spelled out.

/// `text` on one line, with every control, bidirectional and zero-width character spelled out.
pub fn visible(text: &str) -> String {
    if !text.chars().any(is_hidden) {
        return text.to_owned();
    }
    text.chars().map(|c| if is_hidden(c) { escaped(c) } else { c.to_string() }).collect()
}

/// How a hidden character is spelled out; others escape themselves as in Rust.
pub(super) fn escaped(c: char) -> String {
    match c {
        '\n' => "\\n".to_owned(),
        '\t' => "\\t".to_owned(),
        '\r' => "\\r".to_owned(),
        _ => format!("\\u{{{:x}}}", u32::from(c)),
    }
}

/// What a terminal obeys or a reader does not see.
pub(super) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{180e}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
        )
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}')
        || matches!(c, '\u{e0000}'..='\u{e0fff}')
}

/// Characters of `text`: its columns, near enough.
pub(super) fn columns(text: &str) -> usize {
    text.chars().count()
}

/// The first `most` columns of `text`, ending in `…` when that cuts. For values, never for names.
pub(super) fn clipped(text: &str, most: usize) -> String {
    if columns(text) <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// `text` clipped so that the place where it first differs from `other` can be seen.
pub(super) fn clipped_at_difference(text: &str, other: &str, most: usize) -> String {
    let same = text.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    if columns(text) <= most || same + 8 < most {
        return clipped(text, most);
    }
    let from = same.saturating_sub(most / 3);
    let rest: String = text.chars().skip(from).collect();
    clipped(&format!("…{rest}"), most)
}

/// `text` broken between words into lines of at most `width`; a longer word has a line of its own.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last().map_or(0, |line| columns(line));
        if last > 0 && last + 1 + columns(word) > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// `1,204`.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 error`, `2 errors`.
pub(super) fn counted(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_spelled_out() {
        assert_eq!(visible("a\u{1b}[2Jb\u{202e}c\nd"), "a\\u{1b}[2Jb\\u{202e}c\\nd");
        assert_eq!(visible("Ünïcode → fine"), "Ünïcode → fine");
    }

    #[test]
    fn a_late_difference_stays_in_sight() {
        let (old, new) = (format!("{}old", "x".repeat(200)), format!("{}new", "x".repeat(200)));
        assert!(clipped_at_difference(&new, &old, 40).ends_with("xnew"));
        assert!(columns(&clipped_at_difference(&new, &old, 40)) <= 40);
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!([0, 999, 1204, 1_000_000].map(grouped), ["0", "999", "1,204", "1,000,000"]);
    }
}
