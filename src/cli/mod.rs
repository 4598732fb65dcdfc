//! The command line. One file a subcommand; here only parsing, dispatch and exit codes.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the command line is where Pintle talks to people")]

mod advance;
mod against;
mod apply;
mod approvals;
mod approve;
mod audit;
mod change_id;
mod ci;
mod database;
mod dev;
mod doctor;
mod edits;
mod explain;
mod follow;
mod get;
mod help;
mod history;
mod import;
mod import_map;
mod init;
mod jobs;
mod judge;
mod migrate;
mod mistakes;
mod output;
mod pause;
mod plan;
mod recover;
mod render;
mod rollback;
mod run;
mod schedules;
mod schema;
mod selector;
mod server;
mod set;
mod settings_file;
mod shell;
mod signing;
mod simulate;
mod snapshot;
mod standing;
mod status;
mod table;
mod target;
mod trust;
mod unblock;
mod validate;
mod verify;
mod wait;
mod why;

pub use output::{CliError, Exit, Format, Out, Output};

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::process::ExitCode;

/// A declarative GitOps reconciler for fleets of SaaS platform instances
#[derive(Debug, Parser)]
#[command(name = "pintle", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Settings file (TOML); flags and environment win over it
    #[arg(long, global = true, env = "PINTLE_CONFIG", value_name = "FILE")]
    config: Option<std::path::PathBuf>,
    /// How to print
    #[arg(short, long, global = true, env = "PINTLE_OUTPUT", value_enum, default_value_t = Output::Human)]
    output: Output,
    /// No colour, as with NO_COLOR
    #[arg(long, global = true, env = "PINTLE_NO_COLOR")]
    no_color: bool,
    /// What is logged to standard error, such as `info` or `pintle=debug`
    #[arg(long, global = true, env = "PINTLE_LOG", value_name = "FILTER")]
    log: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a state repository: layout, a policy that you can satisfy, a first signed commit
    Init(init::InitArgs),
    /// Approve a change: show it, ask, and make the signed commit that counts
    Approve(approve::ApproveArgs),
    /// Write documents for what is live already, or for the records of a file
    Import(import::ImportArgs),
    /// Prepare the signed commit that takes an accepted one back
    Rollback(rollback::RollbackArgs),
    /// Set fields of documents, keeping comments, and prepare the branch
    Set(set::SetArgs),
    /// Give one channel's target to another
    Promote(set::PromoteArgs),
    /// Prepare the signed revert of what is held
    Unblock(unblock::UnblockArgs),
    /// Check git, keys, servers and the introduction, and say what to do next
    Doctor(doctor::DoctorArgs),
    /// Check a pull request: what it would do, and whether it is approved
    ///
    /// Ends with 0 when it may be merged, with 4 when `--require approved` is given and approvals are
    /// missing, with 3 when a limit of the guard refuses it, with 1 when its documents are invalid.
    Ci(ci::CiArgs),
    /// Say what trust accepts of a repository, and why the rest is held
    Verify(verify::VerifyArgs),
    /// Print the id that approvals name a change by
    ChangeId(change_id::ChangeIdArgs),
    /// Say what a kind, a field or a code means
    Explain(explain::ExplainArgs),
    /// Print the published JSON Schema of a kind, of the guard settings, or of a plan
    Schema(schema::SchemaArgs),
    /// Show a document as it takes effect: profiles merged, defaults filled in
    Render(render::RenderArgs),
    /// The trust policy in words, checked, as allowed signers; deny, revoke, accept a rewrite
    Trust(trust::TrustCommand),
    /// Check the documents of a folder, before they are committed
    Validate(validate::ValidateArgs),
    /// Show what a revision would change, against the database, a snapshot or another commit
    Plan(plan::PlanArgs),
    /// Play the clock forward: what a revision would do, and when
    ///
    /// Ends with 3 when the plan would still be refused by a limit at the end.
    Simulate(simulate::SimulateArgs),
    /// Run the daemon: watch, verify, plan, enqueue, apply
    Run(run::RunArgs),
    /// Show the plan, ask the daemon to reconcile now, and wait until it has
    ///
    /// Nothing is applied from here, and no gate is gone around: the daemon applies what it accepts,
    /// by the rules that stand in the repository. The revision must be the tip of the watched branch,
    /// or an ancestor of it. Ends with 4 when the revision is held.
    Apply(apply::ApplyArgs),
    /// Pause everything, a kind, an object, or what has a label: nothing of it starts afterwards
    Pause(pause::PauseArgs),
    /// End a pause
    Resume(pause::ResumeArgs),
    /// Open a wave whose gate is manual
    Advance(advance::AdvanceArgs),
    /// List jobs, look at one or follow it, try a dead one again, cancel one
    Jobs(jobs::JobsArgs),
    /// What fires when and what became of it; run a schedule by hand
    Schedules(schedules::SchedulesArgs),
    /// Bring the database's schema up to date, as its owner
    Migrate(migrate::MigrateArgs),
    /// Go on after a restored backup: show where host and database stand, and what would be applied
    Recover(recover::RecoverArgs),
    /// A private Postgres, Redis, signed repository and daemon, to try things
    Dev(dev::DevArgs),
    /// List live objects of a kind, or print one whole
    Get(get::GetArgs),
    /// How things stand: head, applied, fleet, queue, audit, leader
    Status(status::StatusArgs),
    /// Explain an object (live, base, plan, jobs, records) or a commit (accepted, held, not seen)
    Why(why::WhyArgs),
    /// Accepted commits: when, by whom, what they changed
    History(history::HistoryArgs),
    /// Search, show and export the audit log
    Audit(audit::AuditArgs),
    /// Write the live state to a file, for planning without a database
    Snapshot(snapshot::SnapshotArgs),
    /// Wait until a commit is applied wherever it can be
    ///
    /// Ends with 0 when it is, or when a later accepted commit that contains it is; with 4 when it is
    /// held or refused, with 3 when a limit of the guard refuses it; with 1 when the time is over or its
    /// documents are invalid.
    Wait(wait::WaitArgs),
    /// Print completions for a shell
    Completions(shell::CompletionsArgs),
    /// Write the manual
    Man(shell::ManArgs),
}

