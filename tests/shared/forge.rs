//! A small forge: a real HTTP server with the endpoints of GitHub, GitLab and Forgejo that Pintle uses,
//! as strict about methods, paths, headers and pages as they are.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// What the forge holds.
#[derive(Default)]
pub struct Held {
    /// Comments of pull request 7: id, author, body.
    pub comments: Vec<(u64, &'static str, String)>,
    /// Statuses: commit, state, name, description.
    pub statuses: Vec<(String, String, String, String)>,
    /// Posts to a webhook: signature and body.
    pub hooks: Vec<(String, String)>,
    /// How often anything was asked.
    pub asked: usize,
    /// What every answer is, if not the right one.
    pub fault: Option<u16>,
    /// What a fault says of when to ask again, in seconds.
    pub retry_after: Option<u32>,
}

/// A running forge.
#[derive(Clone)]
pub struct FakeForge {
    pub url: String,
    pub held: Arc<Mutex<Held>>,
}

pub const TOKEN: &str = "a-token-of-the-forge";

impl FakeForge {
    /// Listens on a free port, in a thread of its own.
    pub fn start() -> Self {
        let held = Arc::<Mutex<Held>>::default();
        let router = Router::new().fallback(answer).with_state(held.clone());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        listener.set_nonblocking(true).unwrap();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), router).await })
        });
        Self { url, held }
    }

    pub fn look<T>(&self, with: impl FnOnce(&mut Held) -> T) -> T {
        with(&mut self.held.lock().unwrap())
    }
}

async fn answer(
    State(held): State<Arc<Mutex<Held>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut held = held.lock().unwrap();
    held.asked += 1;
    if let Some(fault) = held.fault {
        let mut answer = (StatusCode::from_u16(fault).unwrap(), "a fault").into_response();
        if let Some(seconds) = held.retry_after {
            answer.headers_mut().insert("retry-after", seconds.into());
        }
        return answer;
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let text = String::from_utf8_lossy(&body).into_owned();
    if uri.path() == "/hook" {
        held.hooks.push((header("pintle-signature"), text));
        return StatusCode::NO_CONTENT.into_response();
    }
    let gitlab = uri.path().starts_with("/gitlab/");
    let known =
        if gitlab { header("private-token") == TOKEN } else { header("authorization") == format!("Bearer {TOKEN}") };
    if !known || header("user-agent").is_empty() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let json: Value = serde_json::from_str(&text).unwrap_or_default();
    let own = if uri.path().starts_with("/github/") { "github-actions[bot]" } else { "pintle" };
    let path = uri.path().trim_start_matches("/github").trim_start_matches("/forgejo").trim_start_matches("/gitlab");
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (method.as_str(), parts.as_slice()) {
        // A token of GitHub's CI may not ask.
        ("GET", ["user"]) if uri.path().starts_with("/github/") => StatusCode::FORBIDDEN.into_response(),
        ("GET", ["user"]) => json!({"login": "pintle", "username": "pintle"}).to_string().into_response(),
        (
            "GET",
            ["repos", "acme", "state", "issues", "7", "comments"]
            | ["projects", "acme%2Fstate", "merge_requests", "7", "notes"],
        ) => page(&held, uri.query().unwrap_or_default(), gitlab),
        (
            "POST",
            ["repos", "acme", "state", "issues", "7", "comments"]
            | ["projects", "acme%2Fstate", "merge_requests", "7", "notes"],
        ) => {
            let id = held.comments.len() as u64 + 1;
            held.comments.push((id, own, json["body"].as_str().unwrap().to_owned()));
            (StatusCode::CREATED, json!({"id": id}).to_string()).into_response()
        }
        ("PATCH", ["repos", "acme", "state", "issues", "comments", id]) if !gitlab => edited(&mut held, id, &json),
        ("PUT", ["projects", "acme%2Fstate", "merge_requests", "7", "notes", id]) if gitlab => {
            edited(&mut held, id, &json)
        }
        ("POST", ["repos", "acme", "state", "statuses", commit] | ["projects", "acme%2Fstate", "statuses", commit]) => {
            let words: &[&str] =
                if gitlab { &["pending", "success", "failed"] } else { &["pending", "success", "failure"] };
            let (state, name) =
                (json["state"].as_str().unwrap(), json[if gitlab { "name" } else { "context" }].as_str());
            let description = json["description"].as_str().unwrap().to_owned();
            if !words.contains(&state) || name.is_none() || description.chars().count() > 140 {
                return StatusCode::UNPROCESSABLE_ENTITY.into_response();
            }
            held.statuses.push(((*commit).to_owned(), state.to_owned(), name.unwrap().to_owned(), description));
            (StatusCode::CREATED, "{}").into_response()
        }
        _ => (StatusCode::NOT_FOUND, format!("{method} {uri}")).into_response(),
    }
}

fn page(held: &Held, query: &str, gitlab: bool) -> Response {
    let number = |name: &str| {
        query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse::<usize>().ok())
    };
    let (page, size) = (number("page").unwrap_or(1), number("per_page").unwrap_or(30));
    let all = held.comments.iter().skip((page - 1) * size).take(size);
    let key = if gitlab { "author" } else { "user" };
    let list: Vec<Value> = all
        .map(|(id, author, body)| json!({"id": id, key: {"login": author, "username": author}, "body": body}))
        .collect();
    Value::from(list).to_string().into_response()
}

fn edited(held: &mut Held, id: &str, json: &Value) -> Response {
    let id: u64 = id.parse().unwrap();
    match held.comments.iter_mut().find(|(have, ..)| *have == id) {
        None => StatusCode::NOT_FOUND.into_response(),
        Some((_, by, body)) if *by != "someone" => {
            json["body"].as_str().unwrap().clone_into(body);
            json!({"id": id}).to_string().into_response()
        }
        Some(_) => StatusCode::FORBIDDEN.into_response(),
    }
}
