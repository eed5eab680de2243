//! A time-stamp authority that OpenSSL runs.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::Command;

use asqav_log::anchoring::CommandAuthority;
use asqav_receipt::anchor::TsaKeys;

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

/// An authority's folder: its keys, certificates and configuration.
pub struct Tsa {
    dir: tempfile::TempDir,
}

impl Tsa {
    /// `None`, with a message, where there is no OpenSSL.
    pub fn new() -> Option<Self> {
        Self::certified("20200101000000Z", "20990101000000Z")
    }

    /// An authority whose certificate is valid in this time.
    #[allow(clippy::print_stdout, reason = "says what is skipped")]
    pub fn certified(from: &str, to: &str) -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            println!("skipped: there is no openssl");
            return None;
        }
        let tsa = Self { dir: tempfile::tempdir().unwrap() };
        for (name, text) in
            [("conf", CONFIGURATION), ("index.txt", ""), ("serial", "01"), ("tsa-serial", "01")]
        {
            std::fs::write(tsa.path(name), text).unwrap();
        }
        let curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
        for key in ["ca.key", "tsa.key"] {
            tsa.openssl(&[&["genpkey"], curve.as_slice(), &["-out", key]].concat());
        }
        tsa.openssl(&[
            "req", "-x509", "-new", "-key", "ca.key", "-days", "9000", "-config", "conf", "-out", "ca.pem",
        ]);
        tsa.openssl(&[
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
        ]);
        tsa.certify(from, to, "tsa.pem");
        Some(tsa)
    }

    /// Another certificate of the authority's key, in the file `name`.
    pub fn certify(&self, from: &str, to: &str, name: &str) {
        let ca = ["ca", "-batch", "-notext", "-config", "conf", "-cert", "ca.pem", "-keyfile", "ca.key"];
        let dates =
            ["-in", "tsa.csr", "-startdate", from, "-enddate", to, "-extensions", "stamping", "-out", name];
        self.openssl(&[ca.as_slice(), &dates].concat());
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn openssl(&self, args: &[&str]) {
        let output = Command::new("openssl").args(args).current_dir(self.dir.path()).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// The program that answers requests; it fails while `conf` is away.
    pub fn authority(&self) -> CommandAuthority {
        let script = "cd \"$1\" && cat > query && exec openssl ts -reply -config conf -queryfile query \
                      -inkey tsa.key -signer tsa.pem";
        CommandAuthority::new("sh").arg("-c").arg(script).arg("tsa").arg(self.dir.path())
    }

    pub fn pin(&self, keys: &mut TsaKeys) {
        keys.pin(&std::fs::read(self.path("tsa.pem")).unwrap()).unwrap();
    }

    pub fn pinned(&self) -> TsaKeys {
        let mut keys = TsaKeys::new();
        self.pin(&mut keys);
        keys
    }

    /// Whether OpenSSL takes the token, given in DER, for one over `message`.
    pub fn accepts(&self, token: &[u8], message: &[u8]) -> bool {
        std::fs::write(self.path("token"), token).unwrap();
        std::fs::write(self.path("message"), message).unwrap();
        let verify = ["ts", "-verify", "-data", "message", "-in", "token", "-token_in", "-CAfile", "ca.pem"];
        let untrusted = ["-untrusted", "tsa.pem"];
        let command =
            Command::new("openssl").args(verify).args(untrusted).current_dir(self.dir.path()).output();
        command.unwrap().status.success()
    }
}

/// Takes an authority's configuration away, or back.
pub fn set_down(tsa: &Tsa, down: bool) {
    let [up, away]: [&Path; 2] = [&tsa.path("conf"), &tsa.path("away")];
    let (from, to) = if down { (up, away) } else { (away, up) };
    std::fs::rename(from, to).unwrap();
}
