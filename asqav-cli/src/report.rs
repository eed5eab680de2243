//! A report in words: the verdict first, then the evidence.

use std::io::{self, Write};

use asqav_receipt::verify::{AxisReport, AxisResult, FailureClass, Problem, ReasonCode, Verdict};

use crate::exit::Exit;
use crate::output::{Colour, Output};
use crate::text::escape;

/// More problems than this are counted, not shown; `--json` has more.
const MAX_PROBLEMS: usize = 20;

/// The exit code that a verdict means.
pub(crate) const fn exit_of(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Verified | Verdict::VerifiedKeyed => Exit::Done,
        Verdict::Unverified(FailureClass::Invalid) => Exit::Invalid,
        Verdict::Unverified(FailureClass::Unverifiable) => Exit::Unverifiable,
    }
}

/// The verdict in one word that cannot be mistaken.
pub(crate) const fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Verified => "VERIFIED",
        Verdict::VerifiedKeyed => "VERIFIED (keyed)",
        Verdict::Unverified(FailureClass::Invalid) => "INVALID",
        Verdict::Unverified(FailureClass::Unverifiable) => "UNVERIFIABLE",
    }
}

/// The verdict as a headline: one word that cannot be mistaken, then what it means.
pub(crate) fn write_headline(
    output: &mut Output,
    verdict: Verdict,
    reason_code: Option<ReasonCode>,
    problems: &[Problem],
) -> io::Result<()> {
    let (colour, meaning) = match verdict {
        Verdict::Verified => (Colour::Green, "every check that matters passed"),
        Verdict::VerifiedKeyed => (
            Colour::Green,
            "every check that matters passed; only the holder of its key can recompute the payload digest",
        ),
        Verdict::Unverified(FailureClass::Invalid) => (Colour::Red, "shown to be false"),
        Verdict::Unverified(FailureClass::Unverifiable) => {
            (Colour::Yellow, "something that matters could not be checked")
        }
    };
    let word = output.paint(colour, verdict_word(verdict));
    let Some(reason) = reason_code else { return writeln!(output, "{word}  {meaning}\n") };
    writeln!(output, "{word}  {meaning}: {reason}\n")?;
    let cause = problems.iter().find(|problem| problem.reason_code == reason);
    cause.map_or(Ok(()), |problem| {
        let place = problem.seq.map_or_else(String::new, |seq| format!("receipt {seq}: "));
        writeln!(output, "  why          {place}{}", escape(&problem.note))
    })
}

/// The axes that passed, in one line.
pub(crate) fn write_checked(output: &mut Output, axes: &[AxisReport]) -> io::Result<()> {
    let passed = axes.iter().filter(|axis| axis.result == AxisResult::Pass);
    let passed: Vec<_> = passed.map(|axis| axis.axis.as_str()).collect();
    let checked = if passed.is_empty() { "nothing".to_owned() } else { passed.join(", ") };
    writeln!(output, "  checked      {checked}")
}

/// What was not checked.
pub(crate) fn write_not_checked(output: &mut Output, lines: &[String]) -> io::Result<()> {
    let titles = std::iter::once("not checked").chain(std::iter::repeat(""));
    lines.iter().zip(titles).try_for_each(|(line, title)| writeln!(output, "  {title:<11}  {}", escape(line)))
}

/// Every axis, with its result.
pub(crate) fn write_axes(output: &mut Output, axes: &[AxisReport]) -> io::Result<()> {
    writeln!(output)?;
    for axis in axes {
        let colour = match axis.result {
            AxisResult::Pass => Colour::Green,
            AxisResult::Fail => Colour::Red,
            AxisResult::Skipped => Colour::Yellow,
        };
        let result = output.paint(colour, &format!("{:<7}", axis.result.as_str()));
        let reason = axis.reason.map_or_else(String::new, |reason| format!("{reason}: "));
        let line = format!("  {:<14}  {result}  {reason}{}", axis.axis.as_str(), escape(&axis.note));
        writeln!(output, "{}", line.trim_end())?;
    }
    Ok(())
}

/// What was found wrong, receipt by receipt and then what belongs to none;
/// `omitted` more were found.
pub(crate) fn write_problems(output: &mut Output, problems: &[Problem], omitted: u64) -> io::Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    writeln!(output, "\n  problems")?;
    let mut shown: Vec<_> = problems.iter().collect();
    shown.sort_by_key(|problem| problem.seq.unwrap_or(u64::MAX));
    for problem in shown.into_iter().take(MAX_PROBLEMS) {
        let place = problem.seq.map_or_else(String::new, |seq| format!("receipt {seq}: "));
        let (axis, code) = (problem.axis.as_str(), problem.reason_code.as_str());
        writeln!(output, "    {place}{axis}: {code}: {}", escape(&problem.note))?;
    }
    let unshown = u64::try_from(problems.len().saturating_sub(MAX_PROBLEMS)).unwrap_or(u64::MAX);
    match unshown.saturating_add(omitted) {
        0 => Ok(()),
        more => writeln!(output, "    and {more} more"),
    }
}
