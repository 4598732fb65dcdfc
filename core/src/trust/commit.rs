//! The strict grammar of a raw commit object. Own parser: libgit2 does not stop at the blank line.
//! A commit whose tree and parents cannot be read without doubt is an error; one that is merely
//! irregular (other headers, another signature scheme) is part of history and carries no authority.

use super::armor;
use crate::change::Oid;
use std::borrow::Cow;
use std::sync::Arc;

/// Who and when, as an `author` or `committer` line says it. Claims, not proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ident {
    /// The name as written.
    pub name: Arc<str>,
    /// The email as written.
    pub email: Arc<str>,
    /// Seconds since 1970, UTC.
    pub seconds: i64,
}

impl Ident {
    /// What a malformed line says: nothing.
    fn unknown() -> Self {
        Self { name: "".into(), email: "".into(), seconds: 0 }
    }
}

/// Why a commit is no part of any history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// It does not begin with one `tree` line of 40 lower-case hexadecimal digits.
    #[error("no tree line")]
    Tree,
    /// A `parent` line is malformed.
    #[error("a malformed parent line")]
    Parent,
    /// No `author` line where it belongs.
    #[error("no author line where it belongs")]
    Author,
    /// No `committer` line where it belongs.
    #[error("no committer line where it belongs")]
    Committer,
    /// A second `tree`, `parent`, `author` or `committer` line.
    #[error("a second tree, parent, author or committer line")]
    Repeated,
    /// The headers hold a NUL or no blank line ends them.
    #[error("the headers do not end, or hold a NUL")]
    Headers,
}

/// Why a commit carries no authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Irregular {
    /// An author or committer that is not `name <email> seconds ±hhmm` in UTF-8.
    #[error("its author or committer line is malformed")]
    Ident,
    /// A header that the grammar does not have, or one out of place.
    #[error("it has a header that signed commits must not have")]
    Header,
    /// An encoding that is not UTF-8.
    #[error("its encoding is not UTF-8")]
    Encoding,
    /// A NUL in the message, or text that is not UTF-8.
    #[error("its message holds a NUL or is not UTF-8")]
    Message,
    /// A signature that is no SSH signature.
    #[error("it is signed, but not by an SSH key; set gpg.format to ssh")]
    NotSsh,
    /// Armor that is not as OpenSSH writes it.
    #[error("its signature's armor is not canonical")]
    Armor,
}

/// What stands in a commit for a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seal {
    /// Nothing.
    Unsigned,
    /// An SSHSIG (not verified yet) and the bytes that it covers.
    Ssh {
        /// The SSHSIG without its armor.
        blob: Vec<u8>,
        /// The object without the `gpgsig` header, verbatim.
        payload: Vec<u8>,
    },
    /// The commit breaks the grammar of signed commits.
    Irregular(Irregular),
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its tree.
    pub tree: Oid,
    /// Its parents, from the raw bytes.
    pub parents: Vec<Oid>,
    /// Who wrote it.
    pub author: Ident,
    /// Who committed it, and the time that a signature covers.
    pub committer: Ident,
    /// Its signature.
    pub seal: Seal,
    /// The message; empty when it is not UTF-8.
    pub message: Box<str>,
}

impl Commit {
    /// Reads a raw commit object.
    pub fn parse(raw: &[u8]) -> Result<Self, CommitError> {
        let end = raw.windows(2).position(|pair| pair == b"\n\n").ok_or(CommitError::Headers)?;
        if raw[..=end].contains(&0) {
            return Err(CommitError::Headers);
        }
        // Old histories hold names in other encodings; they are history, and their signatures nothing.
        let headers = String::from_utf8_lossy(&raw[..=end]);
        let exact = matches!(headers, Cow::Borrowed(_));
        let body = &raw[end + 2..];
        let mut lines = Lines(&headers);
        let tree = lines.next_if("tree ").and_then(oid).ok_or(CommitError::Tree)?;
        let mut parents = Vec::new();
        while let Some(line) = lines.next_if("parent ") {
            parents.push(oid(line).ok_or(CommitError::Parent)?);
        }
        let author = ident(lines.next_if("author ").ok_or(CommitError::Author)?);
        let committer = ident(lines.next_if("committer ").ok_or(CommitError::Committer)?);
        refuse_repeated(lines.0)?;
        let seal = match (&author, &committer) {
            (Some(_), Some(_)) if exact => seal(raw, headers.len() - lines.0.len(), lines, body),
            _ => Seal::Irregular(Irregular::Ident),
        };
        let (author, committer) = (author.unwrap_or_else(Ident::unknown), committer.unwrap_or_else(Ident::unknown));
        let message = std::str::from_utf8(body).unwrap_or_default().into();
        Ok(Self { tree, parents, author, committer, seal, message })
    }

