//! `pintle jobs`: the ledger; a dead letter tried again, a job cancelled.

mod stats;
mod watch;

use super::database::{Database, as_operator, os_user};
use super::table::{Cell, Lines, Table, short};
use super::{CliError, Exit, Out};
use crate::store::ledger::{JobFilter, JobRow, STATES};
use crate::store::retry::Retried;
use crate::store::work::Cancelled;
use pintle_core::render::{Paper, Style, ago, shown};
use serde_json::json;

/// Characters of a reason in a list.
const REASON: usize = 80;

/// What to do with jobs.
#[derive(Debug, clap::Args)]
pub struct JobsArgs {
    #[command(subcommand)]
    command: JobsCommand,
    #[command(flatten)]
    database: Database,
}

#[derive(Debug, clap::Subcommand)]
enum JobsCommand {
    /// Jobs, newest first
    List {
        /// Only those in these states
        #[arg(long, env = "PINTLE_STATE", value_name = "STATE", value_delimiter = ',', value_parser = clap::builder::PossibleValuesParser::new(STATES))]
        state: Vec<String>,
        /// At most so many
        #[arg(short = 'n', long, env = "PINTLE_LIMIT", value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..))]
        limit: i64,
    },
    /// One job, and what became of it
    Show {
        /// Its number
        #[arg(value_name = "ID")]
        id: i64,
    },
    /// Follow one job until it is over
    ///
    /// Ends with 0 when it is done, with 1 when it is cancelled, superseded or dead.
    Watch {
        /// Its number
        #[arg(value_name = "ID")]
        id: i64,
    },
    /// The ledger in numbers: jobs by queue and state, and what was done within the hour
    Stats,
    /// Cancel a job; recorded with your user name
    ///
    /// What waits is cancelled at once; what runs is told, and ends at its next safe point. A change of a row
    /// that was cancelled is planned again while its document still wants it: pause the object to keep it.
    Cancel {
        /// Its number
        #[arg(value_name = "ID")]
        id: i64,
        /// Why
        #[arg(long, env = "PINTLE_REASON", value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
        reason: String,
    },
    /// Let what a dead job wanted be tried again
    ///
    /// Recorded in the audit log with your user name. The job of a row stays over: its object is planned
    /// anew, under what is accepted now, so that nothing withdrawn meanwhile is applied. Work of a schedule
    /// is queued again.
    Retry {
        /// Its number
        #[arg(value_name = "ID")]
        id: i64,
        /// Why it will work this time
        #[arg(long, env = "PINTLE_REASON", value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
        reason: String,
    },
}

/// Lists, shows or retries.
pub async fn run(args: &JobsArgs, out: &Out) -> Result<Exit, CliError> {
    let store = args.database.open().await?;
    match &args.command {
        JobsCommand::List { state, limit } => {
            let jobs = store.jobs(&JobFilter { states: state.clone(), limit: *limit, ..JobFilter::default() }).await?;
            list(&jobs, *limit, out);
        }
        JobsCommand::Show { id } => {
            let Some(job) = store.jobs(&JobFilter { id: Some(*id), limit: 1, ..JobFilter::default() }).await?.pop()
            else {
                return Err(unknown(*id));
            };
            show(&job, out);
        }
        JobsCommand::Watch { id } => return watch::watch(&store, *id, out).await,
        JobsCommand::Stats => stats::stats(&store, out).await?,
        JobsCommand::Cancel { id, reason } => {
            let who = os_user();
            let cancelled = as_operator(&store, async |writer| store.cancel(writer, *id, &who, reason).await).await?;
            cancelled_said(*id, cancelled, out)?;
        }
        JobsCommand::Retry { id, reason } => {
            let who = os_user();
            let retried = as_operator(&store, async |writer| store.retry(writer, *id, &who, reason).await).await?;
            said(*id, retried, out)?;
        }
    }
    Ok(Exit::Success)
}

