//! The notation of stories. A line is a commit, or something that happens:
//!
//! ```text
//! w alice on 0: a=9Gi; put docs/x.md hi   commit `w`, signed by alice, on the introduction `0`
//! m - on 0,w: merge 0                     the forge's merge: unsigned, what `w` changed since `0`
//! p bob on w: approve 0..w                an empty commit with the trailer for that change
//! wait 15d | now 20d                      the next commit's time; the daemon's clock
//! poll m | push p | deny 0..w | denykey bob | consider m
//! believe 1                               how many records this host wrote down itself
//! tip m: accepted m                       what trust says of a tip: the accepted commit,
//! tip m: accepted 0, held PIN0510         and the code of a reason why the rest is not
//! tip m: accepted 0, same                 a tip that moves nothing, and says the same
//! ```

use super::people::{MAIN, REPO, line, policy};
use super::repository::{Files, PLAIN, Repository, START, instance};
use jiff::Timestamp;
use pintle_core::change::Oid;
use pintle_core::trust::{
    AcceptedCommit, POLICY_PATH, PublicKey, Revocation, Statement, Trailer, Verdict, Word, message_of,
};
use std::collections::HashMap;

/// A story at work.
pub struct Story {
    pub repository: Repository,
    pub names: HashMap<String, Oid>,
}

/// Tells a story; panics where it does not go as it says.
pub fn tell(text: &str) {
    let mut story = Story::begin();
    for line in text.lines().map(|line| line.split('#').next().unwrap().trim()).filter(|line| !line.is_empty()) {
        story.line(line);
    }
}

impl Story {
    pub fn begin() -> Self {
        let repository = Repository::new();
        let names = HashMap::from([("0".to_owned(), repository.first)]);
        Self { repository, names }
    }

    pub fn oid(&self, name: &str) -> Oid {
        *self.names.get(name.trim()).unwrap_or_else(|| panic!("no commit is called `{name}`"))
    }

    pub fn line(&mut self, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap();
        let seconds = |text: &str| {
            let (digits, unit) = text.split_at(text.len() - 1);
            let unit = match unit {
                "m" => 60,
                "h" => 3_600,
                "d" => 86_400,
                _ => panic!("{text}"),
            };
            digits.parse::<i64>().unwrap() * unit
        };
        match word {
            "tip" => self.expect(rest),
            "wait" => self.repository.time += seconds(rest),
            "now" => self.repository.now = Timestamp::from_second(START + seconds(rest)).unwrap(),
            "poll" => drop(self.repository.poll(self.oid(rest))),
            "believe" => self.repository.believed = rest.parse().unwrap(),
            "push" => self.repository.evidence.push(self.oid(rest)),
            "consider" => self.repository.considered.push(self.oid(rest)),
            "deny" => {
                let (base, rev) = self.range(rest);
                self.repository.denied.push(self.repository.change(base, rev));
            }
            "denykey" => {
                let key = PublicKey::from_line(&line_of(rest)).unwrap().fingerprint();
                self.repository.denied_keys.insert(key, "a story".into());
            }
            name => self.commit(name, rest),
        }
    }

    fn range(&self, text: &str) -> (Oid, Oid) {
        let (base, rev) = text.split_once("..").unwrap();
        (self.oid(base), self.oid(rev))
    }

    fn commit(&mut self, name: &str, rest: &str) {
        let (head, operations) = rest.split_once(':').unwrap_or((rest, ""));
        let (who, parents) = head.split_once(" on ").unwrap();
        let parents: Vec<Oid> = parents.split(',').filter(|one| *one != "nothing").map(|one| self.oid(one)).collect();
        let mut files = parents.first().map_or_else(Files::new, |first| self.repository.files[first].clone());
        let mut message = "Edit\n\nWhy not.\n".to_owned();
        for operation in operations.split(';').map(str::trim).filter(|one| !one.is_empty()) {
            self.apply(operation, &parents, &mut files, &mut message);
        }
        let who = who.trim();
        let oid = self.repository.commit((who != "-").then_some(who), &parents, &files, &message);
        self.names.insert(name.to_owned(), oid);
    }

