//! SSHSIG: parse and verify a signature over a commit's payload, plain or by a FIDO token.
//! It says which key signed and what the token saw; whether that key may is the policy's matter.

use super::keys::{ED25519, KeyError, PublicKey, SK_ED25519};
use super::wire::{Wire, put_string};
use ed25519_dalek::Signature;
use sha2::{Digest as _, Sha256, Sha512};

const MAGIC: &[u8] = b"SSHSIG";
const NAMESPACE: &[u8] = b"git";
const TOUCH: u8 = 0x01;
const PIN: u8 = 0x04;

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It is not an SSHSIG, or bytes are missing or trail.
    #[error("the signature is malformed")]
    Malformed,
    /// Only version 1 is known.
    #[error("SSHSIG version {0} is not known")]
    Version(u32),
    /// It was made for something else than git.
    #[error("the signature was not made for git")]
    Namespace,
    /// The reserved field holds something.
    #[error("the signature's reserved field is not empty")]
    Reserved,
    /// Neither sha256 nor sha512.
    #[error("the signature uses an unknown hash")]
    Hash,
    /// The key is refused.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Key and signature are of different types.
    #[error("the signature is of another type than its key")]
    TypeMismatch,
    /// It does not verify.
    #[error("the signature does not verify")]
    Bad,
}

/// A signature that verifies: by which key, and what the token saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The key.
    pub key: PublicKey,
    /// Someone touched the token. Never true for a plain key.
    pub touched: bool,
    /// The token checked a PIN. Never true for a plain key.
    pub pin: bool,
}

/// Verifies the SSHSIG `blob` over `payload`.
pub fn verify(blob: &[u8], payload: &[u8]) -> Result<Signed, SignatureError> {
    let parts = Parts::parse(blob)?;
    let key = PublicKey::from_wire(parts.key)?;
    let message = signed_message(parts.hash, payload)?;
    let mut wire = Wire(parts.signature);
    let kind = wire.string().ok_or(SignatureError::Malformed)?;
    let expected = if key.is_fido() { SK_ED25519 } else { ED25519 };
    if kind != expected {
        return Err(SignatureError::TypeMismatch);
    }
    let raw: [u8; 64] = wire.string().and_then(|raw| raw.try_into().ok()).ok_or(SignatureError::Malformed)?;
    let (message, flags) = match &key.application {
        None => (message, 0),
        Some(application) => {
            let flags: [u8; 1] = wire.array().ok_or(SignatureError::Malformed)?;
            let counter = wire.u32().ok_or(SignatureError::Malformed)?;
            (fido_message(application, flags[0], counter, &message), flags[0])
        }
    };
    if !wire.at_end() {
        return Err(SignatureError::Malformed);
    }
    key.point.verify_strict(&message, &Signature::from_bytes(&raw)).map_err(|_| SignatureError::Bad)?;
    Ok(Signed { key, touched: flags & TOUCH != 0, pin: flags & PIN != 0 })
}

struct Parts<'a> {
    key: &'a [u8],
    hash: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Parts<'a> {
    fn parse(blob: &'a [u8]) -> Result<Self, SignatureError> {
        let mut wire = Wire(blob.strip_prefix(MAGIC).ok_or(SignatureError::Malformed)?);
        let version = wire.u32().ok_or(SignatureError::Malformed)?;
        if version != 1 {
            return Err(SignatureError::Version(version));
        }
        let mut string = || wire.string().ok_or(SignatureError::Malformed);
        let (key, namespace, reserved, hash, signature) = (string()?, string()?, string()?, string()?, string()?);
        if !wire.at_end() {
            return Err(SignatureError::Malformed);
        }
        if namespace != NAMESPACE {
            return Err(SignatureError::Namespace);
        }
        if !reserved.is_empty() {
            return Err(SignatureError::Reserved);
        }
        Ok(Self { key, hash, signature })
    }
}

fn signed_message(hash: &[u8], payload: &[u8]) -> Result<Vec<u8>, SignatureError> {
    let digest = match hash {
        b"sha256" => Sha256::digest(payload).to_vec(),
        b"sha512" => Sha512::digest(payload).to_vec(),
        _ => return Err(SignatureError::Hash),
    };
    let mut out = MAGIC.to_vec();
    for part in [NAMESPACE, b"", hash, &digest] {
        put_string(part, &mut out);
    }
    Ok(out)
}

fn fido_message(application: &[u8], flags: u8, counter: u32, message: &[u8]) -> Vec<u8> {
    let mut out = Sha256::digest(application).to_vec();
    out.push(flags);
    out.extend_from_slice(&counter.to_be_bytes());
    out.extend_from_slice(&Sha256::digest(message));
    out
}
