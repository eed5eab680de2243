//! A policy of one's own: Rego, through the interpreter in the crate regorus,
//! without a server. The README shows this file.

use std::error::Error;

use asqav::receipt::digest::Sha256Digest;
use asqav::{Decision, Policy, PolicyId, PolicyInput, ReasonCode, RuleId};
use regorus::{CompiledPolicy, Engine, Value};

/// The rule `data.tools.allow` of a Rego module. What is not `true` is denied.
#[derive(Debug)]
pub struct Rego {
    id: PolicyId,
    digest: Sha256Digest,
    allow: CompiledPolicy,
    rule: RuleId,
    reasons: [ReasonCode; 2],
}

impl Rego {
    /// # Errors
    /// When `id` is not an id, or `module` no Rego with that rule.
    pub fn new(id: &str, module: &str) -> Result<Self, Box<dyn Error>> {
        let mut engine = Engine::new();
        engine.add_policy("policy.rego".into(), module.into())?;
        Ok(Self {
            id: PolicyId::parse(id)?,
            // Receipts name it; it covers all that decides.
            digest: Sha256Digest::of(format!("regorus 0.14\n{module}").as_bytes()),
            allow: engine.compile_with_entrypoint(&"data.tools.allow".into())?,
            rule: RuleId::parse("data.tools.allow")?,
            reasons: [ReasonCode::parse("no_rule")?, ReasonCode::parse("evaluation_error")?],
        })
    }

    fn ask(&self, call: &PolicyInput<'_>) -> Result<Value, Box<dyn Error>> {
        let (mut input, mut args) = (Value::new_object(), Value::new_object());
        for argument in &call.call.arguments {
            let json = argument.value.as_ref().ok_or("the argument was not serialised")?;
            args.as_object_mut()?.insert(argument.name.as_str().into(), Value::from_json_str(json.as_str())?);
        }
        let members =
            [("agent", call.agent.as_str().into()), ("tool", call.call.tool.as_str().into()), ("args", args)];
        for (name, value) in members {
            input.as_object_mut()?.insert(name.into(), value);
        }
        Ok(self.allow.eval_with_input(input)?)
    }
}

impl Policy for Rego {
    fn id(&self) -> &PolicyId {
        &self.id
    }

    fn digest(&self) -> Sha256Digest {
        self.digest
    }

    fn decide(&self, input: &PolicyInput<'_>) -> Decision {
        let [no_rule, failed] = self.reasons.clone();
        match self.ask(input) {
            Ok(Value::Bool(true)) => Decision::allow(vec![self.rule.clone()], Vec::new()),
            Ok(_) => Decision::deny(Vec::new(), no_rule),
            Err(_) => Decision::deny(Vec::new(), failed),
        }
    }
}
