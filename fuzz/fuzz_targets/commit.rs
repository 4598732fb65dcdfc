//! Any bytes are a commit, or are none; nothing panics. What verifies here, another reader of SSHSIG
//! verifies too, over a payload that is the object without its signature.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pintle_core::trust::{Commit, Seal, Trailer, parse_tree, verify};

fuzz_target!(|raw: &[u8]| {
    let _ = parse_tree(raw);
    let Ok(commit) = Commit::parse(raw) else { return };
    let _ = Trailer::of_message(&commit);
    let Seal::Ssh { blob, payload } = &commit.seal else { return };
    let headers = payload.windows(2).position(|part| part == b"\n\n").unwrap_or(payload.len());
    assert!(payload.len() < raw.len() && !payload[..headers].windows(7).any(|part| part == b"\ngpgsig"));
    let Ok(signed) = verify(blob, payload) else { return };
    let text = String::from_utf8_lossy(raw);
    let armor = text.split("gpgsig ").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or_default();
    let lines: String = armor.replace("\n ", "").replace("-----BEGIN SSH SIGNATURE-----", "");
    let digits = lines.replace("-----END SSH SIGNATURE-----", "");
    let wrapped: Vec<&str> = digits.as_bytes().chunks(70).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    let pem = format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", wrapped.join("\n"));
    let theirs = ssh_key::SshSig::from_pem(pem).expect("another reader reads it");
    let public: ssh_key::PublicKey = signed.key.to_line().parse().expect("another reader reads the key");
    public.verify("git", payload, &theirs).expect("another reader agrees");
});
