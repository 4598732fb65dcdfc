//! What `pintle ci` says on the forge.

use super::{Check, CiArgs};
use crate::cli::CliError;
use crate::forge::{ForgeClient, ForgeError, State, pull_request};
use pintle_core::change::Oid;

/// The name of the status. The daemon's own has another: this one is for the merge button.
const CONTEXT: &str = "pintle/ci";

/// Where to say it, if anywhere.
pub(super) struct Post {
    client: Option<ForgeClient>,
    comment: Option<u64>,
    status: bool,
}

impl Post {
    /// As the flags and the forge's own variables say.
    pub fn of(args: &CiArgs) -> Result<Self, CliError> {
        let silent = Self { client: None, comment: None, status: false };
        if !args.comment && !args.status {
            return Ok(silent);
        }
        let variable = |name: &str| std::env::var(name).ok();
        let unclear = |why: String| {
            CliError::new(format!("nothing can be said on the forge: {why}")).hint(
                "docs/ci has a workflow for each forge; outside of CI: --forge, --forge-url, --forge-repo, --pull",
            )
        };
        let place = args.forge.place(&variable).map_err(unclear)?;
        let place = place.ok_or_else(|| unclear("--forge is not set".to_owned()))?;
        let pull = args.pull.or_else(|| pull_request(place.forge, &variable));
        if args.comment && pull.is_none() {
            return Err(unclear("--pull is not set, and this runs for no pull request".to_owned()));
        }
        let client = Some(ForgeClient::new(place));
        Ok(Self { client, comment: pull.filter(|_| args.comment), status: args.status })
    }

    /// Says it. A forge that does not take it fails the check: a comment that is not there misleads.
    pub async fn say(&self, tip: Oid, check: Check, sentence: &str, comment: &str) -> Result<(), CliError> {
        let Some(client) = self.client.clone() else { return Ok(()) };
        let (pull, status) = (self.comment, self.status);
        let (sentence, comment) = (sentence.to_owned(), comment.to_owned());
        let said = tokio::task::spawn_blocking(move || -> Result<(), ForgeError> {
            if let Some(pull) = pull {
                client.comment(pull, &comment)?;
            }
            let state = match check {
                Check::Approved => State::Success,
                Check::Pending => State::Pending,
                Check::Refused | Check::Invalid => State::Failure,
            };
            if status { client.status(&tip.to_string(), state, CONTEXT, &sentence) } else { Ok(()) }
        });
        let said = said.await.map_err(|error| CliError::because("the forge could not be told", error))?;
        said.map_err(|error| {
            CliError::because("the forge was not told", error)
                .hint("the token needs to write comments and statuses; docs/ci says which permissions")
        })
    }
}