fn unknown(id: i64) -> CliError {
    CliError::new(format!("there is no job {id}")).hint("pintle jobs list")
}

fn said(id: i64, retried: Retried, out: &Out) -> Result<(), CliError> {
    match retried {
        Retried::PlannedAnew { object, error } if out.is_json() => out.json(
            &json!({"formatVersion": "1.0", "job": id, "object": object, "state": "superseded", "lastError": error}),
        ),
        Retried::Queued { object, error } if out.is_json() => out
            .json(&json!({"formatVersion": "1.0", "job": id, "object": object, "state": "queued", "lastError": error})),
        Retried::PlannedAnew { object, error } => {
            let of = failed_with(error);
            out.text(&format!("Job {id} for {object} is planned anew.{of}\nFollow it: pintle why {object}"));
        }
        Retried::Queued { object, error } => {
            let of = failed_with(error);
            out.text(&format!("Job {id} of {object} is queued again.{of}\nFollow it: pintle jobs watch {id}"));
        }
        Retried::Unknown => return Err(unknown(id)),
        Retried::NotDead(state) => {
            return Err(CliError::new(format!("job {id} is {state}; only a dead one can be retried"))
                .hint("pintle jobs list --state dead"));
        }
    }
    Ok(())
}

fn cancelled_said(id: i64, cancelled: Cancelled, out: &Out) -> Result<(), CliError> {
    let (object, state) = match cancelled {
        Cancelled::AtOnce(object) => (object, "cancelled"),
        Cancelled::Told(object) => (object, "running"),
        Cancelled::Unknown => return Err(unknown(id)),
        Cancelled::Over(state) => {
            return Err(
                CliError::new(format!("job {id} is {state}; it is over")).hint(format!("pintle jobs show {id}"))
            );
        }
    };
    if out.is_json() {
        out.json(&json!({"formatVersion": "1.0", "job": id, "object": object, "state": state}));
    } else if state == "running" {
        out.text(&format!(
            "Job {id} of {object} runs; it ends at its next safe point.\nFollow it: pintle jobs watch {id}"
        ));
    } else {
        out.text(&format!("Job {id} of {object} is cancelled."));
    }
    Ok(())
}

fn failed_with(error: Option<String>) -> String {
    error.map(|error| format!(" It had failed with: {}", shown(&error))).unwrap_or_default()
}

fn list(jobs: &[JobRow], limit: i64, out: &Out) {
    if out.is_json() {
        return out.json(&json!({"formatVersion": "1.0", "jobs": jobs}));
    }
    if jobs.is_empty() {
        return out.text("No jobs match.");
    }
    out.text(&table(jobs, &out.paper()));
    if jobs.len() as i64 == limit && out.is_terminal() {
        out.text(&format!("\nThe newest {limit}; -n shows more."));
    }
}

fn table(jobs: &[JobRow], paper: &Paper) -> String {
    let mut table = Table::new(&["job", "state", "action", "object", "cause", "commit", "tries", "changed", "reason"]);
    for job in jobs {
        let reason = cut(job.reason.as_deref().unwrap_or_default());
        table.row([
            job.id.to_string().into(),
            Cell::from(state(job)).styled(colour(state(job))),
            job.action.as_str().into(),
            job.object.as_str().into(),
            job.cause.as_str().into(),
            job.commit.as_deref().map(short).unwrap_or_default().into(),
            job.attempts.filter(|tries| *tries > 0).map(|tries| tries.to_string()).unwrap_or_default().into(),
            job.changed_at.or(job.created_at).map(|at| ago(at, paper.now)).unwrap_or_default().into(),
            reason.into(),
        ]);
    }
    table.render(paper)
}

/// The beginning of a reason: `pintle jobs show` has the rest.
fn cut(reason: &str) -> String {
    let end = reason.char_indices().nth(REASON).map(|(at, _)| at);
    end.map_or_else(|| reason.to_owned(), |end| format!("{}…", reason[..end].trim_end()))
}

