use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use super::*;

fn made() -> (tempfile::TempDir, SigningKey) {
    let dir = tempfile::tempdir().unwrap();
    let key = make(dir.path()).unwrap();
    (dir, key)
}

fn make(dir: &Path) -> Result<SigningKey, KeyFileError> {
    create(dir, &AgentId::parse("agt_1").unwrap(), &IssuerId::parse("acme").unwrap())
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn three_files_are_made_and_only_the_public_one_is_readable_by_others() {
    let (dir, key) = made();
    let mode = |name: &str| dir.path().join(name).metadata().unwrap().mode() & 0o7777;
    assert_eq!((mode(SIGNING_KEY), mode(VAULT_KEY)), (0o600, 0o600));
    assert_eq!(mode(KEY_SET) & !0o644, 0, "umask may take bits away, nothing may add some");

    let pinned = KeySet::parse(&fs::read(dir.path().join(KEY_SET)).unwrap()).unwrap();
    let entry = &pinned.entries()[0];
    assert_eq!(entry.thumbprint(), Some(key.thumbprint()));
    assert_eq!((entry.agent_id.as_deref(), entry.issuer_id.as_deref()), (Some("agt_1"), Some("acme")));

    let loaded = load_signing_key(&dir.path().join(SIGNING_KEY)).unwrap();
    assert_eq!(loaded.public_key(), key.public_key());
    load_vault_key(&dir.path().join(VAULT_KEY)).unwrap();
}

#[test]
fn nothing_is_overwritten_and_nothing_left_behind() {
    for taken in [SIGNING_KEY, VAULT_KEY, KEY_SET] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(taken), "mine").unwrap();
        let error = make(dir.path()).unwrap_err();
        assert!(matches!(&error, KeyFileError::Exists(path) if path.ends_with(taken)), "{error}");
        let names: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [taken]);
        assert_eq!(fs::read_to_string(dir.path().join(taken)).unwrap(), "mine");
    }
}

#[test]
fn a_dangling_link_is_not_written_through() {
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = dir.path().join("elsewhere");
    symlink(&elsewhere, dir.path().join(VAULT_KEY)).unwrap();
    assert!(matches!(make(dir.path()), Err(KeyFileError::Exists(_))));
    assert!(!elsewhere.exists());
}

#[test]
fn files_that_others_may_access_are_refused() {
    let (dir, _) = made();
    for (name, mode) in [(SIGNING_KEY, 0o640), (SIGNING_KEY, 0o604), (SIGNING_KEY, 0o620), (VAULT_KEY, 0o601)]
    {
        let path = dir.path().join(name);
        chmod(&path, mode);
        let error = if name == VAULT_KEY {
            load_vault_key(&path).unwrap_err()
        } else {
            load_signing_key(&path).unwrap_err()
        };
        assert!(matches!(error, KeyFileError::Exposed { mode: found, .. } if found == mode), "{error}");
        chmod(&path, 0o600);
    }
    load_signing_key(&dir.path().join(SIGNING_KEY)).unwrap();
}

#[test]
fn links_are_judged_by_what_they_lead_to() {
    let (dir, key) = made();
    let link = dir.path().join("link");
    symlink(dir.path().join(SIGNING_KEY), &link).unwrap();
    assert_eq!(load_signing_key(&link).unwrap().public_key(), key.public_key());
    chmod(&dir.path().join(SIGNING_KEY), 0o644);
    assert!(matches!(load_signing_key(&link), Err(KeyFileError::Exposed { .. })));
}

/// Only the system administrator can give files away.
#[test]
fn files_and_links_of_others_are_refused() {
    let (dir, _) = made();
    let nobody = Some(65_534);
    let (file, link) = (dir.path().join(SIGNING_KEY), dir.path().join("link"));
    symlink(&file, &link).unwrap();
    if std::os::unix::fs::lchown(&link, nobody, None).is_err() {
        eprintln!("skipped: not allowed to change a file's owner");
        return;
    }
    assert!(matches!(load_signing_key(&link), Err(KeyFileError::OtherOwner { owner: 65_534, .. })));
    std::os::unix::fs::chown(&file, nobody, None).unwrap();
    assert!(matches!(load_signing_key(&file), Err(KeyFileError::OtherOwner { owner: 65_534, .. })));
}

#[test]
fn what_is_no_file_is_refused_without_waiting() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(load_signing_key(dir.path()), Err(KeyFileError::NotAFile(_))));
    let pipe = dir.path().join("pipe");
    let made = std::process::Command::new("mkfifo").args(["-m", "600"]).arg(&pipe).status();
    if made.is_ok_and(|status| status.success()) {
        assert!(matches!(load_vault_key(&pipe), Err(KeyFileError::NotAFile(_))));
    }
    let missing = load_vault_key(&dir.path().join("missing")).unwrap_err();
    assert!(matches!(&missing, KeyFileError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound));
}

/// An Ed25519 key (RFC 8410 §10.3).
const ED25519_KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";

#[test]
fn keys_of_another_suite_and_malformed_ones_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let load = |text: &str| {
        let path = dir.path().join("key.pem");
        fs::write(&path, text).unwrap();
        chmod(&path, 0o600);
        match load_signing_key(&path) {
            Err(KeyFileError::Key { source, .. }) => source,
            other => panic!("{other:?}"),
        }
    };
    assert!(matches!(load(ED25519_KEY), KeyError::Suite { .. }));
    assert!(matches!(load("not a key"), KeyError::Form(_)));
    assert!(matches!(load(""), KeyError::Form(_)));
}

#[test]
fn a_vault_key_has_one_spelling() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(VAULT_KEY);
    let digits = "0a".repeat(32);
    let load = |text: String| {
        fs::write(&path, text).unwrap();
        chmod(&path, 0o600);
        load_vault_key(&path)
    };
    load(format!("asqav-vault-key-v1 {digits}\n")).unwrap();
    for wrong in [
        String::new(),
        format!("{digits}\n"),
        format!("asqav-vault-key-v1 {digits}"),
        format!("asqav-vault-key-v1 {}\n", digits.to_uppercase()),
        format!("asqav-vault-key-v1 {digits}0a\n"),
        format!("asqav-vault-key-v1 {digits}\n\n"),
        format!("asqav-vault-key-v2 {digits}\n"),
    ] {
        assert!(matches!(load(wrong.clone()), Err(KeyFileError::VaultKey(_))), "{wrong:?}");
    }
    fs::write(&path, [0xff; 32]).unwrap();
    assert!(matches!(load_vault_key(&path), Err(KeyFileError::Io { .. })), "not UTF-8");
}
