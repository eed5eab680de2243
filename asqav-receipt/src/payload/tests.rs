use super::*;
use crate::id::{PolicyId, RuleId};

fn payload(receipt_type: ReceiptType, context: Context) -> Payload {
    Payload {
        receipt_type,
        action_id: ActionId::from_parts(1, [1; 10]),
        agent_id: AgentId::parse("agent \"ü\" 😀").unwrap(),
        issuer_id: IssuerId::parse("issuer").unwrap(),
        issued_at: Timestamp::from_unix_micros(1).unwrap(),
        seq: 7,
        nonce: Nonce::from_bytes([3; 12]),
        link: Link::to(b"{}"),
        action_type: ActionType::parse("ledger:query").unwrap(),
        tool_name: Some(ToolName::parse("query\\account").unwrap()),
        context,
        decision: Decision::Allow,
        reason: Some(ReasonCode::parse("why").unwrap()),
        policy_digest: Sha256Digest::of(b"policy"),
        controls: Controls::policy(2),
        session_id: Some(SessionId::parse("s").unwrap()),
        invocation_ref: Some(Sha256Digest::of(b"decision")),
        key_thumbprint: Sha256Digest::of(b"key"),
        expires_at: Timestamp::from_unix_micros(2),
        asqav: Extension {
            log_id: LogId::from_bytes([9; 16]),
            tier: Tier::Bounded,
            phase: Phase::Outcome,
            outcome: Some(Outcome::ToolError),
            recovered: true,
            error_type: Some(ErrorType::parse("io::Error").unwrap()),
            started_at: Timestamp::from_unix_micros(3),
            duration_us: Some(12),
            tool: Some(ToolInfo {
                version: Some(ToolVersion::parse("1.0").unwrap()),
                definition_digest: Some(Sha256Digest::of(b"d")),
            }),
            policy: Some(PolicyInfo::new(
                PolicyId::parse("p").unwrap(),
                vec![RuleId::parse("r1").unwrap(), RuleId::parse("r2").unwrap()],
                Some(Sha3Digest::of(b"inputs")),
            )),
            parents: vec![ActionId::from_parts(0, [0; 10])],
            trace: Some(Trace::new([1; 16], [2; 8])),
        },
    }
}

fn forms() -> Vec<(String, Form)> {
    vec![
        ("\u{ff}".to_owned(), Form::Commit(Sha3Digest::of(b"v"))),
        ("\u{1F600}".to_owned(), Form::Value(Json::Array(vec![Json::Integer(-5), Json::Null]))),
        ("\u{FB33}".to_owned(), Form::Text("1e400".to_owned())),
        ("a".to_owned(), Form::Dropped),
    ]
}

pub(super) fn every_kind() -> Vec<Payload> {
    let folded = Some(Folded::new(3, Sha3Digest::of(b"root")));
    let mut body = Object::new();
    body.set("status", "completed");
    let mut event = payload(ReceiptType::Lifecycle, Context::Event { name: "session:close", body });
    event.controls = Controls::default();
    event.asqav.parents.clear();
    event.asqav.recovered = false;
    event.asqav.tool = None;
    event.tool_name = None;
    event.link = Link::GENESIS;
    let mut halted = payload(ReceiptType::Decision, Context::Arguments { shown: vec![], folded: None });
    halted.controls = Controls::emergency_halt();
    if let Some(policy) = &mut halted.asqav.policy {
        policy.shadow = vec![RuleId::parse("s").unwrap()];
        policy.obliged = vec![RuleId::parse("o").unwrap(), RuleId::parse("p").unwrap()];
    }
    let mut approved = payload(ReceiptType::Decision, Context::Arguments { shown: vec![], folded: None });
    approved.controls.quorum = Some(Sha256Digest::of(b"answers"));
    approved.controls.delegation = Some(Sha3Digest::of(b"tokens"));
    vec![
        payload(ReceiptType::Decision, Context::Arguments { shown: forms(), folded }),
        payload(ReceiptType::Decision, Context::Arguments { shown: vec![], folded: None }),
        payload(ReceiptType::Outcome, Context::Result(Some(Form::Commit(Sha3Digest::of(b"r"))))),
        payload(ReceiptType::Outcome, Context::Result(None)),
        payload(ReceiptType::Observation, Context::Step(Form::Dropped)),
        payload(
            ReceiptType::Observation,
            Context::Observed { shown: forms(), folded, result: Some(Form::Dropped) },
        ),
        event,
        halted,
        approved,
    ]
}

#[test]
fn a_link_is_made_of_bytes_as_they_come() {
    let bytes: Vec<u8> = (0..1_400_u32).map(|n| (n * 7) as u8).collect();
    for at in [0, 1, 120, 136, 700, 1_400] {
        let mut hasher = LinkHasher::new();
        hasher.update(&bytes[..at]);
        hasher.update(&bytes[at..]);
        assert_eq!(hasher.finish(), Link::to_each(&[&bytes])[0], "{at}");
    }
}

