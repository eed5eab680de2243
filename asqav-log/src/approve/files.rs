//! Requests and answers as files.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use asqav_core::approval::{Acknowledgment, ApprovalRequest, Approver, Votes};

/// An answer is about 5.5 KB; a file over this many bytes is none.
const MAX_ANSWER_LEN: u64 = 64 * 1024;

/// How often the directory is looked at.
const EVERY: Duration = Duration::from_millis(100);

/// Asks by a file in a directory, and takes the answers from there: for
/// approvers in another process, on another machine, or behind a web hook.
///
/// For the denial receipt `act_…` it writes `act_….request.json`
/// ([`ApprovalRequest::to_json`], readable by its owner only, because it holds
/// the arguments) and takes every file `act_….<anything>.answer.json`
/// ([`Acknowledgment::as_json`]) as an answer. Who may write there can answer,
/// but only a pinned key's signature counts; they can also exchange a request
/// for one that shows other arguments, so let nobody write there whom approvers
/// do not trust. Answers have to appear whole:
/// write them under another name and rename them. The request's file is
/// removed when nobody waits any more; one whose process was killed stays, with
/// the arguments in it, until somebody removes it. Answers stay as evidence.
#[derive(Debug, Clone)]
pub struct FileApprover {
    directory: PathBuf,
}

impl FileApprover {
    /// Asks in `directory`, which has to exist.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }
}

impl Approver for FileApprover {
    fn ask(&self, request: Arc<ApprovalRequest>, votes: Votes) {
        let directory = self.directory.clone();
        let watching = std::thread::Builder::new().name("asqav-approver".to_owned()).spawn(move || {
            let name = request.receipt.to_string();
            if write_request(&directory, &name, &request.to_json()).is_ok() {
                watch(&directory, &name, &votes);
            }
            // What cannot be written is not asked; what is left of it goes.
            let _removed = fs::remove_file(request_path(&directory, &name));
            let _removed = fs::remove_file(unfinished_path(&directory, &name));
        });
        // Without a thread the votes are dropped, and nobody is left to answer.
        drop(watching);
    }
}

fn request_path(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.request.json"))
}

fn unfinished_path(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.request.tmp"))
}

/// Appears whole: written under another name and renamed.
fn write_request(directory: &Path, name: &str, json: &[u8]) -> io::Result<()> {
    let unfinished = unfinished_path(directory, name);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    file.write_all(json)?;
    file.sync_all()?;
    fs::rename(&unfinished, request_path(directory, name))
}

/// Hands in what appears, until nobody waits any more.
fn watch(directory: &Path, name: &str, votes: &Votes) {
    let prefix = format!("{name}.");
    let mut taken = HashSet::new();
    while votes.is_open() {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        for file in entries.map(|entry| entry.file_name()) {
            let is_answer =
                file.to_str().is_some_and(|file| file.starts_with(&prefix) && file.ends_with(".answer.json"));
            // What cannot be read yet is looked at again: it may get its mode late.
            if is_answer
                && !taken.contains(&file)
                && let Some(answer) = read_answer(&directory.join(&file))
            {
                taken.insert(file);
                votes.cast(Acknowledgment::from_json(answer));
            }
        }
        std::thread::sleep(EVERY);
    }
}

fn read_answer(path: &Path) -> Option<Vec<u8>> {
    // Not through a link, and not from a pipe that never ends.
    fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file)?;
    let mut answer = Vec::new();
    fs::File::open(path).ok()?.take(MAX_ANSWER_LEN + 1).read_to_end(&mut answer).ok()?;
    (u64::try_from(answer.len()).ok()? <= MAX_ANSWER_LEN).then_some(answer)
}
