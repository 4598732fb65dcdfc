//! Named points at which a test kills the process, to prove that what survives is whole. Nothing
//! happens unless `PINTLE_CRASH_AT` names the point.

/// Dies by SIGKILL here if the environment says so: no destructor, no flush, as a power cut would.
pub fn point(name: &str) {
    if std::env::var("PINTLE_CRASH_AT").is_ok_and(|wanted| wanted == name) {
        let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::Signal::SIGKILL);
    }
}