/// The typed writer against a canonicaliser that others wrote.
#[test]
fn canonical_bytes_agree_with_a_general_canonicaliser() {
    for payload in every_kind() {
        let ours = payload.to_canonical();
        assert_eq!(crate::canonical::to_vec(&Json::parse(&ours).unwrap()), ours);
        let value: serde_json::Value = serde_json::from_slice(&ours).unwrap();
        assert_eq!(String::from_utf8(ours).unwrap(), serde_json_canonicalizer::to_string(&value).unwrap());
    }
}

#[test]
fn derived_members_are_what_they_say() {
    let payload = &every_kind()[2];
    let json = Json::parse(&payload.to_canonical()).unwrap();
    let get = |name: &str| json.as_object().unwrap().get(name).unwrap().clone();
    let context = crate::canonical::to_vec(&get("context"));
    assert_eq!(
        get("payload_digest").as_object().unwrap().get("size").unwrap().as_count(),
        Some(context.len() as u64)
    );
    let mut reference = Object::new();
    reference.set("action_type", "ledger:query");
    reference.set("context", get("context"));
    let reference = Sha256Digest::of(&crate::canonical::to_vec(&reference.into()));
    assert_eq!(get("action_ref").as_str(), Some(reference.to_tagged().as_str()));
    let result = get("context").as_object().unwrap().get("result").unwrap().clone();
    let result = Sha256Digest::of(&crate::canonical::to_vec(&result));
    assert_eq!(get("result_digest").as_str(), Some(result.to_tagged().as_str()));
}

#[test]
fn what_is_written_is_read_back() {
    for mut payload in every_kind() {
        if let Context::Arguments { shown, .. } | Context::Observed { shown, .. } = &mut payload.context {
            shown.sort_by(|(a, _), (b, _)| crate::canonical::member_order(a, b));
        }
        let json = Json::parse(&payload.to_canonical()).unwrap();
        assert_eq!(Payload::from_json(&json).unwrap(), payload);
    }
}

#[test]
fn reading_names_the_member_that_is_wrong() {
    let json = Json::parse(&every_kind()[0].to_canonical()).unwrap();
    let changed = |name: &str, value: Json| {
        let mut object = json.as_object().unwrap().clone();
        object.set(name, value);
        Payload::from_json(&Json::Object(object)).unwrap_err().member
    };
    assert_eq!(changed("seq", Json::Integer(-1)), "seq");
    assert_eq!(changed("issued_at", "yesterday".into()), "issued_at");
    assert_eq!(changed("decision", "maybe".into()), "decision");
    assert_eq!(changed("asqav", Json::Null), "asqav");
}

/// The longest payload without its context: every member at its greatest
/// length, in the characters that escape to the most bytes.
fn longest(receipt_type: ReceiptType) -> Payload {
    let quotes = |max: usize| "\"".repeat(max);
    let code = |max: usize| "c".repeat(max);
    let mut worst = payload(receipt_type, Context::Result(None));
    worst.agent_id = AgentId::parse(quotes(AgentId::MAX_LEN)).unwrap();
    worst.issuer_id = IssuerId::parse(quotes(IssuerId::MAX_LEN)).unwrap();
    worst.action_type = ActionType::parse(quotes(ActionType::MAX_LEN)).unwrap();
    worst.tool_name = Some(ToolName::parse(quotes(ToolName::MAX_LEN)).unwrap());
    worst.reason = Some(ReasonCode::parse(code(ReasonCode::MAX_LEN)).unwrap());
    worst.session_id = Some(SessionId::parse(code(SessionId::MAX_LEN)).unwrap());
    worst.seq = MAX_SEQ;
    let quorum = Some(Sha256Digest::of(b"answers"));
    let delegation = Some(Sha3Digest::of(b"tokens"));
    worst.controls = Controls { policy_matched: Some(u64::MAX), halted: false, delegation, quorum };
    worst.asqav.error_type = Some(ErrorType::parse(code(ErrorType::MAX_LEN)).unwrap());
    worst.asqav.duration_us = Some(u64::MAX);
    worst.asqav.tool.as_mut().unwrap().version =
        Some(ToolVersion::parse(code(ToolVersion::MAX_LEN)).unwrap());
    let rule = RuleId::parse(code(RuleId::MAX_LEN)).unwrap();
    let mut policy = PolicyInfo::new(
        PolicyId::parse(code(PolicyId::MAX_LEN)).unwrap(),
        vec![rule.clone(); MAX_RULES],
        Some(Sha3Digest::of(b"inputs")),
    );
    (policy.shadow, policy.obliged) = (vec![rule.clone(); MAX_NOTED], vec![rule; MAX_NOTED]);
    worst.asqav.policy = Some(policy);
    worst.asqav.parents = vec![ActionId::from_parts(0, [0; 10]); MAX_PARENTS];
    worst.link = Link::to(b"{}");
    worst
}

