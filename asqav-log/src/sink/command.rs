//! A program that is given each checkpoint.

use std::ffi::OsString;
use std::io::{Read, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use asqav_receipt::checkpoint::SignedCheckpoint;

use super::{CheckpointSink, SinkError};

/// How often a running program is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long to wait for what a program that has ended said.
const LISTEN: Duration = Duration::from_secs(1);
/// So much of what it says about an error is kept, bytes.
const MAX_SAID: u64 = 400;
/// An answer on standard output is never longer, bytes.
const MAX_ANSWER: u64 = 1 << 20;

/// Runs a program for each checkpoint, with the checkpoint file on its standard
/// input; exit code 0 means that it is kept.
#[derive(Debug, Clone)]
pub struct CommandSink {
    program: OsString,
    arguments: Vec<OsString>,
    timeout: Duration,
}

impl CommandSink {
    /// Runs `program`, which has 30 seconds.
    #[must_use]
    pub fn new(program: impl Into<OsString>) -> Self {
        Self { program: program.into(), arguments: Vec::new(), timeout: Duration::from_secs(30) }
    }

    /// Adds an argument. No shell reads it.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Sets how long the program may take before it is killed.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl CheckpointSink for CommandSink {
    fn name(&self) -> String {
        format!("command {}", self.program.display())
    }

    fn deliver(&mut self, checkpoint: &SignedCheckpoint) -> Result<(), SinkError> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        run(&mut command, &checkpoint.to_file(), self.timeout)
    }
}

/// Runs `command` with `input`; anything but exit code 0 in time is an error.
pub(super) fn run(command: &mut Command, input: &[u8], timeout: Duration) -> Result<(), SinkError> {
    command.stdout(Stdio::null());
    run_piped(command, input, timeout).map(drop)
}

/// The same, for what the program writes to standard output, at most 1 MiB.
#[cfg(feature = "anchoring")]
pub(crate) fn run_for_output(
    command: &mut Command,
    input: &[u8],
    timeout: Duration,
) -> Result<Vec<u8>, SinkError> {
    command.stdout(Stdio::piped());
    run_piped(command, input, timeout)
}

fn run_piped(command: &mut Command, input: &[u8], timeout: Duration) -> Result<Vec<u8>, SinkError> {
    let program = command.get_program().display().to_string();
    let io = |source| SinkError::Io { what: format!("running `{program}`"), source };
    let deadline = Instant::now() + timeout;
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(io)?;
    let answered = child.stdout.take().map(|stdout| listen(stdout, MAX_ANSWER));
    // A checkpoint fits into a pipe; a program that does not read it may be right.
    if let Some(mut stdin) = child.stdin.take() {
        drop(stdin.write_all(input));
    }
    let said = child.stderr.take().map(|stderr| listen(stderr, MAX_SAID));
    let Some(status) = wait(&mut child, deadline).map_err(io)? else {
        drop(child.kill());
        drop(child.wait());
        return Err(SinkError::Program { program, why: format!("took longer than {timeout:?}") });
    };
    let heard = |told: Option<Receiver<Vec<u8>>>| told.and_then(|told| told.recv_timeout(LISTEN).ok());
    if status.success() {
        return Ok(heard(answered).unwrap_or_default());
    }
    let said = heard(said).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    Err(SinkError::Program { program, why: format!("ended with {status}: {}", said.trim()) })
}

/// The beginning of what a program says; the rest is read and dropped, so that
/// it does not wait for a reader.
fn listen(mut from: impl Read + Send + 'static, max: u64) -> Receiver<Vec<u8>> {
    let (tell, told) = channel();
    thread::spawn(move || {
        let mut said = Vec::new();
        drop(from.by_ref().take(max).read_to_end(&mut said));
        drop(std::io::copy(&mut from, &mut std::io::sink()));
        drop(tell.send(said));
    });
    told
}

fn wait(child: &mut Child, deadline: Instant) -> std::io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        thread::sleep(LOOK_EVERY);
    }
}
