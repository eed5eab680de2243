//! A program that asks an authority.

use std::ffi::OsString;
use std::process::Command;
use std::time::Duration;

use super::Authority;
use crate::sink::{SinkError, run_for_output};

/// Runs a program for each request: the request in DER on its standard input,
/// the answer in DER on its standard output, exit code 0.
#[derive(Debug, Clone)]
pub struct CommandAuthority {
    program: OsString,
    arguments: Vec<OsString>,
    timeout: Duration,
}

impl CommandAuthority {
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

impl Authority for CommandAuthority {
    fn name(&self) -> String {
        format!("command {}", self.program.display())
    }

    fn answer(&mut self, request: &[u8]) -> Result<Vec<u8>, SinkError> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        run_for_output(&mut command, request, self.timeout)
    }
}
