//! The thread that starts every server.
//!
//! Linux sends the parent-death signal when the *thread* that forked ends, not the process. Tests
//! and runtimes end threads all the time, so one thread that lives as long as the process forks
//! every child. Refuses everything but spawning.

use std::io;
use std::process::{Child, Command};
use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

struct Request {
    command: Command,
    reply: Sender<io::Result<Child>>,
}

static KEEPER: LazyLock<Result<Sender<Request>, io::ErrorKind>> = LazyLock::new(|| {
    let (requests, inbox) = channel();
    let builder = thread::Builder::new().name("pintle-keeper".into());
    builder.spawn(move || serve(&inbox)).map_err(|error| error.kind())?;
    Ok(requests)
});

/// Starts a command as a child of the keeper thread.
pub(super) fn spawn(command: Command) -> io::Result<Child> {
    let keeper = KEEPER.as_ref().map_err(|kind| io::Error::from(*kind))?;
    let (reply, answer) = channel();
    let gone = |_| io::Error::other("the keeper thread is gone");
    keeper.send(Request { command, reply }).map_err(|_| io::Error::other("the keeper thread is gone"))?;
    answer.recv().map_err(gone)?
}

fn serve(inbox: &Receiver<Request>) {
    for mut request in inbox {
        // A caller that went away cannot happen: it blocks for the answer.
        let _ = request.reply.send(request.command.spawn());
    }
}
