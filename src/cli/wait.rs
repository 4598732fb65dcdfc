//! `pintle wait`: until a commit is applied wherever it can be.

use super::database::{Database, duration};
use super::follow::{Place, follow};
use super::status::{because, said, under_way};
use super::table::short;
use super::{CliError, Exit, Out, target};
use crate::source::GitObjects;
use crate::store::Store;
use crate::store::runs::RunStanding;
use crate::verdict::is_not_carried_out;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::SignedDuration;
use pintle_core::render::{plural, shown, span};
use serde_json::json;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// For what, and for how long.
#[derive(Debug, clap::Args)]
pub struct WaitArgs {
    /// The commit: an id, its beginning, or a name in the repository
    #[arg(value_name = "REV", default_value = "HEAD")]
    rev: String,
    /// The repository in which names of commits are looked up
    #[arg(long, env = "PINTLE_REPO", value_name = "PATH", default_value = ".")]
    repo: PathBuf,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    database: Database,
}

/// How long to wait.
#[derive(Debug, Clone, clap::Args)]
pub struct Patience {
    /// Give up after this long
    #[arg(long, env = "PINTLE_TIMEOUT", value_name = "TIME", default_value = "30m", value_parser = duration)]
    timeout: SignedDuration,
}

/// Waits. Ends with 0 when it is applied, or goes on only when somebody opens a wave; 1 when its waves halted; 4 when it is held, 3 when a limit of the guard
/// refuses it, 1 when the time is over.
pub async fn run(args: &WaitArgs, out: &Out) -> Result<Exit, CliError> {
    let store = args.database.open().await?;
    let oid = target::commit(&args.repo, &args.rev)?;
    let repo = GitObjects::open(&args.repo).ok();
    until_applied(&store, &oid, repo.as_ref(), &args.patience, out).await
}

/// Waits for `oid`, and says how it ended.
pub(super) async fn until_applied(
    store: &Store,
    oid: &str,
    repo: Option<&GitObjects>,
    patience: &Patience,
    out: &Out,
) -> Result<Exit, CliError> {
    let started = Instant::now();
    let bar = spinner();
    let place = follow(store, oid, repo, started + patience.timeout.unsigned_abs(), |place| {
        bar.set_message(format!("{}: {}", short(oid), progress(place)));
        is_an_end(place)
    })
    .await;
    bar.finish_and_clear();
    let (place, took) = (place?, started.elapsed());
    let numbers = store.numbers().await?;
    let waiting = store.waiting_count().await?;
    if out.is_json() {
        out.json(&json!({"formatVersion": "1.0", "commit": oid, "standing": place.word(), "verdict": place.verdict(), "waitedMs": took.as_millis() as u64, "waiting": waiting, "dead": numbers.dead}));
    }
    match &place {
        Place::Applied(by) => {
            if !out.is_json() {
                out.text(&applied(oid, by, took, waiting, numbers.dead));
                for run in store.run_standings().await? {
                    out.text(&under_way(&run, &out.paper()));
                }
            }
            Ok(Exit::Success)
        }
        Place::Waves(run) => in_waves(oid, run, took, out),
        Place::Held(verdict) => {
            Err(CliError::new(format!("{} is {}: {}", short(oid), said(verdict).0, shown(&because(verdict))))
                .hint(hint(verdict, oid))
                .exit(if is_not_carried_out(verdict) { Exit::Refused } else { Exit::Untrusted }))
        }
        Place::Invalid(verdict) => {
            Err(CliError::new(format!("{} is accepted, but not applied: {}", short(oid), because(verdict)))
                .hint("pintle validate, then another commit")
                .exit(Exit::of_mistakes(errors(verdict))))
        }
        Place::Accepted => Err(late(
            oid,
            took,
            &format!("it is accepted, and {} on the way", plural(numbers.queued + numbers.released, "job")),
        )
        .hint("pintle status; pintle jobs list --state queued")),
        Place::Unseen(tip) => {
            Err(late(oid, took, &format!("the daemon has fetched {}", tip.as_deref().map_or("nothing", short)))
                .hint("git push, if it is not pushed; pintle status says whether fetching works"))
        }
    }
}

