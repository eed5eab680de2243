//! Cedar's evaluation, sliced by action and failing closed.
//!
//! For those who have a schema, entities and requests of their own; a gate
//! takes a [`CedarPolicy`](crate::CedarPolicy).

use std::collections::HashMap;
use std::fmt;

use cedar_policy::{
    ActionConstraint, AuthorizationError, Authorizer, Decision, Entities, EntityUid, Policy, PolicyId,
    PolicySet, Request, Response,
};

use crate::error::CedarError;

/// Policies, ready to be asked about some actions.
pub struct Engine {
    authorizer: Authorizer,
    entities: Entities,
    /// INVARIANT: each holds every policy that can be about its action.
    slices: HashMap<EntityUid, PolicySet>,
}

/// What the policies say about one request. Ids are in the order of their
/// texts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ruling {
    /// These permit it, and none forbids it.
    Permitted(Vec<PolicyId>),
    /// These forbid it.
    Forbidden(Vec<PolicyId>),
    /// None permits it.
    NoPolicy,
    /// These could not be evaluated. Cedar would skip them and say what the
    /// others say; here nothing is allowed.
    Failed(Vec<PolicyId>),
    /// The engine was not made for this action.
    UnknownAction,
}

impl Engine {
    /// An engine for requests with one of `actions`; `entities` hold the
    /// actions' groups, too.
    ///
    /// # Errors
    /// [`CedarError::Template`] for a template or a policy made from one.
    pub fn new(
        policies: &PolicySet,
        entities: Entities,
        actions: impl IntoIterator<Item = EntityUid>,
    ) -> Result<Self, CedarError> {
        if let Some(template) = policies.templates().next() {
            return Err(CedarError::Template(template.id().to_string()));
        }
        let mut slices = HashMap::new();
        for action in actions {
            let about = policies.policies().filter(|policy| is_about(policy, &action, &entities));
            let slice = PolicySet::from_policies(about.cloned());
            slices.insert(action, slice.map_err(|error| CedarError::Template(error.to_string()))?);
        }
        Ok(Self { authorizer: Authorizer::new(), entities, slices })
    }

    /// What the policies say about `request`.
    #[must_use]
    pub fn judge(&self, request: &Request) -> Ruling {
        let Some(slice) = request.action().and_then(|action| self.slices.get(action)) else {
            return Ruling::UnknownAction;
        };
        let response = self.authorizer.is_authorized(request, slice, &self.entities);
        let failed = sorted(response.diagnostics().errors().map(|error| match error {
            AuthorizationError::PolicyEvaluationError(error) => error.policy_id(),
        }));
        if !failed.is_empty() {
            return Ruling::Failed(failed);
        }
        ruling(&response)
    }

    /// How many policies a call of `action` is asked of.
    #[must_use]
    pub fn slice_len(&self, action: &EntityUid) -> Option<usize> {
        self.slices.get(action).map(PolicySet::num_of_policies)
    }
}

fn ruling(response: &Response) -> Ruling {
    let reasons = sorted(response.diagnostics().reason());
    match response.decision() {
        Decision::Allow => Ruling::Permitted(reasons),
        Decision::Deny if reasons.is_empty() => Ruling::NoPolicy,
        Decision::Deny => Ruling::Forbidden(reasons),
    }
}

fn sorted<'p>(ids: impl Iterator<Item = &'p PolicyId>) -> Vec<PolicyId> {
    let mut ids: Vec<_> = ids.cloned().collect();
    ids.sort_unstable_by(|one, other| AsRef::<str>::as_ref(one).cmp(other.as_ref()));
    ids
}

/// Whether the policy's scope leaves it possible that it is about `action`.
fn is_about(policy: &Policy, action: &EntityUid, entities: &Entities) -> bool {
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(only) => only == *action,
        ActionConstraint::In(groups) => {
            groups.iter().any(|group| group == action || entities.is_ancestor_of(group, action))
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("actions", &self.slices.len()).finish_non_exhaustive()
    }
}
