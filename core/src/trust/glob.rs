//! Path patterns of the trust policy: `*` and `?` within one name, `**` for any number of names.
//! Nothing else has a meaning, so that a rule reads one way only.

/// A pattern over paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(Box<str>);

impl std::fmt::Display for Glob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Glob {
    /// The pattern, unless it uses characters that other tools would read as more.
    pub fn parse(text: &str) -> Result<Self, String> {
        let odd = text.contains(['[', ']', '{', '}', '!', '\\']);
        let names_ok = text
            .split('/')
            .all(|name| !name.is_empty() && name != "." && name != ".." && (name == "**" || !name.contains("**")));
        if odd || !names_ok {
            return Err(format!("`{text}` is no path pattern: names, `*`, `?` and `**` separated by single slashes"));
        }
        Ok(Self(text.into()))
    }

    /// Whether `path` is meant.
    pub fn matches(&self, path: &str) -> bool {
        let pattern: Vec<&str> = self.0.split('/').collect();
        let path: Vec<&str> = path.split('/').collect();
        sequence(&pattern, &path, |pattern| *pattern == "**", |pattern, name| within(pattern, name))
    }
}

fn within(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    sequence(&pattern, &name, |c| *c == '*', |p, c| *p == '?' || p == c)
}

/// Matches items one by one, where a star stands for any number; goes back to the last star only,
/// so that no pattern costs more than the product of both lengths.
fn sequence<P, T>(pattern: &[P], items: &[T], star: impl Fn(&P) -> bool, one: impl Fn(&P, &T) -> bool) -> bool {
    let (mut p, mut i) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while i < items.len() {
        if p < pattern.len() && star(&pattern[p]) {
            back = Some((p + 1, i));
            p += 1;
        } else if p < pattern.len() && one(&pattern[p], &items[i]) {
            (p, i) = (p + 1, i + 1);
        } else if let Some((after, at)) = back {
            (p, i) = (after, at + 1);
            back = Some((after, at + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(star)
}
