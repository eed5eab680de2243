//! Core's `Policy` trait for Cedar policies.

use std::collections::HashMap;
use std::str::FromStr as _;

use asqav_core::policy::{Decision, Policy, PolicyInput};
use asqav_receipt::canonical;
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{PolicyId, ReasonCode, RuleId};
use asqav_receipt::json::Json;
use cedar_policy::{
    Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request, Schema, ValidationMode,
    Validator, get_lang_version, get_sdk_version,
};

use crate::context::{self, OutsideSchema};
use crate::engine::{Engine, Ruling};
use crate::error::{CedarError, Position};
use crate::schema::{self, AGENT, RESOURCE, ROLE, TOOL, object};
use crate::tool::Tool;

/// The longest text of policies, in bytes.
pub const MAX_POLICY_LEN: usize = 1 << 20;

/// Cedar policies about tools, for a gate.
#[derive(Debug)]
pub struct CedarPolicy {
    id: PolicyId,
    normalised: Box<[u8]>,
    digest: Sha256Digest,
    engine: Engine,
    tools: HashMap<String, Known>,
    types: Types,
    /// The receipts' names of Cedar's policies.
    rules: HashMap<cedar_policy::PolicyId, RuleId>,
}

/// A tool, and what a request about it begins with.
#[derive(Debug)]
struct Known {
    tool: Tool,
    action: EntityUid,
    resource: EntityUid,
}

/// The entity types of a request, parsed once.
#[derive(Debug)]
struct Types {
    agent: EntityTypeName,
    resource: EntityTypeName,
}

/// Cedar policies being put together.
#[derive(Debug, Clone)]
#[must_use = "`build` makes the policy"]
pub struct Builder {
    id: String,
    tools: Vec<Tool>,
    roles: Vec<(String, Vec<String>)>,
    text: String,
}

impl Builder {
    /// Adds a tool.
    pub fn tool(mut self, tool: Tool) -> Self {
        self.tools.push(tool);
        self
    }

    /// Puts agents in a role: policies ask `principal in Role::"…"` for it.
    pub fn role<A: Into<String>>(
        mut self,
        name: impl Into<String>,
        agents: impl IntoIterator<Item = A>,
    ) -> Self {
        self.roles.push((name.into(), agents.into_iter().map(Into::into).collect()));
        self
    }

    /// Adds policies in Cedar's own language. Receipts name a policy by its
    /// annotation `@id("…")`, else `policy0`, `policy1`, … by its place.
    pub fn policies(mut self, text: &str) -> Self {
        self.text.push_str(text);
        self.text.push('\n');
        self
    }

    /// Checks everything; policies are validated strictly (Cedar's
    /// `ValidationMode::Strict`) against the schema that the tools make.
    ///
    /// # Errors
    /// [`CedarError`] for the first thing that is wrong.
    pub fn build(self) -> Result<CedarPolicy, CedarError> {
        let Self { id, tools, roles, text } = self;
        let id = PolicyId::parse(id)?;
        let described = schema::of(&tools)?;
        let schema = Schema::from_json_str(&String::from_utf8_lossy(&canonical::to_vec(&described)))
            .map_err(|error| CedarError::Schema(error.to_string()))?;
        let (policies, rules) = read(&text, &schema)?;
        let entities = entities(&roles, &schema)?;
        let normalised = normalise(&id, described, &roles, &text);
        let types = Types { agent: type_name(AGENT)?, resource: type_name(RESOURCE)? };
        let (action, kind) = (type_name("Action")?, type_name(TOOL)?);
        let known = |tool: Tool| {
            let [action, resource] = [&action, &kind].map(|kind| uid(kind, &tool.name));
            (tool.name.clone(), Known { tool, action, resource })
        };
        let tools: HashMap<_, _> = tools.into_iter().map(known).collect();
        let engine = Engine::new(&policies, entities, tools.values().map(|known| known.action.clone()))?;
        let digest = Sha256Digest::of(&normalised);
        Ok(CedarPolicy { id, normalised: normalised.into(), digest, engine, tools, types, rules })
    }
}

impl CedarPolicy {
    /// The policy `id`, to be given tools and policies.
    pub fn builder(id: &str) -> Builder {
        Builder { id: id.to_owned(), tools: Vec::new(), roles: Vec::new(), text: String::new() }
    }

    /// Canonical JSON (RFC 8785) of everything that the policy means: engine,
    /// Cedar's version and its language's, the tools' schema, roles, and the
    /// policies' text as it was written.
    #[must_use]
    pub fn normalised(&self) -> &[u8] {
        &self.normalised
    }

    fn request(&self, input: &PolicyInput<'_>, known: &Known) -> Result<Request, OutsideSchema> {
        let context = context::of(input, &known.tool)?;
        let principal = uid(&self.types.agent, input.agent.as_str());
        let resource = match &input.call.origin.resource {
            Some(name) => uid(&self.types.resource, name.as_str()),
            None => known.resource.clone(),
        };
        Request::new(principal, known.action.clone(), resource, context, None).map_err(|_| OutsideSchema)
    }

