//! Cases: SSHSIG and FIDO. The encoder here is held against the `ssh-key` crate.

use super::world::{Key, Sig, inner, sign, signed_bytes};
use crate::trust::wire::put_string;
use crate::trust::{KeyError, PublicKey, SignatureError, armor, verify};

const PAYLOAD: &[u8] = b"the payload";

#[test]
fn good_signatures_verify_and_an_independent_reader_agrees() {
    for (key, flags) in [(Key::plain(1), 0), (Key::fido(2), 1), (Key::fido(3), 5)] {
        let blob = sign(&key, flags, PAYLOAD).encode();
        let signed = verify(&blob, PAYLOAD).unwrap();
        assert_eq!((signed.touched, signed.pin), (flags & 1 != 0, flags & 4 != 0));
        let theirs = ssh_key::SshSig::from_pem(format!("{}\n", armor::encode(&blob, 70))).unwrap();
        let public: ssh_key::PublicKey = key.line().parse().unwrap();
        public.verify("git", PAYLOAD, &theirs).unwrap();
        assert_eq!(signed.key.fingerprint().to_string(), public.fingerprint(ssh_key::HashAlg::Sha256).to_string());
        assert_eq!(verify(&blob, b"another payload"), Err(SignatureError::Bad));
    }
}

/// A signature by `key` over exactly what its outer parts say, then broken by `change`.
fn broken(key: &Key, namespace: &[u8], reserved: &[u8], hash: &[u8], change: impl FnOnce(&mut Sig)) -> Vec<u8> {
    let message = signed_bytes(namespace, reserved, hash, PAYLOAD);
    let mut sig = Sig {
        namespace: namespace.into(),
        reserved: reserved.into(),
        hash: hash.into(),
        signature: inner(key, 5, 7, &message),
        ..sign(key, 5, PAYLOAD)
    };
    change(&mut sig);
    sig.encode()
}

fn raw_signature(kind: &str, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_string(kind.as_bytes(), &mut out);
    put_string(bytes, &mut out);
    out
}

