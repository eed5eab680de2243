//! Approvers that ship: a directory of files, the terminal, and a server.

mod files;
#[cfg(feature = "http-approver")]
mod http;
mod terminal;

pub use files::FileApprover;
#[cfg(feature = "http-approver")]
pub use http::HttpApprover;
pub use terminal::TerminalApprover;
