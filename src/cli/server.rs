//! The live side from a daemon, for who has no database at hand: `pintle plan --server URL`.

use super::CliError;
use crate::http::SNAPSHOT;
use crate::snapshot::Snapshot;
use std::path::PathBuf;
use std::time::Duration;
use ureq::Agent;
use ureq::http::Uri;

/// Reading all rows of a large fleet takes a while.
const TIMEOUT: Duration = Duration::from_mins(2);
/// A hundred thousand instances are some 300 MB.
const MOST: u64 = 4 << 30;

/// Which daemon.
#[derive(Debug, Clone, clap::Args)]
pub struct ServerSide {
    /// Against what this daemon sees: where its --metrics are served, or a proxy before it
    #[arg(long, env = "PINTLE_SERVER", value_name = "URL")]
    pub server: Option<String>,
    /// The file with the daemon's API token; without, PINTLE_SERVER_TOKEN holds it
    #[arg(long, env = "PINTLE_SERVER_TOKEN_FILE", value_name = "FILE")]
    server_token_file: Option<PathBuf>,
}

impl ServerSide {
    /// What it sees now.
    pub(super) async fn snapshot(&self, url: &str) -> Result<Snapshot, CliError> {
        let token = self.token()?;
        let address = format!("{}{SNAPSHOT}", url.trim_end_matches('/'));
        guarded(&address)?;
        let asked = tokio::task::spawn_blocking(move || ask(&address, &token));
        asked.await.unwrap_or_else(|error| Err(CliError::because("asking the daemon panicked", error)))
    }

    fn token(&self) -> Result<String, CliError> {
        let token = match &self.server_token_file {
            Some(file) => std::fs::read_to_string(file)
                .map_err(|error| CliError::because(format!("{} cannot be read", file.display()), error))?,
            None => std::env::var("PINTLE_SERVER_TOKEN").map_err(|_| {
                CliError::new("there is no token for the daemon")
                    .hint("--server-token-file FILE or PINTLE_SERVER_TOKEN: what the daemon's --api-token-file holds")
            })?,
        };
        Ok(token.trim().to_owned())
    }
}

/// A token is not said in the clear to another host.
fn guarded(address: &str) -> Result<(), CliError> {
    let uri: Uri = address.parse().map_err(|error| CliError::because(format!("{address} is no address"), error))?;
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let local = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    if uri.scheme_str() == Some("https") || local {
        return Ok(());
    }
    Err(CliError::new("the token would be said in the clear").hint("https://, or the host itself by 127.0.0.1"))
}

fn ask(address: &str, token: &str) -> Result<Snapshot, CliError> {
    // A proxy would hear the token.
    let config = Agent::config_builder().proxy(None).timeout_global(Some(TIMEOUT)).max_redirects(0);
    let config = config.http_status_as_error(false);
    let asked =
        Agent::new_with_config(config.build()).get(address).header("Authorization", format!("Bearer {token}")).call();
    let failed = || format!("{address} does not answer");
    let mut answer =
        asked.map_err(|error| CliError::because(failed(), error).hint("is it the daemon's --metrics address?"))?;
    let text = answer.body_mut().with_config().limit(MOST).read_to_string();
    let text = text.map_err(|error| CliError::because(failed(), error))?;
    match answer.status().as_u16() {
        200 => Snapshot::read(&text).map_err(|error| {
            CliError::because(format!("what {address} says cannot be read"), error)
                .hint("pintle --version, here and there")
        }),
        401 => Err(CliError::new("the daemon does not take this token").hint("it is what its --api-token-file holds")),
        404 => {
            Err(CliError::new("the daemon shows its live state to nobody").hint("start it with --api-token-file FILE"))
        }
        status => Err(CliError::new(format!("{address} answers HTTP {status}: {}", text.trim()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_to_this_host_or_through_tls_and_nowhere_else() {
        for fine in ["https://pintle.example/x", "http://127.0.0.1:9464/x", "http://[::1]:1/x", "http://localhost/x"] {
            assert!(guarded(fine).is_ok(), "{fine}");
        }
        for clear in ["http://pintle.example/x", "http://127.0.0.1.example/x", "http://10.0.0.1/x"] {
            assert!(guarded(clear).is_err(), "{clear}");
        }
    }
}
