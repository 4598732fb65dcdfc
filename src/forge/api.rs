//! The endpoints: comments of a pull request, and the status of a commit. One try each: CI runs again,
//! and the daemon says the same once more.

use super::place::{Forge, Place};
use serde_json::{Value, json};
use std::time::Duration;
use ureq::Agent;
use ureq::http::Response;

/// What begins a comment of ours. Nobody sees it; it is how we find it again.
const MARK: &str = "<!-- pintle:plan -->\n";
/// The most of an answer that is read.
const MAX_ANSWER: u64 = 8 << 20;
/// Comments looked through for ours: pages of a hundred.
const MAX_PAGES: u32 = 20;
const TIMEOUT: Duration = Duration::from_secs(15);
/// What a status may say on GitHub; the others take more.
const MAX_DESCRIPTION: usize = 140;

/// The state of a commit, as a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not yet.
    Pending,
    /// Yes.
    Success,
    /// No.
    Failure,
}

/// The forge did not take it.
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    /// It cannot be reached, or answers nothing that can be read.
    #[error("the forge does not answer {what}")]
    Unreachable {
        /// What was asked.
        what: &'static str,
        /// The cause.
        #[source]
        source: Box<ureq::Error>,
    },
    /// It says no.
    #[error("the forge refuses {what}: HTTP {status}: {said}")]
    Refused {
        /// What was asked.
        what: &'static str,
        /// Its code.
        status: u16,
        /// What it said, shortened.
        said: String,
    },
}

/// Speaks to one repository on one forge.
#[derive(Debug, Clone)]
pub struct ForgeClient {
    place: Place,
    agent: Agent,
}

impl ForgeClient {
    /// A client for `place`. Redirects are not followed: the token is for that address alone.
    pub fn new(place: Place) -> Self {
        let config = Agent::config_builder().timeout_global(Some(TIMEOUT)).max_redirects(0).http_status_as_error(false);
        Self { agent: config.build().new_agent(), place }
    }

    /// Puts our comment on a pull request, in place of the one that is there.
    pub fn comment(&self, pull: u64, body: &str) -> Result<(), ForgeError> {
        let body = json!({"body": format!("{MARK}{body}")});
        if let Some(id) = self.ours(pull)? {
            let (method, url) = match self.place.forge {
                Forge::Gitlab => ("PUT", format!("{}/{id}", self.comments(pull))),
                _ => ("PATCH", format!("{}/issues/comments/{id}", self.repository())),
            };
            match self.send(method, &url, &body, "to update the comment") {
                // Somebody else's comment that begins like ours: one of our own beside it.
                Err(ForgeError::Refused { status: 403 | 404, .. }) => {}
                other => return other.map(drop),
            }
        }
        self.send("POST", &self.comments(pull), &body, "the comment").map(drop)
    }

    /// Sets the status of a commit, under one name.
    pub fn status(&self, commit: &str, state: State, context: &str, description: &str) -> Result<(), ForgeError> {
        let description: String = description.chars().take(MAX_DESCRIPTION).collect();
        let word = match (self.place.forge, state) {
            (_, State::Pending) => "pending",
            (_, State::Success) => "success",
            (Forge::Gitlab, State::Failure) => "failed",
            (_, State::Failure) => "failure",
        };
        let name = if self.place.forge == Forge::Gitlab { "name" } else { "context" };
        let body = json!({"state": word, name: context, "description": description});
        let url = format!("{}/statuses/{commit}", self.repository());
        match self.send("POST", &url, &body, "the status") {
            // GitLab refuses a status that is set already.
            Err(ForgeError::Refused { status: 400, said, .. }) if said.contains("Cannot transition status") => Ok(()),
            other => other.map(drop),
        }
    }

    /// Who the token speaks as. A token of GitHub's CI may not ask, and is known.
    fn me(&self) -> Result<String, ForgeError> {
        match self.send("GET", &format!("{}/user", self.place.url), &Value::Null, "who we are") {
            Err(ForgeError::Refused { status: 401 | 403, .. }) if self.place.forge == Forge::Github => {
                Ok("github-actions[bot]".to_owned())
            }
            other => other.map(|user| author(&user).to_owned()),
        }
    }

    /// Our comment on a pull request, if there is one: by its mark, and by its author, who could else change
    /// what we say afterwards.
    fn ours(&self, pull: u64) -> Result<Option<u64>, ForgeError> {
        let me = self.me()?;
        for page in 1..=MAX_PAGES {
            let url = format!("{}?per_page=100&limit=100&page={page}", self.comments(pull));
            let found = self.send("GET", &url, &Value::Null, "the comments")?;
            let found = found.as_array().map(Vec::as_slice).unwrap_or_default();
            let marked = |one: &Value| one["body"].as_str().is_some_and(|body| body.starts_with(MARK.trim_end()));
            let by = |one: &Value| author(if one["user"].is_null() { &one["author"] } else { &one["user"] }).to_owned();
            let is_ours = |one: &&Value| marked(one) && !me.is_empty() && by(one) == me;
            if let Some(ours) = found.iter().find(is_ours) {
                return Ok(ours["id"].as_u64());
            }
            if found.len() < 100 {
                break;
            }
        }
        Ok(None)
    }

    fn repository(&self) -> String {
        let Place { forge, url, repo, .. } = &self.place;
        match forge {
            Forge::Gitlab => format!("{url}/projects/{}", repo.replace('/', "%2F")),
            _ => format!("{url}/repos/{repo}"),
        }
    }

    fn comments(&self, pull: u64) -> String {
        match self.place.forge {
            Forge::Gitlab => format!("{}/merge_requests/{pull}/notes", self.repository()),
            _ => format!("{}/issues/{pull}/comments", self.repository()),
        }
    }

    fn send(&self, method: &str, url: &str, body: &Value, what: &'static str) -> Result<Value, ForgeError> {
        let unreachable = |error: ureq::Error| ForgeError::Unreachable { what, source: error.into() };
        let (header, value) = match self.place.forge {
            Forge::Gitlab => ("PRIVATE-TOKEN", self.place.token.clone()),
            _ => ("Authorization", format!("Bearer {}", self.place.token)),
        };
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(url)
            .header(header, value)
            .header("Accept", "application/json")
            .header("Content-Type", "application/json")
            .header("User-Agent", concat!("pintle/", env!("CARGO_PKG_VERSION")));
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let request = request.body(text).map_err(|error| unreachable(error.into()))?;
        answer(self.agent.run(request).map_err(unreachable)?, what)
    }
}

/// The name of an account, as each forge calls it.
fn author(account: &Value) -> &str {
    account["login"].as_str().or(account["username"].as_str()).unwrap_or_default()
}

fn answer(mut response: Response<ureq::Body>, what: &'static str) -> Result<Value, ForgeError> {
    let status = response.status().as_u16();
    let read = response.body_mut().with_config().limit(MAX_ANSWER).read_to_string();
    let text = read.map_err(|error| ForgeError::Unreachable { what, source: error.into() })?;
    if !(200..300).contains(&status) {
        let said: String = text.chars().filter(|c| !c.is_control()).take(300).collect();
        return Err(ForgeError::Refused { what, status, said });
    }
    Ok(serde_json::from_str(&text).unwrap_or_default())
}
