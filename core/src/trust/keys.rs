//! OpenSSH public keys and their fingerprints. Ed25519 only, plain or on a FIDO token; everything
//! else is refused by name, with what to use instead.

use super::wire::{Wire, put_string};
use crate::change::Digest;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ed25519_dalek::VerifyingKey;
use std::fmt;

/// The type of a plain key and signature.
pub(super) const ED25519: &[u8] = b"ssh-ed25519";
/// The type of a FIDO key and signature.
pub(super) const SK_ED25519: &[u8] = b"sk-ssh-ed25519@openssh.com";

/// The SHA-256 of a public key's wire form, as `ssh-keygen -l` prints it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub Digest);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SHA256:{}", STANDARD_NO_PAD.encode(self.0.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Fingerprint {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let digits = text.strip_prefix("SHA256:").ok_or(KeyError::Malformed)?;
        let bytes = STANDARD_NO_PAD.decode(digits).map_err(|_| KeyError::Malformed)?;
        bytes.try_into().map(|bytes| Self(Digest(bytes))).map_err(|_| KeyError::Malformed)
    }
}

impl serde::Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Fingerprint {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(input)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Why a public key is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is not in OpenSSH's format, or bytes trail it.
    #[error("not an OpenSSH public key")]
    Malformed,
    /// RSA, ECDSA, DSA, a certificate, or a type nobody knows.
    #[error("keys of type {0} are not accepted; use ssh-ed25519 or sk-ssh-ed25519@openssh.com")]
    Unsupported(String),
    /// A point of small order: anyone can sign for it.
    #[error("a weak key: its point has a small order")]
    Weak,
}

/// A public key that can sign approvals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    pub(super) point: VerifyingKey,
    pub(super) application: Option<Box<[u8]>>,
    fingerprint: Fingerprint,
}

impl PublicKey {
    /// Reads a key's wire form.
    pub fn from_wire(blob: &[u8]) -> Result<Self, KeyError> {
        let mut wire = Wire(blob);
        let kind = wire.string().ok_or(KeyError::Malformed)?;
        if kind != ED25519 && kind != SK_ED25519 {
            let name: String = String::from_utf8_lossy(kind).chars().filter(char::is_ascii_graphic).take(60).collect();
            return Err(KeyError::Unsupported(name));
        }
        let bytes: [u8; 32] = wire.string().and_then(|point| point.try_into().ok()).ok_or(KeyError::Malformed)?;
        let application =
            if kind == SK_ED25519 { Some(wire.string().ok_or(KeyError::Malformed)?.into()) } else { None };
        if !wire.at_end() {
            return Err(KeyError::Malformed);
        }
        let point = VerifyingKey::from_bytes(&bytes).map_err(|_| KeyError::Malformed)?;
        if point.is_weak() {
            return Err(KeyError::Weak);
        }
        Ok(Self { point, application, fingerprint: Fingerprint(Digest::of(blob)) })
    }

    /// Reads `type base64 [comment]`, one line.
    pub fn from_line(line: &str) -> Result<Self, KeyError> {
        let mut words = line.split_ascii_whitespace();
        let (Some(kind), Some(data)) = (words.next(), words.next()) else { return Err(KeyError::Malformed) };
        let Ok(blob) = STANDARD.decode(data) else { return Err(KeyError::Malformed) };
        if Wire(&blob).string() != Some(kind.as_bytes()) || line.contains(['\n', '\r', '\0']) {
            return Err(KeyError::Malformed);
        }
        Self::from_wire(&blob)
    }

    /// `type base64`, as OpenSSH writes it.
    pub fn to_line(&self) -> String {
        let kind = if self.is_fido() { SK_ED25519 } else { ED25519 };
        let mut blob = Vec::new();
        put_string(kind, &mut blob);
        put_string(self.point.as_bytes(), &mut blob);
        if let Some(application) = &self.application {
            put_string(application, &mut blob);
        }
        format!("{} {}", String::from_utf8_lossy(kind), STANDARD.encode(blob))
    }

    /// Its fingerprint.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Whether it lives on a FIDO token.
    pub fn is_fido(&self) -> bool {
        self.application.is_some()
    }
}
