//! The command line. One file a subcommand; here only parsing, dispatch and exit codes.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the command line is where Pintle talks to people")]

mod approvals;
mod approve;
mod change_id;
mod dev;
mod doctor;
mod explain;
mod init;
mod judge;
mod migrate;
mod output;
mod plan;
mod render;
mod run;
mod schema;
mod settings_file;
mod signing;
mod snapshot;
mod trust;
mod unblock;
mod validate;
mod verify;

pub use output::{CliError, Exit, Format, Out};

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
    #[arg(short, long, global = true, env = "PINTLE_OUTPUT", value_enum, default_value_t = Format::Human)]
    output: Format,
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
    /// Prepare the signed revert of what is held
    Unblock(unblock::UnblockArgs),
    /// Check git, keys, servers and the introduction, and say what to do next
    Doctor(doctor::DoctorArgs),
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
    /// The trust policy: in words, checked, or as git's allowed signers
    Trust(trust::TrustCommand),
    /// Check the documents of a folder, before they are committed
    Validate(validate::ValidateArgs),
    /// Show what a revision would change, against the database, a snapshot or another commit
    Plan(plan::PlanArgs),
    /// Write the live state to a file, for planning without a database
    Snapshot(snapshot::SnapshotArgs),
    /// Run the daemon: watch, verify, plan, enqueue, apply
    Run(run::RunArgs),
    /// Bring the database's schema up to date, as its owner
    Migrate(migrate::MigrateArgs),
    /// A private Postgres, Redis, signed repository and daemon, to try things
    Dev(dev::DevArgs),
}

impl Command {
    async fn run(self, out: &Out) -> Result<Exit, CliError> {
        match self {
            Self::Init(args) => init::run(&args, out),
            Self::Approve(args) => approve::run(&args, out).await,
            Self::Unblock(args) => unblock::run(&args, out).await,
            Self::Doctor(args) => doctor::run(&args, out).await,
            Self::Verify(args) => verify::run(&args, out).await,
            Self::ChangeId(args) => change_id::run(&args, out),
            Self::Explain(args) => explain::run(&args, out),
            Self::Schema(args) => schema::run(&args, out),
            Self::Render(args) => render::run(&args, out),
            Self::Trust(args) => trust::run(&args, out),
            Self::Validate(args) => validate::run(&args, out),
            Self::Plan(args) => plan::run(args, out).await,
            Self::Snapshot(args) => snapshot::run(&args, out).await,
            Self::Run(args) => run::run(args).await,
            Self::Migrate(args) => migrate::run(&args, out).await,
            Self::Dev(args) => dev::run(args, out).await,
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

/// Parses, dispatches, and says how it ended. Usage errors are 1, as every error is.
pub fn main() -> ExitCode {
    let command = settings_file::with_defaults(Cli::command());
    let cli = match command.try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr()));
        }
    };
    let out = Out::new(cli.global.output, cli.global.no_color);
    start_log(cli.global.log.as_deref().unwrap_or_else(|| cli.command.default_log()));
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
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
    let filter = tracing_subscriber::EnvFilter::try_new(filter).unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    log.with_ansi(colour).init();
}