#[test]
fn every_broken_signature_is_refused_for_its_own_reason() {
    use SignatureError::{Bad, Hash, Malformed, Namespace, Reserved, TypeMismatch, Version};
    let (plain, fido) = (Key::plain(1), Key::fido(2));
    let good = |key: &Key, change: &dyn Fn(&mut Sig)| broken(key, b"git", b"", b"sha512", |sig| change(sig));
    let s_too_large = |sig: &mut Sig| {
        let at = sig.signature.len() - 32;
        sig.signature[at..].copy_from_slice(&[0xff; 32]);
    };
    let cases: Vec<(&str, Vec<u8>, SignatureError)> = vec![
        ("namespace file", broken(&plain, b"file", b"", b"sha512", |_| ()), Namespace),
        ("empty namespace", broken(&plain, b"", b"", b"sha512", |_| ()), Namespace),
        ("namespace git NUL", broken(&plain, b"git\0", b"", b"sha512", |_| ()), Namespace),
        ("version 0", good(&plain, &|s| s.version = 0), Version(0)),
        ("version 2", good(&plain, &|s| s.version = 2), Version(2)),
        ("reserved", broken(&plain, b"git", b"x", b"sha512", |_| ()), Reserved),
        ("unknown hash", broken(&plain, b"git", b"", b"sha1", |_| ()), Hash),
        ("trailing outside", good(&plain, &|s| s.trailing.push(0)), Malformed),
        ("trailing in the key", good(&plain, &|s| s.key.push(0)), KeyError::Malformed.into()),
        ("trailing in the signature", good(&plain, &|s| s.signature.push(0)), Malformed),
        ("trailing in a token's signature", good(&fido, &|s| s.signature.push(0)), Malformed),
        ("63 bytes", good(&plain, &|s| s.signature = raw_signature("ssh-ed25519", &[1; 63])), Malformed),
        ("65 bytes", good(&plain, &|s| s.signature = raw_signature("ssh-ed25519", &[1; 65])), Malformed),
        ("no wrapper", good(&plain, &|s| s.signature = vec![1; 64]), Malformed),
        (
            "type mismatch",
            good(&plain, &|s| s.signature = raw_signature("sk-ssh-ed25519@openssh.com", &[1; 64])),
            TypeMismatch,
        ),
        (
            "a plain signature under a token's key",
            good(&fido, &|s| s.signature = inner(&Key::plain(2), 0, 0, &signed_bytes(b"git", b"", b"sha512", PAYLOAD))),
            TypeMismatch,
        ),
        ("a token's signature without flags", good(&fido, &|s| s.signature.truncate(s.signature.len() - 5)), Malformed),
        ("S too large", good(&plain, &s_too_large), Bad),
        (
            "small-order R",
            good(&plain, &|s| {
                s.signature[19..51].copy_from_slice(&{
                    let mut one = [0; 32];
                    one[0] = 1;
                    one
                });
            }),
            Bad,
        ),
        ("altered counter", good(&fido, &|s| *s.signature.last_mut().unwrap() ^= 1), Bad),
        (
            "altered flags",
            good(&fido, &|s| {
                let at = s.signature.len() - 5;
                s.signature[at] ^= 4;
            }),
            Bad,
        ),
        (
            "another application",
            good(&fido, &|s| s.key = Key { application: Some("ssh:other"), ..Key::fido(2) }.blob()),
            Bad,
        ),
        ("another key", good(&plain, &|s| s.key = Key::plain(3).blob()), Bad),
        ("raw ed25519", vec![1; 64], Malformed),
        ("nothing", vec![], Malformed),
    ];
    assert!(
        verify(&good(&plain, &|_| ()), PAYLOAD).is_ok() && verify(&good(&fido, &|_| ()), PAYLOAD).is_ok(),
        "the base of these cases"
    );
    for (case, blob, expected) in cases {
        assert_eq!(verify(&blob, PAYLOAD).err(), Some(expected), "{case}");
    }
}

#[test]
fn huge_lengths_end_at_the_bytes_that_are_there() {
    let blob = sign(&Key::plain(1), 0, PAYLOAD).encode();
    for at in [10, 14, 29] {
        let mut huge = blob.clone();
        huge[at..at + 4].copy_from_slice(&u32::MAX.to_be_bytes());
        assert!(verify(&huge, PAYLOAD).is_err(), "{at}");
    }
    for end in 0..blob.len() {
        assert!(verify(&blob[..end], PAYLOAD).is_err(), "cut at {end}");
    }
}

#[test]
fn weak_and_foreign_keys_are_refused_by_name() {
    let wire = |kind: &str, point: &[u8]| {
        let mut out = Vec::new();
        put_string(kind.as_bytes(), &mut out);
        put_string(point, &mut out);
        out
    };
    let mut one = [0; 32];
    one[0] = 1;
    assert_eq!(PublicKey::from_wire(&wire("ssh-ed25519", &one)), Err(KeyError::Weak));
    assert_eq!(PublicKey::from_wire(&wire("ssh-ed25519", &[0; 32])), Err(KeyError::Weak));
    for kind in ["ssh-rsa", "ecdsa-sha2-nistp256", "ssh-ed25519-cert-v01@openssh.com"] {
        let error = PublicKey::from_wire(&wire(kind, &[1; 32])).unwrap_err();
        assert!(error.to_string().contains("use ssh-ed25519"), "{error}");
    }
    let line = Key::plain(1).line();
    for bad in [
        line.replace("ssh-ed25519 ", "ssh-rsa "),
        format!("{line}="),
        line[..40].to_owned(),
        String::new(),
        line.replace(' ', "\n"),
    ] {
        assert!(PublicKey::from_line(&bad).is_err(), "{bad}");
    }
    assert!(PublicKey::from_line(&format!("{line} alice@laptop")).is_ok());
}
