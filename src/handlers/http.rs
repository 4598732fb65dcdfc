//! `http`: calls an address, within bounds. It follows no redirect, goes through no proxy, and reaches no private
//! address unless the settings of the host allow it. A call that is stopped is cut off: its connection is closed, and
//! nobody knows whether it was carried out.

use super::public_address::PublicAddresses;
use super::{Class, Failure, Tools, limit, message};
use crate::notices::signature;
use crate::store::work::Work;
use jiff::Timestamp;
use std::pin::pin;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use ureq::http::{Response, Uri};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Timeout};

/// One call.
const TIMEOUT: Duration = Duration::from_mins(1);
/// Until its host is found, and until it is connected.
const REACHED_WITHIN: Duration = Duration::from_secs(5);
/// What of the answer is kept.
const SAID: usize = 200;

pub(super) async fn call(tools: &Tools, work: &Work, stop: &CancellationToken) -> Result<String, Failure> {
    let agent = agent(tools.named.allow_private_addresses, limit(work).min(TIMEOUT));
    let (tools, work, own) = (tools.clone(), work.clone(), agent.clone());
    let mut sent = pin!(tokio::task::spawn_blocking(move || send(&tools, &work, &own)));
    tokio::select! {
        sent = &mut sent => return sent.unwrap_or_else(|_| Err(Failure::new(Class::UnknownOutcome, "the call panicked"))),
        () = stop.cancelled() => agent.shutdown(),
    }
    match sent.await {
        Ok(Ok(said)) => Ok(said),
        _ => Err(Failure::new(Class::UnknownOutcome, "the call was cut off; it may have been carried out")),
    }
}

fn send(tools: &Tools, work: &Work, agent: &Agent) -> Result<String, Failure> {
    let url = work.text("url").ok_or_else(|| Failure::invalid("the job names no `url`"))?;
    let body = message(work).to_string();
    let answered = match work.text("method").unwrap_or("POST") {
        "GET" => agent.get(url).header("Idempotency-Key", work.key()).call(),
        method => {
            let request = if method == "PUT" { agent.put(url) } else { agent.post(url) };
            let mut request = request.header("Content-Type", "application/json").header("Idempotency-Key", work.key());
            if let Some(name) = work.text("secretRef") {
                let secret = tools.secrets.read(name).map_err(Failure::invalid)?;
                let signed = signature(&secret, Timestamp::now(), &body).map_err(Failure::invalid)?;
                request = request.header("Pintle-Signature", signed);
            }
            request.send(&body)
        }
    };
    // The rest of the address may hold a token of the receiver's: only the host is named.
    let uri: Option<Uri> = url.parse().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or("the address");
    match answered {
        Ok(answer) => judge(host, answer),
        Err(ureq::Error::Other(error)) if error.is::<super::public_address::Private>() => {
            Err(Failure::denied(format!("{host}: {error}: --allow-private-addresses")))
        }
        // It was reached: what was asked for may be under way there.
        Err(error @ ureq::Error::Timeout(when)) if !matches!(when, Timeout::Resolve | Timeout::Connect) => {
            Err(Failure::new(Class::UnknownOutcome, format!("{host} does not answer: {error}")))
        }
        Err(error) => Err(Failure::during(&format!("{host} does not answer"), error)),
    }
}

fn agent(private: bool, within: Duration) -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(within))
        // What is not interrupted when a call is stopped.
        .timeout_resolve(Some(within.min(REACHED_WITHIN)))
        .timeout_connect(Some(within.min(REACHED_WITHIN)))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .proxy(None)
        .build();
    if private {
        return Agent::with_parts(config, DefaultConnector::default(), DefaultResolver::default());
    }
    Agent::with_parts(config, DefaultConnector::default(), PublicAddresses::default())
}

fn judge(host: &str, mut answer: Response<ureq::Body>) -> Result<String, Failure> {
    let status = answer.status().as_u16();
    let text = answer.body_mut().with_config().limit(64 << 10).read_to_string().unwrap_or_default();
    let said: String = text.trim().chars().take(SAID).filter(|c| !c.is_control()).collect();
    let sentence = format!("{host} answers HTTP {status}{}{said}", if said.is_empty() { "" } else { ": " });
    match status {
        200..=299 => Ok(sentence),
        429 | 503 => Err(Failure { not_within: asked_to_wait(&answer), ..Failure::new(Class::Busy, sentence) }),
        408 | 425 | 500..=599 => Err(Failure::transient(sentence)),
        409 | 412 => Err(Failure::new(Class::Conflict, sentence)),
        401 | 403 => Err(Failure::denied(sentence)),
        _ => Err(Failure::invalid(sentence)),
    }
}

/// The seconds of `Retry-After` (RFC 9110, 10.2.3); a date is not read.
fn asked_to_wait(answer: &Response<ureq::Body>) -> Option<Duration> {
    answer.headers().get("retry-after")?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}
