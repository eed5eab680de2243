//! One line about one receipt: what it *says*, not what was found true.

use asqav_receipt::json::{Json, Object};

use crate::table::Table;
use crate::text::escape;

/// A table for [`row`]s.
pub(crate) const fn table() -> Table<6> {
    Table::new(["seq", "claimed time (UTC)", "receipt", "action", "says", "session"])
}

/// The row of a receipt, given as its payload.
pub(crate) fn row(payload: &Json) -> [String; 6] {
    let Some(payload) = payload.as_object() else {
        return std::array::from_fn(|at| if at == 2 { "(no payload)".to_owned() } else { String::new() });
    };
    let text = |name: &str| payload.get(name).and_then(Json::as_str).unwrap_or_default();
    let asqav = payload.get("asqav").and_then(Json::as_object);
    let phase = asqav.and_then(|asqav| asqav.get("phase")).and_then(Json::as_str).unwrap_or_default();
    let seq =
        payload.get("seq").and_then(Json::as_count).map_or_else(|| "?".to_owned(), |seq| seq.to_string());
    let kind = if text("type") == "protectmcp:observation" && phase != "step" { "post-hoc" } else { phase };
    let cells = [
        short_time(text("issued_at")),
        kind.to_owned(),
        text("action_type").to_owned(),
        says(payload, asqav, phase),
        short_session(text("session_id")),
    ];
    let [time, kind, action, says, session] = cells.map(|cell| escape(&cell));
    [seq, time, kind, action, says, session]
}

/// What a receipt of this phase says of its call or event; unescaped.
pub(crate) fn says(payload: &Object, asqav: Option<&Object>, phase: &str) -> String {
    let text = |name: &str| payload.get(name).and_then(Json::as_str);
    let ours = |name: &str| asqav.and_then(|asqav| asqav.get(name));
    if let Some(outcome) = ours("outcome").and_then(Json::as_str) {
        let class = ours("error_type").and_then(Json::as_str).map(last_segment);
        let class = class.map_or_else(String::new, |class| format!(": {class}"));
        let took = ours("duration_us").and_then(Json::as_count);
        return format!("{outcome}{class}{}", took.map_or_else(String::new, |us| format!(", {us} µs")));
    }
    if phase == "event" {
        return event(payload).unwrap_or_default();
    }
    if phase == "step" {
        return step(payload).unwrap_or_default();
    }
    let reason = text("reason").map_or_else(String::new, |reason| format!(": {reason}"));
    format!("{}{reason}", text("decision").unwrap_or_default())
}

/// The most telling member of an event.
fn event(payload: &Object) -> Option<String> {
    let (name, body) = payload.get("context")?.as_object()?.iter().next()?;
    let body = body.as_object()?;
    let text = |name: &str| body.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let count = |name: &str| body.get(name).and_then(Json::as_count).unwrap_or_default();
    Some(match name {
        "gate:start" => text("software"),
        "vault:erase" => format!("openings of {}", text("receipts")),
        "time:anchor" => format!("a token of {}", text("at")),
        "log:delete" => format!("segments {}, receipts {}", text("segments"), text("receipts")),
        "hold:place" => format!("{} on {}", text("id"), text("receipts")),
        "hold:release" => text("id"),
        "gate:recovery" => format!("resumed after {}", count("resumed_after_seq")),
        "session:open" => text("name"),
        "session:close" => format!("{}, {} receipts", text("status"), count("count")),
        _ => String::new(),
    })
}

/// How a step's value stands in the receipt.
fn step(payload: &Object) -> Option<String> {
    let form = payload.get("context")?.as_object()?.get("step")?.as_object()?;
    let (name, _) = form.iter().next()?;
    Some(match name {
        "commit" => "committed".to_owned(),
        "value" | "json" => "recorded".to_owned(),
        other => other.to_owned(),
    })
}

/// Date and time to the millisecond; another form as it is.
fn short_time(text: &str) -> String {
    match (text.get(..23), text.len()) {
        (Some(front), 27) => front.replacen('T', " ", 1),
        _ => text.to_owned(),
    }
}

/// The random end of a session's id; another form as it is.
fn short_session(id: &str) -> String {
    match id.strip_prefix("ses_").and_then(|rest| rest.get(28..)) {
        Some(end) => format!("ses_…{end}"),
        None => id.to_owned(),
    }
}

/// `LedgerError` of `bank::ledger::LedgerError`.
fn last_segment(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}
