//! A log in memory, written as a gate would, or as a cheating one.

use asqav_receipt::batch::Batch;
use asqav_receipt::checkpoint::HeadMirror;
use asqav_receipt::digest::{Sha3Digest, Sha256Digest};
use asqav_receipt::header::{CloseReason, SegmentHeader, SignedHeader};
use asqav_receipt::id::{
    ActionId, ActionType, AgentId, IssuerId, LogId, Nonce, PolicyId, ReasonCode, RuleId, SessionId, ToolName,
};
use asqav_receipt::json::{Json, Object};
use asqav_receipt::merkle::{Frontier, Sha3Tree};
use asqav_receipt::open::OpenSet;
use asqav_receipt::payload::{
    Context, Controls, Decision, Extension, Form, Link, Outcome, Payload, Phase, PolicyInfo, ReceiptType,
    Tier,
};
use asqav_receipt::receipt::{self, ReceiptSignature};
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::{LogInputs, LogReport, LogVerifier, ReadLine};

use super::{AGENT, ISSUER, Key, now};

/// A segment as it lies on disk.
#[derive(Clone, Default)]
pub struct Segment {
    pub lines: Vec<Vec<u8>>,
    pub header: Option<Vec<u8>>,
}

/// Writes receipts one after the other and seals segments.
pub struct Writer {
    pub key: Key,
    pub log_id: LogId,
    pub segments: Vec<Segment>,
    pub open: OpenSet,
    /// Canonical payloads, in order.
    pub payloads: Vec<Vec<u8>>,
    /// Receipts on their own, in order.
    pub receipts: Vec<Vec<u8>>,
    /// Where in `payloads` the batch at hand begins.
    batch_from: Option<usize>,
    /// Where the newest segment begins in `payloads`.
    first: usize,
    previous_header: Option<Sha3Digest>,
    micros: i64,
}

impl Writer {
    pub fn new() -> Self {
        Self {
            key: Key::new(1, "finance-1"),
            log_id: LogId::from_bytes([7; 16]),
            segments: vec![Segment::default()],
            open: OpenSet::default(),
            payloads: Vec::new(),
            receipts: Vec::new(),
            batch_from: None,
            first: 0,
            previous_header: None,
            micros: 1_775_000_000_000_000,
        }
    }

    /// A log whose gate was started.
    pub fn started() -> Self {
        let mut writer = Self::new();
        writer.event("gate:start", &[]);
        writer
    }

    pub fn seq(&self) -> u64 {
        self.payloads.len() as u64
    }

