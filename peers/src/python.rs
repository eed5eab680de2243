//! The peers that are Python packages, timed inside their own process.

use std::error::Error;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// An interpreter that has the peers.
pub(crate) struct Python(OsString);

impl Python {
    pub(crate) fn from_env() -> Result<Self, Box<dyn Error>> {
        let python = std::env::var_os("ASQAV_PYTHON");
        Ok(Self(python.ok_or("ASQAV_PYTHON names no interpreter: use `cargo xtask bench-peers`")?))
    }

    /// The lines that a task prints.
    pub(crate) fn run(
        &self,
        task: &str,
        arguments: &[&dyn AsArgument],
    ) -> Result<Vec<String>, Box<dyn Error>> {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("python/peers.py");
        let arguments = arguments.iter().map(|argument| argument.text());
        let output = Command::new(&self.0).arg(script).arg(task).args(arguments).output()?;
        if !output.status.success() {
            return Err(format!("{task}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect())
    }

    /// The seconds that a task prints.
    pub(crate) fn seconds(
        &self,
        task: &str,
        arguments: &[&dyn AsArgument],
    ) -> Result<Vec<f64>, Box<dyn Error>> {
        self.run(task, arguments)?.iter().map(|line| Ok(line.parse()?)).collect()
    }
}

/// What is passed to a task.
pub(crate) trait AsArgument {
    fn text(&self) -> OsString;
}

impl AsArgument for PathBuf {
    fn text(&self) -> OsString {
        self.into()
    }
}

impl AsArgument for usize {
    fn text(&self) -> OsString {
        self.to_string().into()
    }
}

impl AsArgument for &str {
    fn text(&self) -> OsString {
        self.into()
    }
}