/// The state; a job whose state was pruned is over.
fn state(job: &JobRow) -> &str {
    job.state.as_deref().unwrap_or("over")
}

fn colour(state: &str) -> Style {
    match state {
        "dead" => Style::Warning,
        "done" => Style::Added,
        "queued" | "released" | "running" => Style::Changed,
        _ => Style::Muted,
    }
}

fn show(job: &JobRow, out: &Out) {
    if out.is_json() {
        return out.json(&json!({"formatVersion": "1.0", "job": job}));
    }
    out.text(&detail(job, &out.paper()));
}

fn detail(job: &JobRow, paper: &Paper) -> String {
    let mut lines = Lines::default();
    lines.add("job", format!("{} {}", job.id, paper.paint(colour(state(job)), state(job))));
    lines.add("object", paper.paint(Style::Heading, &shown(&job.object)));
    lines.add("does", format!("{} ({})", job.action, job.cause));
    let place =
        job.file.as_deref().map(|file| format!(", {}:{}", shown(file), job.line.unwrap_or(1))).unwrap_or_default();
    let plan = job.plan.map(|plan| format!(" (plan {plan}{place})")).unwrap_or(place);
    lines.add("from", format!("{}{plan}", job.commit.as_deref().map(short).unwrap_or_default()));
    lines.add("made", job.created_at.map(|at| ago(at, paper.now)).unwrap_or_default());
    lines.add(
        "changed",
        job.changed_at.map_or_else(|| "its state was pruned: it was over long ago".to_owned(), |at| ago(at, paper.now)),
    );
    if let Some(tries) = job.attempts.filter(|tries| *tries > 0) {
        lines.add("tries", tries.to_string());
    }
    if let Some(at) = job.not_before.filter(|at| *at > paper.now) {
        lines.add("next try", ago(at, paper.now));
    }
    if let Some(delivery) = job.delivery {
        lines.add("delivery", format!("pin-{delivery}"));
    }
    if !job.needs.is_empty() {
        lines.add("after", job.needs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    }
    if let Some(reason) = &job.reason {
        lines.add("reason", shown(reason));
    }
    let next = match state(job) {
        "dead" => format!("pintle jobs retry {} --reason TEXT", job.id),
        _ => format!("pintle why {}; pintle audit show job {}", job.object, job.id),
    };
    lines.add("next", next);
    lines.render(paper)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dead() -> JobRow {
        let text = |text: &str| Some(text.to_owned());
        JobRow {
            id: 7,
            plan: Some(2),
            plan_id: None,
            object: "Instance/acme-prod".into(),
            uid: uuid::Uuid::nil(),
            action: "update".into(),
            cause: "intent".into(),
            file: text("a.yaml"),
            line: Some(9),
            commit: Some("8f3c1a2".repeat(6)),
            state: text("dead"),
            attempts: Some(3),
            partner: None,
            delivery: None,
            reason: text("no\nroom"),
            created_at: None,
            changed_at: None,
            not_before: None,
            needs: Vec::new(),
        }
    }

    #[test]
    fn a_dead_job_says_its_error_and_how_to_try_again() {
        let text = detail(&dead(), &Paper::plain(100, jiff::Timestamp::UNIX_EPOCH));
        assert!(text.contains("no\\nroom") && text.contains("pintle jobs retry 7 --reason TEXT"), "{text}");
        let table = table(&[dead()], &Paper::plain(100, jiff::Timestamp::UNIX_EPOCH));
        assert!(table.lines().count() == 2 && table.contains("Instance/acme-prod"), "{table}");
    }

    #[test]
    fn only_a_dead_job_can_be_retried() {
        let out = Out::new(super::super::Output::Human, true);
        assert!(said(7, Retried::NotDead("done".into()), &out).is_err());
        assert!(said(7, Retried::Unknown, &out).is_err());
    }
}
