//! Labels that an admitted call raises.

use std::sync::Arc;

use asqav_receipt::payload::Decision as Wire;
use asqav_receipt::time::Timestamp;

use super::Gate;
use super::decide::{Denial, Ruling, code};
use crate::policy::{Labels, Raise};

impl Gate {
    /// The session's labels once the call is admitted at `now`; `None` when
    /// they do not change. A call that cannot raise what it has to is denied,
    /// and its charges go back.
    pub(super) fn raised(
        &self,
        ruling: &mut Ruling,
        seen: Option<&Arc<Labels>>,
        now: Timestamp,
    ) -> Option<Arc<Labels>> {
        if ruling.denial.is_some() || ruling.raises.is_empty() {
            return None;
        }
        match raise_all(&ruling.raises, seen, now) {
            Ok(raised) => Some(raised),
            Err(reason) => {
                self.refund(&ruling.charges, now);
                ruling.charges.clear();
                ruling.rules = ruling.raises.iter().map(|raise| raise.rule.clone()).collect();
                (ruling.wire, ruling.denial) = (Wire::Deny, Some(Denial::Policy(code(reason))));
                None
            }
        }
    }
}

fn raise_all(
    raises: &[Raise],
    seen: Option<&Arc<Labels>>,
    now: Timestamp,
) -> Result<Arc<Labels>, &'static str> {
    let mut labels = Labels::clone(seen.ok_or("session_required")?);
    for Raise { label, .. } in raises {
        labels.raise(label.clone(), now).map_err(|_| "labels_full")?;
    }
    Ok(Arc::new(labels))
}