/// Whether nothing more comes of it unless somebody acts.
fn is_an_end(place: &Place) -> bool {
    match place {
        Place::Applied(_) | Place::Held(_) | Place::Invalid(_) => true,
        Place::Waves(run) => run.ended().is_some(),
        Place::Accepted | Place::Unseen(_) => false,
    }
}

/// It is not applied everywhere: it waits for somebody's word, which is no mistake; or it halted; or the time is over.
fn in_waves(oid: &str, run: &RunStanding, took: Duration, out: &Out) -> Result<Exit, CliError> {
    let waits = format!("{} waiting for waves of Rollout/{}", plural(run.waits, "object"), run.rollout);
    match run.ended() {
        Some(stop) if stop.halted => {
            Err(CliError::new(format!("{} halted: {}; {waits}", short(oid), shown(&stop.message)))
                .hint(shown(&stop.lifted_by)))
        }
        Some(stop) => {
            if !out.is_json() {
                let (message, lifted_by) = (shown(&stop.message), shown(&stop.lifted_by));
                out.text(&format!(
                    "{} is applied as far as it may go: {message}; {waits}.\nnext: {lifted_by}",
                    short(oid)
                ));
            }
            Ok(Exit::Success)
        }
        None => Err(late(oid, took, &waits).hint("pintle status; pintle wait --timeout 3d")),
    }
}

fn applied(oid: &str, by: &str, took: Duration, waiting: i64, dead: i64) -> String {
    let with = if by.starts_with(oid) { String::new() } else { format!(" by {}", short(by)) };
    let waited = if took < Duration::from_secs(1) { String::new() } else { format!(" (waited {})", words(took)) };
    let mut lines = vec![format!("{} is applied wherever it can be{with}.{waited}", short(oid))];
    if waiting > 0 {
        lines.push(format!("{} waiting (pintle status -o json; pintle why KIND/NAME)", plural(waiting, "object")));
    }
    if dead > 0 {
        lines.push(format!("{} failed for good (pintle jobs list --state dead)", plural(dead, "job")));
    }
    lines.join("\n")
}

/// The codes of what is wrong with the documents.
fn errors(verdict: &serde_json::Value) -> impl Iterator<Item = &str> {
    let all = verdict["diagnostics"].as_array().into_iter().flatten();
    all.filter(|one| one["severity"] == "error").filter_map(|one| one["code"].as_str())
}

fn late(oid: &str, took: Duration, why: &str) -> CliError {
    CliError::new(format!("{} is not applied after {}: {why}", short(oid), words(took)))
}

/// What lifts a hold: the reason's own words, where it has some.
fn hint(verdict: &serde_json::Value, oid: &str) -> String {
    let own = verdict
        .pointer("/held/reasons/0/hint")
        .or_else(|| verdict.pointer("/refused/hint"))
        .and_then(serde_json::Value::as_str);
    own.map_or_else(|| format!("pintle why {}", short(oid)), shown)
}

fn progress(place: &Place) -> String {
    match place {
        Place::Unseen(tip) => format!("not fetched yet (the daemon has {})", tip.as_deref().map_or("nothing", short)),
        other => other.word().to_owned(),
    }
}

fn words(took: Duration) -> String {
    span(SignedDuration::try_from(took).unwrap_or(SignedDuration::MAX))
}

/// On standard error, and only at a terminal.
fn spinner() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(150));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_says_what_still_waits_and_what_failed() {
        let text = applied("41c09de", "8f3c1a2", Duration::from_millis(1800), 5, 1);
        assert_eq!(
            text,
            "41c09de is applied wherever it can be by 8f3c1a2. (waited 1.8 s)\n5 objects waiting (pintle status -o json; pintle why KIND/NAME)\n1 job failed for good (pintle jobs list --state dead)"
        );
    }

    #[test]
    fn a_hold_is_lifted_by_its_own_hint() {
        let verdict = json!({"held": {"reasons": [{"hint": "bob: pintle approve 41c09de"}]}});
        assert_eq!(hint(&verdict, "41c09de"), "bob: pintle approve 41c09de");
        assert_eq!(hint(&json!({}), "41c09de0000"), "pintle why 41c09de");
    }
}