    fn names(&self, policies: &[cedar_policy::PolicyId]) -> Vec<RuleId> {
        policies.iter().filter_map(|policy| self.rules.get(policy)).cloned().collect()
    }
}

impl Policy for CedarPolicy {
    fn id(&self) -> &PolicyId {
        &self.id
    }

    fn digest(&self) -> Sha256Digest {
        self.digest
    }

    fn decide(&self, input: &PolicyInput<'_>) -> Decision {
        let deny = |policies: &[_], reason| Decision::deny(self.names(policies), code(reason));
        let Some(known) = self.tools.get(input.call.tool.as_str()) else {
            return deny(&[], "unknown_tool");
        };
        let Ok(request) = self.request(input, known) else {
            return deny(&[], "outside_schema");
        };
        match self.engine.judge(&request) {
            Ruling::Permitted(policies) => Decision::allow(self.names(&policies), Vec::new()),
            Ruling::Forbidden(policies) => deny(&policies, "denied_by_rule"),
            Ruling::NoPolicy => deny(&[], "no_rule"),
            Ruling::Failed(policies) => deny(&policies, "evaluation_error"),
            // INVARIANT: the engine was made for every known tool.
            Ruling::UnknownAction => deny(&[], "unknown_tool"),
        }
    }
}

/// The policies, validated, and their names in receipts.
fn read(
    text: &str,
    schema: &Schema,
) -> Result<(PolicySet, HashMap<cedar_policy::PolicyId, RuleId>), CedarError> {
    if text.len() > MAX_POLICY_LEN {
        return Err(CedarError::TooLarge(text.len()));
    }
    let policies = PolicySet::from_str(text).map_err(|error| CedarError::Syntax {
        position: Position::of(&error, text),
        message: error.to_string(),
    })?;
    let validated = Validator::new(schema.clone()).validate(&policies, ValidationMode::Strict);
    if let Some(error) = validated.validation_errors().next() {
        return Err(CedarError::Invalid {
            policy: name(&policies, error.policy_id()).to_owned(),
            position: Position::of(error, text),
            message: error.to_string(),
        });
    }
    let mut rules = HashMap::new();
    for policy in policies.policies() {
        let rule = RuleId::parse(name(&policies, policy.id()))?;
        if rules.values().any(|known| *known == rule) {
            return Err(CedarError::Twice { what: "policy", name: rule.as_str().to_owned() });
        }
        rules.insert(policy.id().clone(), rule);
    }
    Ok((policies, rules))
}

/// A policy's name in receipts.
fn name<'p>(policies: &'p PolicySet, id: &'p cedar_policy::PolicyId) -> &'p str {
    policies.annotation(id, "id").unwrap_or_else(|| id.as_ref())
}

/// The groups of tools, from the schema, and the agents in roles.
fn entities(roles: &[(String, Vec<String>)], schema: &Schema) -> Result<Entities, CedarError> {
    let wrong = |error: &dyn std::fmt::Display| CedarError::Schema(error.to_string());
    let (agent, role) = (type_name(AGENT)?, type_name(ROLE)?);
    let mut members: HashMap<&str, std::collections::HashSet<EntityUid>> = HashMap::new();
    for (name, agents) in roles {
        for agent in agents {
            members.entry(agent).or_default().insert(uid(&role, name));
        }
    }
    let agents = members.into_iter().map(|(name, roles)| Entity::new_no_attrs(uid(&agent, name), roles));
    let actions = schema.action_entities().map_err(|error| wrong(&error))?;
    actions.add_entities(agents, None).map_err(|error| wrong(&error))
}

fn normalise(id: &PolicyId, schema: Json, roles: &[(String, Vec<String>)], text: &str) -> Vec<u8> {
    let role = |(name, agents): &(String, Vec<String>)| {
        let agents = agents.iter().map(|agent| agent.as_str().into()).collect();
        object([("name", name.as_str().into()), ("agents", Json::Array(agents))])
    };
    let policy = object([
        ("schema", Json::Integer(1)),
        ("engine", env!("CARGO_PKG_NAME").into()),
        ("engine_version", env!("CARGO_PKG_VERSION").into()),
        ("cedar_version", get_sdk_version().to_string().into()),
        ("cedar_language", get_lang_version().to_string().into()),
        ("id", id.as_str().into()),
        ("tools", schema),
        ("roles", Json::Array(roles.iter().map(role).collect())),
        ("policies", text.into()),
    ]);
    canonical::to_vec(&object([("asqav_policy", policy)]))
}

/// Names are data: nothing in one is an escape.
fn uid(kind: &EntityTypeName, name: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(name))
}

fn type_name(name: &str) -> Result<EntityTypeName, CedarError> {
    EntityTypeName::from_str(name).map_err(|error| CedarError::Schema(error.to_string()))
}

#[expect(clippy::expect_used, reason = "the codes are constants, and a test reads each of them")]
fn code(reason: &str) -> ReasonCode {
    ReasonCode::parse(reason).expect("a constant code")
}
