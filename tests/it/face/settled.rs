//! Names for what differs from run to run: times, durations, ids, digests, hosts.

use regex::Regex;

const VOLATILE: [(&str, &str); 12] = [
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "<uid>"),
    (r"\b[0-9a-f]{64}\b", "<digest>"),
    (r"\b[0-9a-f]{4}…[0-9a-f]{2}\b", "<digest>"),
    (r"\b[0-9a-f]{40}\b", "<oid>"),
    (r"SHA256:[A-Za-z0-9+/]{43}", "<fingerprint>"),
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?", "<time>"),
    (r"\b(in )?\d+(\.\d+)? (s|min)( ago)?\b|\bjust now\b", "<span>"),
    (r" \(waited <span>\)", ""),
    (r"\bpin-\d+\b", "pin-<delivery>"),
    (r"\bwriter \d+, seq \d+\b", "writer <slot>, seq <seq>"),
    (r",\d+,\d+,<digest>", ",<slot>,<seq>,<digest>"),
    (r"<host>:\d+", "<host>:<pid>"),
];

/// `text` as it is in every run.
pub fn settled(text: &str) -> String {
    let host = nix::unistd::gethostname().unwrap().to_string_lossy().into_owned();
    let text = Regex::new(&format!(r"\b{}\b", regex::escape(&host))).unwrap().replace_all(text, "<host>").into_owned();
    let text = VOLATILE
        .iter()
        .fold(text, |text, (what, name)| Regex::new(what).unwrap().replace_all(&text, *name).into_owned());
    let text = Regex::new(r"[\w.-]+@<host>").unwrap().replace_all(&text, "<person>@<host>").into_owned();
    aligned(&text)
}

/// Columns are as wide as their widest text, which was replaced: in tables two spaces are between
/// them. What stands at the right margin moves with it.
fn aligned(text: &str) -> String {
    let (head, gap) = (Regex::new(r"^[A-Z]{2,} {2,}[A-Z]{2,}").unwrap(), Regex::new(r" {2,}").unwrap());
    let mut inside = false;
    let beside = Regex::new(r" {10,}").unwrap();
    let line = |line: &str| {
        inside = head.is_match(line) || (inside && !line.is_empty() && !line.starts_with('['));
        if inside {
            gap.replace_all(line, "  ").into_owned()
        } else if line.contains("<span>") {
            beside.replace_all(line, "          ").into_owned()
        } else {
            line.to_owned()
        }
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_differs_from_run_to_run_is_named_and_the_rest_is_left() {
    let text = "applied  8f3c1a2  3.2 s ago, in 0.1 s, plan 6d1e…90 at 2026-11-23T03:09:39.4Z\n  two  spaces";
    assert_eq!(settled(text), "applied  8f3c1a2  <span>, <span>, plan <digest> at <time>\n  two  spaces");
    assert_eq!(settled("NAME         AGE     BY\nlonger-name  12 s    bob"), "NAME  AGE  BY\nlonger-name  <span>  bob");
}