impl Command {
    async fn run(self, out: &Out) -> Result<Exit, CliError> {
        match self {
            Self::Init(args) => init::run(&args, out),
            Self::Approve(args) => approve::run(&args, out).await,
            Self::Import(args) => import::run(&args, out).await,
            Self::Rollback(args) => rollback::run(&args, out),
            Self::Set(args) => set::set(&args, out),
            Self::Promote(args) => set::promote(&args, out),
            Self::Unblock(args) => unblock::run(&args, out).await,
            Self::Doctor(args) => doctor::run(&args, out).await,
            Self::Ci(args) => ci::run(&args, out).await,
            Self::Recover(args) => recover::run(&args, out).await,
            Self::Verify(args) => verify::run(&args, out).await,
            Self::ChangeId(args) => change_id::run(&args, out),
            Self::Explain(args) => explain::run(&args, out),
            Self::Schema(args) => schema::run(&args, out),
            Self::Render(args) => render::run(&args, out),
            Self::Trust(args) => trust::run(&args, out).await,
            Self::Validate(args) => validate::run(&args, out),
            Self::Plan(args) => plan::run(args, out).await,
            Self::Simulate(args) => simulate::run(&args, out).await,
            Self::Snapshot(args) => snapshot::run(&args, out).await,
            Self::Run(args) => run::run(args).await,
            Self::Migrate(args) => migrate::run(&args, out).await,
            Self::Dev(args) => dev::run(args, out).await,
            Self::Apply(args) => apply::run(&args, out).await,
            Self::Pause(args) => pause::pause(&args, out).await,
            Self::Resume(args) => pause::resume(&args, out).await,
            Self::Advance(args) => advance::run(&args, out).await,
            Self::Jobs(args) => jobs::run(&args, out).await,
            Self::Schedules(args) => schedules::run(&args, out).await,
            Self::Get(args) => get::run(args, out).await,
            Self::Status(args) => status::run(&args, out).await,
            Self::Why(args) => why::run(&args, out).await,
            Self::History(args) => history::run(&args, out).await,
            Self::Audit(args) => audit::run(&args, out).await,
            Self::Wait(args) => wait::run(&args, out).await,
            Self::Completions(args) => Ok(shell::completions(&args, out)),
            Self::Man(args) => shell::man(&args, out),
        }
    }

    /// Daemons log; commands that answer a question only warn.
    fn default_log(&self) -> &'static str {
        match self {
            Self::Run(_) | Self::Dev(_) => "pintle=info,warn",
            _ => "error",
        }
    }
}

/// More than one even on one core: leases and locks are renewed while something is computed.
const WORKER_THREADS: usize = 4;

/// Parses, dispatches, and says how it ended. Usage errors are 1, as every error is.
pub fn main() -> ExitCode {
    let command = help::grouped(settings_file::with_defaults(Cli::command()));
    let cli = match command.try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr()));
        }
    };
    let out = Out::new(cli.global.output, cli.global.no_color);
    if matches!(cli.global.output, Output::Wide | Output::Yaml) && !matches!(cli.command, Command::Get(_)) {
        return out.failed(&CliError::new("only `get` prints `wide` and `yaml`").hint("-o human | json | markdown"));
    }
    start_log(cli.global.log.as_deref().unwrap_or_else(|| cli.command.default_log()));
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(WORKER_THREADS).enable_all().build()
    {
        Ok(runtime) => runtime,
        Err(error) => return out.failed(&CliError::because("the runtime cannot be started", error)),
    };
    let result = runtime.block_on(cli.command.run(&out));
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match result {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(error) => out.failed(&error),
    }
}

fn start_log(filter: &str) {
    use std::io::IsTerminal;
    let filter =
        tracing_subscriber::EnvFilter::try_new(filter).unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    log.with_ansi(colour).init();
}
