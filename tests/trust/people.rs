//! People with keys from fixed seeds, one of them on a token, and the policy that names them.

use sha2::{Digest as _, Sha256, Sha512};
use signature::Signer as _;
use ssh_key::private::{Ed25519Keypair, KeypairData, PrivateKey};
use ssh_key::{HashAlg, LineEnding};

pub const REPO: &str = "5b1c7c0e-0000-4000-8000-000000000001";
pub const MAIN: &str = "refs/heads/main";

fn seed(who: &str) -> [u8; 32] {
    let digest = Sha256::digest(who.as_bytes());
    digest.into()
}

/// A plain key: `alice2` is alice's second one.
pub fn key(who: &str) -> PrivateKey {
    PrivateKey::new(KeypairData::from(Ed25519Keypair::from_seed(&seed(who))), "").unwrap()
}

/// gina's key lives on a token.
pub fn is_fido(who: &str) -> bool {
    who == "gina"
}

fn string(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

const SK: &[u8] = b"sk-ssh-ed25519@openssh.com";

fn sk_blob(who: &str) -> Vec<u8> {
    let public = key(who).public_key().key_data().ed25519().unwrap().0;
    [string(SK), string(&public), string(b"ssh:")].concat()
}

/// The public key of `who`, as `.pub` files say it.
pub fn line(who: &str) -> String {
    if is_fido(who) {
        return format!("sk-ssh-ed25519@openssh.com {}", base64(&sk_blob(who)));
    }
    key(who).public_key().to_openssh().unwrap().trim().to_owned()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * at) & 63) as usize] as char;
            out.push(if at <= chunk.len() { digit } else { '=' });
        }
    }
    out
}

/// The armored signature of `who` over `payload`; a token says it was touched and checked a PIN.
pub fn armor(who: &str, payload: &[u8]) -> String {
    if !is_fido(who) {
        let sealed = key(who).sign("git", HashAlg::Sha512, payload).unwrap();
        return sealed.to_pem(LineEnding::LF).unwrap().trim_end().to_owned();
    }
    let parts = [b"git".as_slice(), b"", b"sha512", &Sha512::digest(payload)];
    let message = [b"SSHSIG".to_vec(), parts.iter().flat_map(|part| string(part)).collect()].concat();
    let (flags, counter) = (5u8, 7u32.to_be_bytes());
    let covered = [&Sha256::digest(b"ssh:")[..], &[flags], &counter, &Sha256::digest(&message)[..]].concat();
    let signature = key(who).try_sign(&covered).unwrap();
    let inner = [string(SK), string(signature.as_bytes()), vec![flags], counter.to_vec()].concat();
    let head = [b"SSHSIG".as_slice(), &1u32.to_be_bytes()].concat();
    let blob = [head, string(&sk_blob(who)), string(b"git"), string(b""), string(b"sha512"), string(&inner)].concat();
    pem(&blob)
}

/// An SSHSIG as OpenSSH armors it.
pub fn pem(blob: &[u8]) -> String {
    let text = base64(blob);
    let lines: Vec<&str> = text.as_bytes().chunks(70).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----", lines.join("\n"))
}

/// The policy that every story begins with.
pub fn policy(version: u64) -> String {
    let person = |who: &str| format!("  {who}: {{keys: [{{key: \"{}\"}}]}}\n", line(who));
    let plain: String = ["bob", "carol", "dave", "erin"].into_iter().map(person).collect();
    format!(
        "version: {version}\nrepoId: {REPO}\npeople:\n  alice: {{keys: [{{key: \"{}\"}}, {{key: \"{}\"}}]}}\n{plain}  \
gina: {{keys: [{{key: \"{}\", require: [touch, pin]}}]}}\n  zbot: {{machine: true, keys: [{{key: \"{}\"}}]}}\n\
groups: {{root: [alice, bob, carol], release: [alice, dave], sre: [bob, erin, zbot], acme: [gina]}}
rules:
  - {{name: trust, match: {{paths: [\".pintle/**\"]}}, approvals: 2, from: [root]}}
  - {{name: gold, match: {{kind: Instance, labels: {{tier: gold}}}}, approvals: 2, from: [sre, release], independent: 1, rollback: 1}}
  - {{name: pins, match: {{kind: Instance, fields: [spec.update.pin]}}, approvals: 1, from: [release]}}
  - {{name: removal, match: {{kind: Instance, actions: [delete]}}, approvals: 2, from: [sre, release]}}
  - {{name: acme, match: {{partner: acme, kind: Instance}}, approvals: 1, from: [acme, sre]}}
  - {{name: secure, match: {{paths: [\"secure/**\"]}}, approvals: 2, from: [sre, release]}}
  - {{name: docs, match: {{paths: [\"docs/**\"]}}, approvals: 1, from: [root, release, sre, acme], implicit: true}}
  - {{name: rest, match: {{otherwise: true}}, approvals: 1, from: [sre, release]}}
breakGlass: {{from: [sre], approvals: 1, match: {{kind: Instance}}, ratifyWithin: 24h}}
",
        line("alice"),
        line("alice2"),
        line("gina"),
        line("zbot"),
    )
}