    /// Its subject: the first line of the message.
    pub fn subject(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }

    /// The lines of the last paragraph of the message, where trailers stand.
    pub fn trailers(&self) -> impl Iterator<Item = &str> {
        let text = self.message.trim_end_matches('\n');
        let last = text.rfind("\n\n").map_or(text, |at| &text[at + 2..]);
        last.split('\n')
    }
}

/// The headers that are left.
struct Lines<'a>(&'a str);

impl<'a> Lines<'a> {
    /// The rest of the next line, if it begins with `prefix`.
    fn next_if(&mut self, prefix: &str) -> Option<&'a str> {
        let (line, rest) = self.0.strip_prefix(prefix)?.split_once('\n')?;
        self.0 = rest;
        Some(line)
    }
}

fn oid(digits: &str) -> Option<Oid> {
    Oid::from_hex(digits.as_bytes())
}

/// `name <email> seconds ±hhmm`, with no room for a second reading.
fn ident(line: &str) -> Option<Ident> {
    let (name, rest) = line.split_once('<')?;
    let (email, time) = rest.split_once("> ")?;
    let (seconds, zone) = time.split_once(' ')?;
    let (sign, digits) = zone.split_at_checked(1)?;
    let plain = !line.contains(['\r', '\0']) && !email.contains(['<', '>']) && !name.contains('>');
    let number = !seconds.is_empty() && seconds.len() <= 12 && seconds.bytes().all(|b| b.is_ascii_digit());
    let canonical = number && (seconds == "0" || !seconds.starts_with('0'));
    let offset = matches!(sign, "+" | "-") && digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit());
    if !(plain && canonical && offset) {
        return None;
    }
    Some(Ident { name: name.trim_end_matches(' ').into(), email: email.into(), seconds: seconds.parse().ok()? })
}

fn refuse_repeated(headers: &str) -> Result<(), CommitError> {
    let structural = |line: &str| matches!(line.split(' ').next(), Some("tree" | "parent" | "author" | "committer"));
    if headers.lines().any(structural) { Err(CommitError::Repeated) } else { Ok(()) }
}

/// What is left of the headers must be at most `encoding UTF-8`, then at most one `gpgsig`.
fn seal(raw: &[u8], mut at: usize, mut lines: Lines<'_>, body: &[u8]) -> Seal {
    let signed = lines.0.lines().any(|line| line.starts_with("gpgsig"));
    let before = lines.0.len();
    if let Some(encoding) = lines.next_if("encoding ")
        && encoding != "UTF-8"
    {
        return Seal::Irregular(Irregular::Encoding);
    }
    at += before - lines.0.len();
    match lines.0 {
        "" => Seal::Unsigned,
        _ if !signed => Seal::Irregular(Irregular::Header),
        rest => ssh_seal(raw, at, rest, body).unwrap_or_else(Seal::Irregular),
    }
}

fn ssh_seal(raw: &[u8], at: usize, rest: &str, body: &[u8]) -> Result<Seal, Irregular> {
    let value = rest.strip_prefix("gpgsig ").and_then(|text| text.strip_suffix('\n')).ok_or(Irregular::Header)?;
    if value.split('\n').skip(1).any(|line| !line.starts_with(' ')) {
        return Err(Irregular::Header);
    }
    if !value.starts_with("-----BEGIN SSH SIGNATURE-----") {
        return Err(Irregular::NotSsh);
    }
    if body.contains(&0) || std::str::from_utf8(body).is_err() {
        return Err(Irregular::Message);
    }
    let text = value.replace("\n ", "\n");
    let blob = armor::decode(&text).ok_or(Irregular::Armor)?;
    let payload = [&raw[..at], &raw[at + rest.len()..]].concat();
    Ok(Seal::Ssh { blob, payload })
}
