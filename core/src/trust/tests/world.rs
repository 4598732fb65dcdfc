//! A world in memory: real git object bytes, real signatures by keys from fixed seeds. Objects are
//! named by a truncated SHA-256, because the station never hashes a name itself.

use crate::change::{Digest, Oid};
use crate::trust::armor;
use crate::trust::wire::put_string;
use crate::trust::{ObjectKind, ObjectStore, ReadError};
use base64::Engine as _;
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256, Sha512};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A key by its seed; `fido` puts it on a token.
#[derive(Clone)]
pub struct Key {
    pub secret: SigningKey,
    pub application: Option<&'static str>,
}

impl Key {
    pub fn plain(seed: u8) -> Self {
        Self { secret: SigningKey::from_bytes(&[seed; 32]), application: None }
    }
    pub fn fido(seed: u8) -> Self {
        Self { application: Some("ssh:"), ..Self::plain(seed) }
    }
    pub fn kind(&self) -> &'static str {
        if self.application.is_some() { "sk-ssh-ed25519@openssh.com" } else { "ssh-ed25519" }
    }
    pub fn blob(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_string(self.kind().as_bytes(), &mut out);
        put_string(self.secret.verifying_key().as_bytes(), &mut out);
        if let Some(application) = self.application {
            put_string(application.as_bytes(), &mut out);
        }
        out
    }
    pub fn line(&self) -> String {
        format!("{} {}", self.kind(), base64::engine::general_purpose::STANDARD.encode(self.blob()))
    }
}

/// An SSHSIG with every part open to mischief.
pub struct Sig {
    pub version: u32,
    pub key: Vec<u8>,
    pub namespace: Vec<u8>,
    pub reserved: Vec<u8>,
    pub hash: Vec<u8>,
    pub signature: Vec<u8>,
    pub trailing: Vec<u8>,
}

impl Sig {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = b"SSHSIG".to_vec();
        out.extend_from_slice(&self.version.to_be_bytes());
        for part in [&self.key, &self.namespace, &self.reserved, &self.hash, &self.signature] {
            put_string(part, &mut out);
        }
        out.extend_from_slice(&self.trailing);
        out
    }
}

/// What is signed, for a namespace and hash.
pub fn signed_bytes(namespace: &[u8], reserved: &[u8], hash: &[u8], payload: &[u8]) -> Vec<u8> {
    let digest = if hash == b"sha256" { Sha256::digest(payload).to_vec() } else { Sha512::digest(payload).to_vec() };
    let mut out = b"SSHSIG".to_vec();
    for part in [namespace, reserved, hash, &digest] {
        put_string(part, &mut out);
    }
    out
}

/// The inner signature of `message`, by a token with `flags` where the key lives on one.
pub fn inner(key: &Key, flags: u8, counter: u32, message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_string(key.kind().as_bytes(), &mut out);
    let Some(application) = key.application else {
        put_string(&key.secret.sign(message).to_bytes(), &mut out);
        return out;
    };
    let mut covered = Sha256::digest(application).to_vec();
    covered.push(flags);
    covered.extend_from_slice(&counter.to_be_bytes());
    covered.extend_from_slice(&Sha256::digest(message));
    put_string(&key.secret.sign(&covered).to_bytes(), &mut out);
    out.push(flags);
    out.extend_from_slice(&counter.to_be_bytes());
    out
}

/// A good signature.
pub fn sign(key: &Key, flags: u8, payload: &[u8]) -> Sig {
    let message = signed_bytes(b"git", b"", b"sha512", payload);
    let signature = inner(key, flags, 7, &message);
    Sig {
        version: 1,
        key: key.blob(),
        namespace: b"git".to_vec(),
        reserved: vec![],
        hash: b"sha512".to_vec(),
        signature,
        trailing: vec![],
    }
}

/// `body` without its signature, and with it.
pub fn seal(headers: &str, message: &str, key: &Key) -> Vec<u8> {
    let payload = format!("{headers}\n{message}");
    let blob = sign(key, 5, payload.as_bytes()).encode();
    format!("{headers}gpgsig {}\n\n{message}", armor::encode(&blob, 70).replace('\n', "\n ")).into_bytes()
}

pub type Files = BTreeMap<String, (u32, Vec<u8>)>;

/// The object database.
#[derive(Default)]
pub struct Store {
    objects: HashMap<Oid, (ObjectKind, Arc<[u8]>)>,
}

impl ObjectStore for Store {
    fn raw(&self, oid: Oid, kind: ObjectKind) -> Result<Arc<[u8]>, ReadError> {
        match self.objects.get(&oid) {
            None => Err(ReadError::Missing { oid, kind }),
            Some((have, _)) if *have != kind => Err(ReadError::Corrupt { oid, kind }),
            Some((_, raw)) => Ok(raw.clone()),
        }
    }
}

impl Store {
    pub fn put(&mut self, kind: ObjectKind, raw: Vec<u8>) -> Oid {
        let mut named = kind.to_string().into_bytes();
        named.extend_from_slice(&raw);
        let oid = Oid::from_bytes(&Digest::of(&named).0[..20]).unwrap();
        self.objects.insert(oid, (kind, raw.into()));
        oid
    }

    pub fn forget(&mut self, oid: Oid) {
        self.objects.remove(&oid);
    }

    pub fn tree(&mut self, files: &Files) -> Oid {
        let mut entries: BTreeMap<Vec<u8>, (u32, String, Oid)> = BTreeMap::new();
        let mut folders: BTreeMap<String, Files> = BTreeMap::new();
        for (path, (mode, content)) in files {
            if let Some((folder, rest)) = path.split_once('/') {
                folders.entry(folder.to_owned()).or_default().insert(rest.to_owned(), (*mode, content.clone()));
            } else {
                let oid = self.put(ObjectKind::Blob, content.clone());
                entries.insert(path.clone().into_bytes(), (*mode, path.clone(), oid));
            }
        }
        for (folder, files) in folders {
            let oid = self.tree(&files);
            entries.insert(format!("{folder}/").into_bytes(), (0o040_000, folder, oid));
        }
        let mut raw = Vec::new();
        for (mode, name, oid) in entries.values() {
            raw.extend_from_slice(format!("{mode:o} {name}\0").as_bytes());
            raw.extend_from_slice(&oid.0);
        }
        self.put(ObjectKind::Tree, raw)
    }
}