    fn apply(&mut self, operation: &str, parents: &[Oid], files: &mut Files, message: &mut String) {
        let words: Vec<&str> = operation.split(' ').collect();
        let mut put = |path: &str, mode: i32, text: String| drop(files.insert(path.into(), (mode, text.into_bytes())));
        match words.as_slice() {
            ["merge", base] => {
                let (before, after) =
                    (self.repository.files[&self.oid(base)].clone(), &self.repository.files[&parents[1]]);
                after.iter().filter(|(path, content)| before.get(*path) != Some(content)).for_each(
                    |(path, content)| {
                        files.insert(path.clone(), content.clone());
                    },
                );
                files.retain(|path, _| after.contains_key(path) || !before.contains_key(path));
                "Merge branch\n".clone_into(message);
            }
            ["files", of] => files.clone_from(&self.repository.files[&self.oid(of)]),
            ["put", path, text @ ..] => put(path, PLAIN, text.join(" ").replace("\\n", "\n")),
            ["mode", path, mode] => {
                let content = files.get(*path).map(|(_, content)| content.clone()).unwrap_or_default();
                files.insert((*path).into(), (i32::from_str_radix(mode, 8).unwrap(), content));
            }
            ["del", path] => drop(files.remove(*path)),
            ["move", from, to] => {
                let content = files.remove(*from).unwrap();
                files.insert((*to).into(), content);
            }
            ["tier", name, tier] => put(&format!("instances/{name}.yaml"), PLAIN, instance(name, tier, "8Gi")),
            ["policy", version, changes @ ..] => {
                let version = version.parse().unwrap();
                let text = changes.iter().fold(policy(version), |text, change| {
                    let (from, to) = change.split_once("=>").unwrap();
                    let [from, to] = [from, to].map(|part| keys_in(&part.replace('_', " ").replace("\\n", "\n")));
                    assert!(text.contains(&from), "`{from}` is not in the policy");
                    text.replacen(&from, &to, 1)
                });
                put(POLICY_PATH, PLAIN, text);
            }
            ["revoke", who] => {
                let fingerprint = PublicKey::from_line(&line_of(who)).unwrap().fingerprint();
                let said = Revocation { repo_id: REPO.into(), fingerprint, reason: "laptop lost".into() };
                *message = message_of(&Trailer::Revocation(said), "Revoke a key");
            }
            [word @ ("approve" | "withdraw" | "glass" | "ratify"), range, changes @ ..] => {
                *message = self.trailer(word, range, changes);
            }
            ["say", text @ ..] => *message = text.join(" ").replace("\\n", "\n"),
            [set] if set.contains('=') => {
                let (name, memory) = set.split_once('=').unwrap();
                let path = format!("instances/{name}.yaml");
                let gold = files.get(&path).is_some_and(|(_, text)| String::from_utf8_lossy(text).contains("gold"));
                let text = instance(name, if gold { "gold" } else { "silver" }, memory);
                files.insert(path, (PLAIN, text.into_bytes()));
            }
            _ => panic!("`{operation}` means nothing"),
        }
    }

    /// The message of a word about a change; `changes` bend it: `ref=…`, `repo=…`, `base=NAME`, `twice`, `middle`.
    fn trailer(&self, word: &str, range: &str, changes: &[&str]) -> String {
        let (base, rev) = self.range(range);
        let said = match word {
            "approve" => Word::Approve,
            "withdraw" => Word::Withdraw,
            "glass" => Word::BreakGlass,
            _ => Word::Ratify,
        };
        let mut statement = Statement::new(said, REPO, MAIN, base, self.repository.change(base, rev));
        statement.reason = (said == Word::BreakGlass).then(|| "it burns".into());
        for change in changes {
            match change.split_once('=') {
                Some(("ref", name)) => statement.git_ref = name.into(),
                Some(("repo", id)) => statement.repo_id = id.into(),
                Some(("base", name)) => statement.base = self.oid(name),
                _ => {}
            }
        }
        let line = statement.to_string();
        match changes {
            ["twice"] => format!("Approve\n\n{line}\n{line}\n"),
            ["middle"] => format!("Approve\n\n{line}\n\nSigned-off-by: x\n"),
            _ => message_of(&Trailer::Statement(statement), "About the change"),
        }
    }

    fn expect(&self, rest: &str) {
        let (tip, outcome) = rest.split_once(':').unwrap();
        let verdict = self.repository.verdict(self.oid(tip));
        self.repository.derives_again(&verdict);
        let mut parts = outcome.split(',').map(str::trim);
        let accepted = parts.next().unwrap().strip_prefix("accepted ").unwrap();
        let is = verdict.accepted.as_ref().map(AcceptedCommit::commit);
        let named =
            |oid: Option<Oid>| self.names.iter().find(|(_, one)| Some(**one) == oid).map(|(name, _)| name.clone());
        assert_eq!(named(is).as_deref(), Some(accepted), "{rest}\n{:#?}\n{:#?}", verdict.held, verdict.refused);
        let whole = is == Some(self.oid(tip));
        match parts.next() {
            None => assert!(
                whole && verdict.held.is_none() && verdict.refused.is_none(),
                "{rest}: the tip is not accepted: {:#?}",
                verdict.held
            ),
            Some("same") => assert!(!whole && verdict.held.is_none() && verdict.refused.is_none(), "{rest}"),
            Some(reason) => {
                assert!(!whole, "{rest}: the tip is accepted");
                let (word, code) = reason.split_once(' ').unwrap();
                assert_eq!(
                    (word, codes(&verdict).contains(&code.to_owned())),
                    (kind(&verdict), true),
                    "{rest}: {:?}",
                    codes(&verdict)
                );
            }
        }
    }
}

fn kind(verdict: &Verdict) -> &'static str {
    if verdict.refused.is_some() { "refused" } else { "held" }
}

fn codes(verdict: &Verdict) -> Vec<String> {
    let refused = verdict.refused.iter().map(|refused| refused.reason.code.to_string());
    let held = verdict.held.iter().flat_map(|held| &held.reasons).map(|reason| reason.code.to_string());
    refused.chain(held).collect()
}

fn line_of(who: &str) -> String {
    line(who.trim())
}

/// `<who>` becomes the key of `who`, and `'@who'` its fingerprint.
fn keys_in(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some((before, rest)) = text.split_once("'@") {
        let (who, after) = rest.split_once('\'').unwrap();
        text = format!("{before}'{}'{after}", PublicKey::from_line(&line(who)).unwrap().fingerprint());
    }
    while let Some((before, rest)) = text.split_once('<').map(|(before, rest)| (before.to_owned(), rest.to_owned())) {
        let (who, after) = rest.split_once('>').unwrap();
        text = format!("{before}\"{}\"{after}", line(who));
    }
    text
}
