//! Stable codes that say why an axis did not pass.

use super::report::FailureClass::{self, Invalid, Unverifiable};

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $text:literal $class:ident,)+) => {
        /// Why an axis failed or was skipped, as text that never changes.
        ///
        /// Where the reference corpus has a name for a case, it is the same name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum ReasonCode {
            $($(#[$doc])* $variant,)+
        }

        impl ReasonCode {
            /// Every code, in the order of the axes.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The text in reports.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// Whether this shows a falsehood ([`FailureClass::Invalid`]) or only
            /// something that could not be checked; `None` for a remark that
            /// changes no verdict.
            #[must_use]
            pub const fn class(self) -> Option<FailureClass> {
                match self { $(Self::$variant => reasons!(@class $class),)+ }
            }
        }
    };
    (@class Remark) => { None };
    (@class $class:ident) => { Some($class) };
}

reasons! {
    // Structure: what the bytes are.
    /// The bytes are not JSON as the strict reader takes it.
    MalformedJson = "malformed_json" Unverifiable,
    /// A JSON object repeats a member name.
    DuplicateMember = "duplicate_member" Unverifiable,
    /// A number outside the range that every reader takes alike.
    NumberRange = "number_range" Unverifiable,
    /// Nested deeper than 200 levels.
    TooDeep = "too_deep" Unverifiable,
    /// Longer, or with more values, than any receipt.
    TooLong = "too_long" Unverifiable,
    /// The receipt belongs to a format that this verifier knows by name only.
    FormatNotSupported = "format_not_supported" Unverifiable,
    /// There is no signed payload in the input.
    NoPayload = "no_payload" Unverifiable,
    /// The statement's predicate is of a type that is unknown here.
    PredicateNotSupported = "predicate_not_supported" Unverifiable,
    /// A required member is absent or has the wrong type.
    MalformedMember = "malformed_member" Unverifiable,
    /// `type` is not a string.
    MalformedType = "malformed_type" Invalid,
    /// `type` is in the reserved namespace `protectmcp:`, in which it is not registered.
    UnregisteredType = "unregistered_protectmcp_type" Invalid,
    /// `type` is registered, and this verifier does not implement it.
    UnimplementedType = "registered_but_unimplemented" Unverifiable,
    /// `type` is outside the registered namespaces.
    ForeignNamespace = "unregistered_namespace" Unverifiable,
    /// `v` or `mode` is absent or unknown.
    UnknownVersion = "unknown_version" Unverifiable,
    /// `controls_evaluated` claims a control that cannot have run.
    FalseControl = "false_control_attestation" Unverifiable,
    /// The bytes of a log line are not the canonical ones.
    NotCanonical = "not_canonical" Invalid,
    /// An asqav receipt whose members do not have the form that asqav writes.
    MalformedReceipt = "malformed_receipt" Invalid,
    /// An asqav receipt with a member that this version does not know.
    UnknownMember = "unknown_member" Unverifiable,
    /// A post-hoc receipt that is typed as a decision.
    PostHocDecision = "post_hoc_decision" Invalid,

    // Structure: what a log's receipts mean together.
    /// The same `action_id` twice in one log.
    DuplicateActionId = "duplicate_action_id" Invalid,
    /// An outcome whose decision is not in this log.
    OutcomeWithoutDecision = "outcome_without_decision" Invalid,
    /// A second outcome of the same decision.
    SecondOutcome = "second_outcome" Invalid,
    /// An outcome of a denial.
    OutcomeOfDenial = "outcome_of_denial" Invalid,
    /// An outcome that names another tool, action or session than its decision.
    OutcomeDiffers = "outcome_differs" Invalid,
    /// A decision still open at `gate:stop` or `gate:start`.
    DecisionLeftOpen = "decision_left_open" Invalid,
    /// An `unknown` or recovered outcome outside a recovery.
    NotARecovery = "recovered_outside_recovery" Invalid,
    /// An erasure receipt that names no receipts before it, or miscounts them.
    ErasureDiffers = "erasure_differs" Invalid,
    /// A deletion receipt that is malformed, or names other receipts than the
    /// headers of its segments do.
    DeletionDiffers = "deletion_differs" Invalid,
    /// A segment that a deletion receipt names is still there.
    NotDeleted = "not_deleted" Remark,
    /// A `gate:recovery` that does not follow the receipt it names.
    RecoveryDiffers = "recovery_differs" Invalid,
    /// A life-cycle receipt where none of its kind can stand.
    LifecycleOrder = "lifecycle_order" Invalid,
    /// A session opened twice, closed unopened, or used while not open.
    SessionNotOpen = "session_not_open" Invalid,
    /// `session:close` with another count or root than its receipts have.
    SessionDiffers = "session_differs" Invalid,
    /// The log holds no receipt.
    EmptyLog = "empty_log" Unverifiable,
    /// The log does not end in a sealed segment with `gate:stop`.
    LogOpen = "log_open" Unverifiable,
    /// Bytes after the last complete line of the open segment.
    TornTail = "torn_tail" Unverifiable,
    /// Something lies in the log's directory that the log does not explain, or
    /// something that it names is missing there.
    StrayFile = "stray_file" Unverifiable,
    /// A line of a foreign log is not JSON to anybody, or has members that its
    /// format has not: it cannot be what was signed.
    EventUnreadable = "event_unreadable" Invalid,
    /// Lines of a foreign log mean what was signed, in other bytes.
    EventRespelled = "event_respelled" Remark,

    // Nonce and sequence.
    /// An event of a foreign log stands in it twice.
    EventRepeated = "event_repeated" Invalid,
    /// Another receipt carries the same issuer and nonce.
    DuplicateNonce = "duplicate_nonce" Invalid,
    /// Whether nonces and ids stand in the log twice could not be told: the
    /// room for remembering them failed.
    RepeatsUnchecked = "repeats_unchecked" Unverifiable,
    /// `seq` is not a positive integer.
    MalformedSeq = "malformed_seq" Invalid,
    /// Receipts are missing between this one and its predecessor.
    SeqGap = "seq_gap" Invalid,
    /// `seq` does not grow.
    SeqNotMonotonic = "seq_not_monotonic" Invalid,

    /// Two receipts of one log carry this number.
    SeqReused = "seq_reused" Invalid,

    // Keys and signatures.
    /// No key that the caller pinned is the receipt's.
    KeyNotPinned = "key_not_pinned" Unverifiable,
    /// The key is pinned for another issuer.
    IssuerMismatch = "issuer_mismatch" Invalid,
    /// The key is pinned for another agent, or the log changes its agent.
    AgentMismatch = "agent_mismatch" Invalid,
    /// Whether the key belongs to the claimed organisation cannot be told.
    IssuerUnchecked = "issuer_unchecked" Unverifiable,
    /// The key was revoked or compromised before, or possibly before, the receipt.
    KeyRevoked = "key_revoked" Invalid,
    /// The key was revoked; nothing outside proves that the receipt is older.
    KeyRevokedUnplaced = "key_revoked_unplaced" Unverifiable,
    /// The key is retired; nothing outside proves that the receipt is older.
    KeyRetired = "key_retired" Unverifiable,
    /// The key set does not say whether the key is active.
    KeyStatusUnknown = "key_status_unknown" Unverifiable,
    /// The key is pinned for another log or other sequence numbers.
    KeyOutOfRange = "key_out_of_range" Invalid,
    /// The signature does not verify.
    SignatureInvalid = "issuer_signature" Invalid,
    /// The signature's text is not base64 as the format asks for.
    SignatureEncoding = "signature_encoding" Invalid,
    /// `alg` is not the algorithm of the resolved key.
    AlgorithmMismatch = "algorithm_mismatch" Invalid,
    /// The algorithm is unknown here.
    AlgorithmUnsupported = "algorithm_unsupported" Unverifiable,
    /// The signature was not checked.
    SignatureUnchecked = "signature_unchecked" Unverifiable,
    /// A foreign log's label names a stronger algorithm than its key's.
    AlgorithmMislabelled = "algorithm_mislabelled" Remark,
    /// A foreign log's name of its signer is not the digest of the key.
    SignerDidDiffers = "signer_did_differs" Invalid,
    /// The place in a batch is malformed, or not that of the receipt.
    BatchMalformed = "batch_malformed" Invalid,
    /// A line of a batch without the others, and so without their signature.
    BatchIncomplete = "batch_incomplete" Unverifiable,
    /// The receipts of a batch disagree, or some of them are missing in the log.
    BatchBroken = "batch_broken" Invalid,
    /// `kid` is not that of the key which the signed thumbprint names.
    KidMismatch = "kid_mismatch" Invalid,
    /// The signed thumbprint names another key than the resolved one.
    KeySubstituted = "key_substituted" Invalid,
    /// The signed thumbprint is malformed.
    MalformedThumbprint = "malformed_thumbprint" Invalid,
    /// The thumbprint cannot be computed from the resolved key.
    ThumbprintUnchecked = "thumbprint_unchecked" Unverifiable,

    // Counterparty.
    /// The binding has no usable form.
    CounterpartyMalformed = "counterparty_malformed" Invalid,
    /// The binding does not say what its digest covers.
    CounterpartyLegacyScope = "counterparty_legacy_scope" Unverifiable,
    /// The binding's digest covers something unknown here.
    CounterpartyUnknownScope = "counterparty_unrecognised_scope" Unverifiable,
    /// The binding follows a profile that is unknown here.
    CounterpartyProfile = "counterparty_profile_unsupported" Unverifiable,
    /// The originating envelope is not at hand.
    CounterpartyUnresolved = "counterparty_unresolved" Unverifiable,
    /// The originating envelope is not the one that the binding commits to.
    CounterpartyMismatch = "counterparty_mismatch" Invalid,
    /// The binding expects the acknowledgment of somebody else.
    CounterpartyKidMismatch = "counterparty_kid_mismatch" Invalid,

    // Digests and copies.
    /// A digest in the payload is not the digest of what it names.
    PayloadDigestMismatch = "payload_digest_mismatch" Invalid,
    /// A disclosed value is not what the receipt commits to.
    OpeningDiffers = "opening_differs" Invalid,
    /// A statement differs from the receipt that it encloses.
    StatementDiffers = "statement_differs" Invalid,
    /// A digest in the payload is malformed.
    MalformedDigest = "malformed_digest" Invalid,
    /// The digest is keyed, and its key is not at hand.
    PayloadDigestUnchecked = "payload_digest_unchecked" Unverifiable,
    /// The canonical payload is longer than 4,096 bytes.
    PayloadTooLong = "payload_too_long" Invalid,
    /// An unsigned copy disagrees with the signed payload.
    OuterCopyMismatch = "outer_copy_mismatch" Invalid,

    // Chain, segments and head.
    /// The receipt links to another predecessor.
    ChainBreak = "chain" Invalid,
    /// The link is malformed.
    MalformedLink = "malformed_link" Invalid,
    /// The predecessor is not at hand.
    PredecessorMissing = "predecessor_missing" Unverifiable,
    /// The given predecessor cannot be read.
    PredecessorUnreadable = "predecessor_unreadable" Unverifiable,
    /// `asqav.log_id` differs within one log.
    LogIdChanged = "log_id_changed" Invalid,
    /// A segment's number does not follow the one before.
    SegmentMissing = "segment_missing" Invalid,
    /// A segment was deleted, and no deletion receipt of the log says so.
    DeletionUnsigned = "deletion_unsigned" Invalid,
    /// The leaf hashes of a deleted segment do not give the root in its header.
    TombstoneDiffers = "tombstone_differs" Invalid,
    /// What would have to be compared stood in a deleted segment.
    ContentDeleted = "content_deleted" Unverifiable,
    /// A segment that is followed by another has no header.
    HeaderMissing = "header_missing" Invalid,
    /// The header cannot be read.
    MalformedHeader = "malformed_header" Invalid,
    /// A header's member is not what the segment's receipts give.
    HeaderDiffers = "header_differs" Invalid,
    /// The log is behind its mirrored head, or differs from it.
    HeadDiffers = "head_differs" Invalid,
    /// The log's checkpoint and the log disagree.
    CheckpointDiffers = "checkpoint_differs" Invalid,
    /// The log ends before its checkpoint: receipts at its end are missing.
    TailCut = "tail_cut" Invalid,
    /// A receipt's path does not lead to the checkpoint's root.
    NotIncluded = "not_included" Invalid,
    /// The two halves of a fraud proof do not contradict each other.
    NoContradiction = "no_contradiction" Invalid,

    // Anchors and time.
    /// The receipt carries no anchor.
    NotAnchored = "not_anchored" Unverifiable,
    /// An anchor is present, and nothing proves it.
    AnchorUnchecked = "anchor_unchecked" Unverifiable,
    /// An anchor is malformed.
    MalformedAnchor = "malformed_anchor" Invalid,
    /// An anchor is about something else, or not by a pinned authority.
    AnchorInvalid = "anchor_invalid" Invalid,
    /// An anchor's time is before the claimed time of issue, or in the future.
    AnchorOutOfBounds = "anchor_out_of_bounds" Invalid,
    /// No evaluation time was given.
    NoEvaluationTime = "no_evaluation_time" Unverifiable,
    /// A time that cannot be read.
    MalformedTime = "malformed_time" Unverifiable,
    /// Claimed more than 300 seconds after the evaluation time.
    InTheFuture = "in_the_future" Invalid,
    /// `expires_at` has passed.
    Expired = "expired" Remark,
    /// A receipt claims an earlier time than its predecessor.
    ClockBackwards = "clock_backwards" Remark,
}

impl std::fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_text() {
        let texts: std::collections::BTreeSet<_> = ReasonCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), ReasonCode::ALL.len());
    }
}
