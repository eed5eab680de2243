//! Exit codes, the same for every command.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: verified, or done.
    Done,
    /// 1: invalid; something was shown to be false.
    Invalid,
    /// 2: unverifiable; something that matters could not be checked.
    Unverifiable,
    /// 3: wrong usage or an input/output error; nothing is said about the log.
    Error,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Invalid => 1,
            Exit::Unverifiable => 2,
            Exit::Error => 3,
        })
    }
}
