//! What the tests share: data that others wrote, and small receipts.

pub(crate) mod receipts;

use std::path::{Path, PathBuf};

/// The folder `name` of the shared test data: under `ASQAV_VECTORS`, or beside
/// the repository. Says that the test is skipped where it is absent.
pub(crate) fn vectors(name: &str) -> Option<PathBuf> {
    let root = match std::env::var_os("ASQAV_VECTORS") {
        Some(root) => PathBuf::from(root),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"),
    };
    let folder = root.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    #[expect(clippy::print_stdout, reason = "a skipped test has to say so")]
    {
        println!("skipped: no test data at {}", folder.display());
    }
    None
}
