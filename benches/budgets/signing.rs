//! Five people with real keys, and commits signed by them as ssh-keygen would.

use ssh_key::private::{Ed25519Keypair, KeypairData, PrivateKey};
use ssh_key::{HashAlg, LineEnding};

pub const PEOPLE: usize = 5;
pub const REPO_ID: &str = "6f2b5a0e-6f0f-4f2a-9c57-2f1d0c7b9a10";

/// Someone who signs.
pub struct Person {
    pub name: String,
    pub email: String,
    key: PrivateKey,
}

/// The five. Their keys come from fixed seeds: runs are alike.
pub fn people() -> Vec<Person> {
    (1..=PEOPLE as u8)
        .map(|seed| Person {
            name: format!("person-{seed}"),
            email: format!("person-{seed}@bench.example"),
            key: PrivateKey::new(KeypairData::from(Ed25519Keypair::from_seed(&[seed; 32])), "").unwrap(),
        })
        .collect()
}

impl Person {
    pub fn public_key(&self) -> String {
        self.key.public_key().to_openssh().unwrap().trim().to_owned()
    }

    /// The bytes of a signed commit.
    pub fn commit(&self, tree: git2::Oid, parent: Option<git2::Oid>, second: i64, message: &str) -> Vec<u8> {
        let parent = parent.map(|oid| format!("parent {oid}\n")).unwrap_or_default();
        let who = format!("{} <{}> {second} +0000", self.name, self.email);
        let head = format!("tree {tree}\n{parent}author {who}\ncommitter {who}\n");
        let seal = self.key.sign("git", HashAlg::Sha512, format!("{head}\n{message}").as_bytes()).unwrap();
        let armor = seal.to_pem(LineEnding::LF).unwrap();
        format!("{head}gpgsig {}\n\n{message}", armor.trim_end().replace('\n', "\n ")).into_bytes()
    }
}

/// A policy under which each of the five may change documents alone.
pub fn policy() -> String {
    let people = people();
    let names: Vec<&str> = people.iter().map(|one| one.name.as_str()).collect();
    let keys: String = people
        .iter()
        .map(|one| format!("  {}: {{email: {}, keys: [{{key: \"{}\"}}]}}\n", one.name, one.email, one.public_key()))
        .collect();
    format!(
        "version: 1\nrepoId: {REPO_ID}\npeople:\n{keys}groups:\n  root: [{all}]\n  platform: [{all}]\nrules:\n  - {{name: trust, match: {{paths: [\".pintle/**\"]}}, approvals: 1, from: [root]}}\n  - {{name: rest, match: {{otherwise: true}}, approvals: 1, from: [platform], implicit: true}}\n",
        all = names.join(", ")
    )
}

/// What `gpg.ssh.allowedSignersFile` names.
pub fn allowed_signers() -> String {
    people().iter().map(|one| format!("{} {}\n", one.email, one.public_key())).collect()
}
