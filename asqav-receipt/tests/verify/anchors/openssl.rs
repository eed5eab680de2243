//! Tokens of a local authority that OpenSSL runs.

use std::path::PathBuf;
use std::process::Command;

use asqav_receipt::anchor::{TsaKeys, TsaKeysError};
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::{Axis, ReasonCode, ReceiptInputs, Report, verify_receipt};
use serde_json::Value;

use super::{anchored, key, with_anchor};
use crate::Verdicts as _;
use crate::support::foreign::{envelope, jwk, keys, payload};

/// An authority: a key, its certificates, and what `openssl ts` needs.
const CONFIGURATION: &str = "
[ca]
default_ca = issuer
[issuer]
database = index.txt
new_certs_dir = .
serial = serial
default_md = sha256
policy = anything
unique_subject = no
[anything]
commonName = supplied
[req]
distinguished_name = name
prompt = no
[name]
CN = issuer
[stamping]
extendedKeyUsage = critical,timeStamping
[lenient]
extendedKeyUsage = timeStamping
[both]
extendedKeyUsage = critical,timeStamping,codeSigning
[tsa]
default_tsa = authority
[authority]
serial = tsa-serial
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256,sha512
ess_cert_id_alg = sha256
ess_cert_id_chain = no
";

struct Authority {
    dir: tempfile::TempDir,
}

impl Authority {
    /// `None`, with a message, where there is no OpenSSL.
    fn new(key: &[&str]) -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            println!("skipped: there is no openssl");
            return None;
        }
        let authority = Self { dir: tempfile::tempdir().unwrap() };
        for (name, text) in
            [("conf", CONFIGURATION), ("index.txt", ""), ("serial", "01"), ("tsa-serial", "01")]
        {
            std::fs::write(authority.path(name), text).unwrap();
        }
        let ec = ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "ca.key"];
        authority.openssl(&ec);
        let ca =
            ["req", "-x509", "-new", "-key", "ca.key", "-days", "9000", "-config", "conf", "-out", "ca.pem"];
        authority.openssl(&ca);
        authority.openssl(&[&["genpkey", "-out", "tsa.key"], key].concat());
        let request = [
            "req",
            "-new",
            "-key",
            "tsa.key",
            "-subj",
            "/CN=authority",
            "-config",
            "conf",
            "-out",
            "tsa.csr",
        ];
        authority.openssl(&request);
        authority.certify("tsa.pem", Some("stamping"), "20200101000000Z", "20400101000000Z");
        Some(authority)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    #[track_caller]
    fn openssl(&self, args: &[&str]) {
        let output = Command::new("openssl").args(args).current_dir(self.dir.path()).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// A certificate of the authority's key.
    fn certify(&self, out: &str, extensions: Option<&str>, from: &str, to: &str) {
        let base = ["ca", "-batch", "-notext", "-config", "conf", "-cert", "ca.pem", "-keyfile", "ca.key"];
        let dates = ["-in", "tsa.csr", "-startdate", from, "-enddate", to, "-out", out];
        let extensions = extensions.map_or(vec![], |name| vec!["-extensions", name]);
        self.openssl(&[&base[..], &dates, &extensions].concat());
    }

    /// The response about `message`.
    fn stamp(&self, message: &[u8]) -> Vec<u8> {
        std::fs::write(self.path("message"), message).unwrap();
        self.openssl(&["ts", "-query", "-data", "message", "-sha256", "-cert", "-out", "request"]);
        let reply = ["ts", "-reply", "-config", "conf", "-queryfile", "request", "-inkey", "tsa.key"];
        self.openssl(&[&reply[..], &["-signer", "tsa.pem", "-out", "response"]].concat());
        self.read("response")
    }
}

fn pinned(pem: &[u8]) -> TsaKeys {
    let mut keys = TsaKeys::new();
    keys.pin(pem).unwrap();
    keys
}

/// Judged at a time after the stamping, which is now.
fn verify(receipt: &Value, tsa_keys: &TsaKeys) -> Report {
    let keys = keys(&[jwk(&key())]);
    let at = Timestamp::parse_rfc3339("2100-01-01T00:00:00Z").unwrap();
    let inputs = ReceiptInputs::new().keys(&keys).at(at).tsa_keys(tsa_keys).require_anchor(true);
    verify_receipt(receipt.to_string().as_bytes(), &inputs)
}

#[test]
fn tokens_of_openssl_are_verified_by_a_pinned_certificate_or_key() {
    for algorithm in [
        &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"][..],
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    ] {
        let Some(authority) = Authority::new(algorithm) else { return };
        let receipt = envelope(&key(), &payload());
        let receipt = with_anchor("rfc3161", &authority.stamp(&anchored(&receipt)));
        let report = verify(&receipt, &pinned(&authority.read("tsa.pem")));
        report.verified();
        let note = &report.axis(Axis::Anchors).unwrap().note;
        assert!(note.contains("by pinned authority CN=authority"), "{note}");
        authority.openssl(&["pkey", "-in", "tsa.key", "-pubout", "-out", "tsa.pub"]);
        verify(&receipt, &pinned(&authority.read("tsa.pub"))).verified();
        // The chain as one file; its issuer is not for time stamping, and not pinned.
        let chain = [authority.read("ca.pem"), authority.read("tsa.pem")].concat();
        verify(&receipt, &pinned(&chain)).verified();
        assert_eq!(TsaKeys::new().pin(&authority.read("ca.pem")), Err(TsaKeysError::Purpose));
    }
}

#[test]
fn a_certificate_has_to_be_for_time_stamping_and_valid_then() {
    let Some(authority) = Authority::new(&["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]) else {
        return;
    };
    let receipt = envelope(&key(), &payload());
    let receipt = with_anchor("rfc3161", &authority.stamp(&anchored(&receipt)));
    for extensions in [None, Some("lenient"), Some("both")] {
        authority.certify("other.pem", extensions, "20200101000000Z", "20400101000000Z");
        let refused = TsaKeys::new().pin(&authority.read("other.pem"));
        assert_eq!(refused, Err(TsaKeysError::Purpose), "{extensions:?}");
    }
    for (from, to) in [("20200101000000Z", "20210101000000Z"), ("20900101000000Z", "20910101000000Z")] {
        authority.certify("other.pem", Some("stamping"), from, to);
        verify(&receipt, &pinned(&authority.read("other.pem"))).invalid(ReasonCode::AnchorInvalid);
    }
    // The same key under another certificate: the token names its own.
    authority.certify("other.pem", Some("stamping"), "20200101000000Z", "20400101000000Z");
    verify(&receipt, &pinned(&authority.read("other.pem"))).invalid(ReasonCode::AnchorInvalid);
    verify(&receipt, &pinned(&authority.read("tsa.pem"))).verified();
}

#[test]
fn a_token_of_openssl_stands_for_one_receipt() {
    let Some(authority) = Authority::new(&["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]) else {
        return;
    };
    let token = authority.stamp(b"another message");
    verify(&with_anchor("rfc3161", &token), &pinned(&authority.read("tsa.pem")))
        .invalid(ReasonCode::AnchorInvalid);
    let token = authority.stamp(&anchored(&envelope(&key(), &payload())));
    let signature = token.len() - 8;
    let mut changed = token.clone();
    changed[signature] ^= 1;
    verify(&with_anchor("rfc3161", &changed), &pinned(&authority.read("tsa.pem")))
        .invalid(ReasonCode::AnchorInvalid);
}
