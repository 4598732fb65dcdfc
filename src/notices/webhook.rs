//! A signed POST. The receiver checks `Pintle-Signature: t=SECONDS,v1=HEX`, the HMAC-SHA256 of
//! `SECONDS.BODY` under the secret, and refuses one whose time is too far from its own.

use super::Event;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use pintle_core::model::guard::Notice;
use sha2::Sha256;
use std::path::PathBuf;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Where secrets are: files of a folder, or environment variables `PINTLE_SECRET_NAME`.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// The folder, a file for each.
    pub folder: Option<PathBuf>,
}

impl Secrets {
    /// The secret called `name`.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        let sound = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if let (Some(folder), true) = (&self.folder, sound)
            && let Ok(bytes) = std::fs::read(folder.join(name))
        {
            return Ok(bytes.trim_ascii().to_vec());
        }
        let variable = format!("PINTLE_SECRET_{}", name.to_ascii_uppercase().replace('-', "_"));
        std::env::var(&variable)
            .map(String::into_bytes)
            .map_err(|_| format!("there is no secret `{name}`: --secrets-dir, or {variable}"))
    }
}

/// Posts `event`. The error never holds the secret.
pub fn post(notice: &Notice, event: &Event, secrets: &Secrets) -> Result<(), String> {
    let url = notice.url.0.as_str().unwrap_or_default();
    let body = serde_json::json!({
        "formatVersion": "1.0", "event": event.kind, "commit": event.commit, "message": event.message, "hint": event.hint,
    })
    .to_string();
    let config = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).max_redirects(0);
    let mut request = config.build().new_agent().post(url).header("Content-Type", "application/json");
    if let Some(name) = &notice.secret_ref {
        request = request.header("Pintle-Signature", signature(&secrets.read(name)?, Timestamp::now(), &body)?);
    }
    // The path may hold a token of the receiver's: only the host is named.
    let host = url.split('/').nth(2).unwrap_or_default();
    let answer = request.send(&body).map_err(|error| format!("{host} was not told: {error}"))?;
    if answer.status().is_success() { Ok(()) } else { Err(format!("{host} answers HTTP {}", answer.status().as_u16())) }
}

/// What goes into `Pintle-Signature`.
pub fn signature(secret: &[u8], at: Timestamp, body: &str) -> Result<String, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|error| error.to_string())?;
    let seconds = at.as_second();
    mac.update(format!("{seconds}.{body}").as_bytes());
    Ok(format!("t={seconds},v1={}", hex::encode(mac.finalize().into_bytes())))
}