    /// The next receipt, not yet written.
    pub fn draft(&mut self, receipt_type: ReceiptType, context: Context) -> Payload {
        self.micros += 1_000;
        let number = self.seq() + 1;
        let link = self.payloads.last().map_or(Link::GENESIS, |payload| Link::to(payload));
        let phase = match receipt_type {
            ReceiptType::Decision => Phase::Decision,
            ReceiptType::Outcome => Phase::Outcome,
            ReceiptType::Observation => Phase::Step,
            _ => Phase::Event,
        };
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&number.to_be_bytes());
        let mut random = [0; 10];
        random[2..].copy_from_slice(&number.to_be_bytes());
        Payload {
            receipt_type,
            action_id: ActionId::from_parts(1_775_000_000_000, random),
            agent_id: AgentId::parse(AGENT).unwrap(),
            issuer_id: IssuerId::parse(ISSUER).unwrap(),
            issued_at: Timestamp::from_unix_micros(self.micros).unwrap(),
            seq: number,
            nonce: Nonce::from_bytes(nonce),
            link,
            action_type: ActionType::parse("ledger:query").unwrap(),
            tool_name: None,
            context,
            decision: Decision::Observation,
            reason: None,
            policy_digest: Sha256Digest::of(b"policy"),
            controls: Controls::default(),
            session_id: None,
            invocation_ref: None,
            key_thumbprint: self.key.thumbprint(),
            expires_at: None,
            asqav: Extension {
                log_id: self.log_id,
                tier: Tier::Bounded,
                phase,
                outcome: None,
                recovered: false,
                error_type: None,
                started_at: None,
                duration_us: None,
                tool: None,
                policy: None,
                parents: Vec::new(),
                trace: None,
            },
        }
    }

    /// Signs and appends what it is given.
    pub fn write(&mut self, payload: Payload) -> Payload {
        let canonical = payload.to_canonical();
        self.open.apply(&payload, &canonical);
        if self.batch_from.is_none() {
            self.append(&canonical, &self.key.signature(&canonical).into());
        }
        self.payloads.push(canonical);
        payload
    }

    fn append(&mut self, canonical: &[u8], signature: &ReceiptSignature) {
        self.segments.last_mut().unwrap().lines.push(receipt::line(canonical, signature));
        self.receipts.push(receipt::portable(canonical, signature));
    }

    /// Signs what `write` writes as one batch.
    pub fn batched<T>(&mut self, write: impl FnOnce(&mut Self) -> T) -> T {
        let from = self.payloads.len();
        self.batch_from = Some(from);
        let written = write(self);
        self.batch_from = None;
        let canonical = self.payloads[from..].to_vec();
        let payloads = canonical.iter().map(Vec::as_slice);
        let batch = Batch::new(self.log_id, self.key.thumbprint(), from as u64 + 1, payloads).unwrap();
        let signatures = batch.signatures(self.key.signature(&batch.root().signing_bytes()));
        for (canonical, signature) in canonical.iter().zip(signatures) {
            self.append(canonical, &signature);
        }
        written
    }

    pub fn event(&mut self, name: &'static str, members: &[(&str, Json)]) -> Payload {
        let draft = self.event_draft(name, members);
        self.write(draft)
    }

    pub fn event_draft(&mut self, name: &'static str, members: &[(&str, Json)]) -> Payload {
        let mut body = Object::new();
        for (member, value) in members {
            body.set(*member, value.clone());
        }
        let mut draft = self.draft(ReceiptType::Lifecycle, Context::Event { name, body });
        draft.action_type = ActionType::parse(name).unwrap();
        draft
    }

    pub fn decision_draft(&mut self) -> Payload {
        let shown = vec![("account".to_owned(), Form::Commit(Sha3Digest::of(b"account")))];
        let mut draft = self.draft(ReceiptType::Decision, Context::Arguments { shown, folded: None });
        draft.tool_name = Some(ToolName::parse("query_account").unwrap());
        draft.decision = Decision::Allow;
        draft.controls = Controls::policy(1);
        draft.asqav.policy = Some(PolicyInfo::new(
            PolicyId::parse("finance").unwrap(),
            vec![RuleId::parse("read").unwrap()],
            Some(Sha3Digest::of(b"inputs")),
        ));
        draft
    }

    pub fn allow(&mut self) -> Payload {
        let draft = self.decision_draft();
        self.write(draft)
    }

    pub fn denial_draft(&mut self) -> Payload {
        let mut draft = self.decision_draft();
        draft.decision = Decision::Deny;
        draft.reason = Some(ReasonCode::parse("policy_denied").unwrap());
        draft
    }

    pub fn deny(&mut self) -> Payload {
        let draft = self.denial_draft();
        self.write(draft)
    }

    pub fn outcome_draft(&mut self, decision: &Payload) -> Payload {
        let result = Some(Form::Commit(Sha3Digest::of(b"result")));
        let mut draft = self.draft(ReceiptType::Outcome, Context::Result(result));
        draft.action_type = decision.action_type.clone();
        draft.tool_name = decision.tool_name.clone();
        draft.session_id = decision.session_id.clone();
        draft.invocation_ref = Some(Sha256Digest::of(&decision.to_canonical()));
        draft.asqav.outcome = Some(Outcome::Ok);
        draft.asqav.parents = vec![decision.action_id];
        draft
    }

    pub fn outcome(&mut self, decision: &Payload) -> Payload {
        let draft = self.outcome_draft(decision);
        self.write(draft)
    }

    pub fn unknown_draft(&mut self, decision: &Payload) -> Payload {
        let mut draft = self.outcome_draft(decision);
        draft.context = Context::Result(None);
        draft.asqav.outcome = Some(Outcome::Unknown);
        draft.asqav.recovered = true;
        draft
    }

    pub fn call(&mut self) -> Payload {
        let decision = self.allow();
        self.outcome(&decision)
    }

    pub fn recovery(&mut self) -> Payload {
        let last = Json::count(self.seq());
        self.event(
            "gate:recovery",
            &[("resumed_after_seq", last), ("torn_bytes", Json::count(0)), ("boot_id", "b".into())],
        )
    }

    pub fn open_session(&mut self, id: &str) -> SessionId {
        let id = SessionId::parse(id).unwrap();
        let mut draft = self.event_draft("session:open", &[("name", "refund".into())]);
        draft.session_id = Some(id.clone());
        self.write(draft);
        id
    }

    pub fn close_session_draft(&mut self, id: &SessionId, status: &str) -> Payload {
        let session = self.open.session(id).unwrap();
        let (count, root) = (Json::count(session.count), session.root().unwrap().to_hex());
        let members = [("status", status.into()), ("count", count), ("root", root.into())];
        let mut draft = self.event_draft("session:close", &members);
        draft.session_id = Some(id.clone());
        draft
    }

    pub fn close_session(&mut self, id: &SessionId) -> Payload {
        let draft = self.close_session_draft(id, "completed");
        self.write(draft)
    }

    pub fn step(&mut self, session: &SessionId) -> Payload {
        let mut draft =
            self.draft(ReceiptType::Observation, Context::Step(Form::Commit(Sha3Digest::of(b"step"))));
        draft.action_type = ActionType::parse("step:fetch").unwrap();
        draft.session_id = Some(session.clone());
        self.write(draft)
    }

    /// What the newest segment's header has to say.
    pub fn header(&self, close: CloseReason) -> SegmentHeader {
        let lines = &self.segments.last().unwrap().lines;
        let mut tree = Frontier::<Sha3Tree>::new();
        lines.iter().for_each(|line| tree.push(line));
        let before = match self.first {
            0 => Link::GENESIS,
            first => Link::to(&self.payloads[first - 1]),
        };
        SegmentHeader {
            log_id: self.log_id,
            genesis: Link::to(&self.payloads[0]).sha3.unwrap(),
            segment: self.segments.len() as u64,
            first_seq: self.first as u64 + 1,
            last_seq: self.seq(),
            count: lines.len() as u64,
            bytes: lines.iter().map(|line| line.len() as u64 + 1).sum(),
            root: Sha3Digest::from_bytes(tree.root()),
            before,
            last: Link::to(self.payloads.last().unwrap()),
            previous_header: self.previous_header,
            open: self.open.items(),
            sealed_at: Timestamp::from_unix_micros(self.micros + 1).unwrap(),
            close,
            suite: "ML-DSA-65",
            key_thumbprint: self.key.thumbprint(),
        }
    }

    /// Signs a header, puts it on the newest segment and begins the next one.
    pub fn seal_with(&mut self, header: SegmentHeader) {
        let signature = self.key.signature(&header.signing_bytes());
        let signed = SignedHeader { header, signature };
        self.previous_header = Some(signed.digest());
        self.segments.last_mut().unwrap().header = Some(signed.to_file());
        self.segments.push(Segment::default());
        self.first = self.payloads.len();
    }

    pub fn seal(&mut self) {
        let header = self.header(CloseReason::Count);
        self.seal_with(header);
    }

    /// Stops the gate and seals the last segment.
    pub fn stop(&mut self) {
        self.event("gate:stop", &[]);
        let header = self.header(CloseReason::Stop);
        self.seal_with(header);
    }

    /// The log's files: without the empty segment that would come next.
    pub fn files(&self) -> Vec<Segment> {
        let segments = self.segments.iter().filter(|segment| !segment.lines.is_empty());
        segments.cloned().collect()
    }

    pub fn head(&self) -> HeadMirror {
        let Link { sha256, sha3, .. } = Link::to(self.payloads.last().unwrap());
        HeadMirror { log_id: self.log_id, seq: self.seq(), sha256, sha3: sha3.unwrap() }
    }

    pub fn verify(&self) -> LogReport {
        let keys = self.key.pin();
        verify(&self.files(), LogInputs::new().keys(&keys).at(now()))
    }
}

