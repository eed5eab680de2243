//! Somebody at the terminal.

use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Write};
use std::sync::{Arc, Mutex, PoisonError};

use asqav_core::approval::{Acknowledgment, Answer, ApprovalRequest, Approver, ApproverId, Votes};
use asqav_core::clock::Clock as _;
use asqav_core::clock::SystemClock;
use asqav_core::sign::Signer;

/// Asks at the terminal and signs the answer with the approver's own key.
///
/// One question at a time. Only `yes` grants and only `no` refuses; whatever
/// else is typed is no answer. What comes from the agent is shown with control
/// and invisible characters escaped. A question that is waiting for its line
/// cannot be taken back; an answer that comes too late does not count.
pub struct TerminalApprover {
    asking: Arc<Asking>,
}

struct Asking {
    by: ApproverId,
    signer: Arc<dyn Signer>,
    open: Box<dyn Fn() -> io::Result<Terminal> + Send + Sync>,
    one_at_a_time: Mutex<()>,
}

/// Where questions go and answers come from.
type Terminal = (Box<dyn BufRead>, Box<dyn Write>);

impl TerminalApprover {
    /// Asks at the process's own terminal (`/dev/tty`), and signs in the name
    /// of `by` with `signer`, which must not be the gate's.
    #[must_use]
    pub fn new(by: ApproverId, signer: Arc<dyn Signer>) -> Self {
        Self::at(by, signer, || {
            let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
            let written = terminal.try_clone()?;
            Ok((Box::new(BufReader::new(terminal)), Box::new(written)))
        })
    }

    /// As [`new`](Self::new), at what `open` gives for each question.
    pub fn at(
        by: ApproverId,
        signer: Arc<dyn Signer>,
        open: impl Fn() -> io::Result<(Box<dyn BufRead>, Box<dyn Write>)> + Send + Sync + 'static,
    ) -> Self {
        let one_at_a_time = Mutex::new(());
        Self { asking: Arc::new(Asking { by, signer, open: Box::new(open), one_at_a_time }) }
    }
}

impl Approver for TerminalApprover {
    fn ask(&self, request: Arc<ApprovalRequest>, votes: Votes) {
        let asking = Arc::clone(&self.asking);
        let spawned = std::thread::Builder::new()
            .name("asqav-approver".to_owned())
            .spawn(move || asking.ask(&request, &votes));
        // Without a thread the votes are dropped, and nobody is left to answer.
        drop(spawned);
    }
}

impl Asking {
    fn ask(&self, request: &ApprovalRequest, votes: &Votes) {
        let turn = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        if !votes.is_open() {
            return;
        }
        let answer = (self.open)().and_then(|(read, write)| question(request, read, write));
        drop(turn);
        let Ok(Some(answer)) = answer else { return };
        let now = SystemClock::new().now();
        if let Ok(answer) = Acknowledgment::sign(request, answer, &self.by, &*self.signer, now) {
            votes.cast(answer);
        }
    }
}

/// Shows the request and reads one line.
fn question(
    request: &ApprovalRequest,
    mut read: impl BufRead,
    mut write: impl Write,
) -> io::Result<Option<Answer>> {
    let shown = |text: &str| text.escape_debug().to_string();
    writeln!(write, "\n{} wants to call {}", shown(request.agent.as_str()), shown(request.tool.as_str()))?;
    writeln!(write, "  action   {}", shown(request.action.as_str()))?;
    for (name, text) in &request.arguments {
        let text = text.as_deref().map_or_else(|| "(not shown to the gate)".to_owned(), shown);
        writeln!(write, "  {} = {text}", shown(name))?;
    }
    writeln!(write, "  because  {}", request.reason)?;
    writeln!(write, "  receipt  {}", request.receipt)?;
    writeln!(write, "  until    {}", request.expires_at)?;
    write!(write, "Let it run? [yes/no] ")?;
    write.flush()?;
    let mut line = String::new();
    read.read_line(&mut line)?;
    Ok(match line.trim() {
        "yes" => Some(Answer::Grant),
        "no" => Some(Answer::Refuse),
        _ => None,
    })
}

impl std::fmt::Debug for TerminalApprover {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TerminalApprover").field("by", &self.asking.by).finish_non_exhaustive()
    }
}
