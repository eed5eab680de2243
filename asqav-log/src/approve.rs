//! Approvers that ship: a directory of files, and the terminal.

mod files;
mod terminal;

pub use files::FileApprover;
pub use terminal::TerminalApprover;