/// Reads files into a verifier, segments numbered as they come. Whatever they
/// hold, the short way, alone and many lines at once, and the thorough one come
/// to the same report.
pub fn verify(files: &[Segment], inputs: LogInputs<'_>) -> LogReport {
    let one_by_one = |read: fn(&[u8]) -> ReadLine| {
        verify_by(|lines| lines.iter().map(|line| read(line)).collect(), files, inputs)
    };
    let report = one_by_one(ReadLine::new);
    let same = |other: LogReport| assert_eq!(format!("{report:#?}"), format!("{other:#?}"));
    same(one_by_one(ReadLine::thoroughly));
    same(verify_by(ReadLine::each, files, inputs));
    report
}

fn verify_by(
    read: impl Fn(&[&[u8]]) -> Vec<ReadLine>,
    files: &[Segment],
    inputs: LogInputs<'_>,
) -> LogReport {
    let mut verifier = LogVerifier::new(inputs);
    for (at, segment) in files.iter().enumerate() {
        verifier.segment_start(at as u64 + 1);
        let lines: Vec<_> = segment.lines.iter().map(Vec::as_slice).collect();
        for line in read(&lines) {
            if let Some(job) = verifier.read_line(line) {
                let checked = job.check();
                verifier.signature(checked);
            }
        }
        match &segment.header {
            Some(header) => verifier.sealed(header),
            None => verifier.unsealed(),
        }
    }
    verifier.finish()
}