/// A decision has no outcome's part, an outcome the policy's where its result
/// was reviewed.
#[test]
fn the_context_has_a_fixed_budget() {
    let mut reviewed = longest(ReceiptType::Outcome);
    reviewed.controls = Controls::policy(u64::MAX);
    reviewed.asqav.parents.truncate(1);
    if let Some(policy) = &mut reviewed.asqav.policy {
        policy.obliged.clear();
    }
    let mut outcome = longest(ReceiptType::Outcome);
    outcome.asqav.policy = None;
    let mut decision = longest(ReceiptType::Decision);
    decision.invocation_ref = None;
    let asqav = &mut decision.asqav;
    (asqav.outcome, asqav.error_type, asqav.started_at, asqav.duration_us) = (None, None, None, None);
    asqav.recovered = false;
    // With one rule less than without.
    let delegated = decision.clone();
    decision.controls.delegation = None;
    for worst in [reviewed, outcome, decision, delegated] {
        let dynamic = worst.context_budget();
        assert!(dynamic >= MAX_CONTEXT_LEN, "{dynamic}");
        let result = match worst.receipt_type {
            ReceiptType::Outcome => "\"result_digest\":\"sha256:\",".len() + 64,
            _ => 0,
        };
        let without_context = worst.to_canonical().len() - "{}".len() + result;
        assert!(
            without_context + MAX_CONTEXT_LEN <= MAX_PAYLOAD_LEN,
            "{without_context} bytes without context leave {}",
            MAX_PAYLOAD_LEN.saturating_sub(without_context)
        );
    }
}

/// The bound holds to the byte: a context that fills the budget gives a
/// payload of 4,096 bytes, with the longest number and links.
#[test]
fn a_context_that_fills_the_budget_fits_exactly() {
    for mut payload in every_kind() {
        payload.link = Link::GENESIS;
        payload.seq = 1;
        let budget = payload.context_budget();
        let observation = payload.receipt_type == ReceiptType::Observation;
        let text = |len: usize| {
            let result = Some(Form::Text("x".repeat(len)));
            if observation {
                Context::Observed { shown: Vec::new(), folded: None, result }
            } else {
                Context::Result(result)
            }
        };
        payload.context = text(budget - text(0).to_canonical().len());
        assert_eq!(payload.context.to_canonical().len(), budget);
        payload.seq = MAX_SEQ;
        payload.link = Link::to(b"{}");
        assert_eq!(payload.to_canonical().len(), MAX_PAYLOAD_LEN);
    }
}

#[test]
fn the_least_budget_holds_a_fold_and_a_recorded_value() {
    let commit = || Form::Commit(Sha3Digest::of(b""));
    let folded = Some(Folded::new(MAX_SEQ, Sha3Digest::of(b"")));
    let shown = vec![("\"".repeat(64), commit())];
    let context = Context::Observed { shown, folded, result: Some(commit()) };
    assert!(context.to_canonical().len() <= MAX_CONTEXT_LEN);
    // JSON text without control characters doubles at most when it is quoted.
    let context = Context::Result(Some(Form::Text("\"".repeat(MAX_RECORDED_LEN))));
    assert!(context.to_canonical().len() <= MAX_CONTEXT_LEN);
}

#[test]
fn only_the_first_rules_and_parents_are_named() {
    let mut payload = every_kind().remove(0);
    let rules: Vec<_> = (0..9).map(|n| RuleId::parse(format!("r{n}")).unwrap()).collect();
    payload.asqav.policy.as_mut().unwrap().rules.clone_from(&rules);
    payload.asqav.parents = (0..9).map(|n| ActionId::from_parts(n, [0; 10])).collect();
    let json = Json::parse(&payload.to_canonical()).unwrap();
    let read = Payload::from_json(&json).unwrap();
    assert_eq!(read.asqav.policy.unwrap().rules, rules[..MAX_RULES]);
    assert_eq!(read.asqav.parents, payload.asqav.parents[..MAX_PARENTS]);
    let more = String::from_utf8(payload.to_canonical()).unwrap().replacen("\"r0\"", "\"r0\",\"r\"", 1);
    assert!(Payload::from_json(&Json::parse(more.as_bytes()).unwrap()).is_err(), "one rule more");
}

#[test]
fn no_number_with_a_fraction_is_read() {
    let text = String::from_utf8(every_kind()[0].to_canonical()).unwrap();
    assert!(text.contains("[-5,null]"));
    for number in ["-5.0", "5e0", "0.5"] {
        let json = Json::parse(text.replacen("-5", number, 1).as_bytes()).unwrap();
        assert!(Payload::from_json(&json).is_err(), "{number}");
    }
}

/// The reference verifier fails a policy control that matched nothing.
#[test]
fn a_control_that_matched_nothing_is_not_claimed() {
    let mut payload = every_kind().remove(0);
    payload.controls = Controls { policy_matched: Some(0), ..Controls::default() };
    assert!(!String::from_utf8(payload.to_canonical()).unwrap().contains("controls_evaluated"));
}
