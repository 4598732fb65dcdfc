//! `pintle`: parse arguments, start telemetry, dispatch.

fn main() -> std::process::ExitCode {
    pintle::cli::main()
}
