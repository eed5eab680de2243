//! A file that stops a gate's calls while it is there.

use std::io::ErrorKind;
use std::path::PathBuf;

use asqav_core::gate::Switch;

/// A kill switch that is a file: thrown while anything is at its path.
///
/// Whoever may create a file there can stop the agent, without its process and
/// without a key: `touch HALT` stops it, `rm HALT` lets it go on. It is looked
/// at twice for each call (one or two `stat`), also after a restart. Whatever
/// keeps the gate from looking, such as a directory that is missing or may not
/// be read, counts as thrown.
///
/// ```no_run
/// # fn arm(builder: asqav_core::gate::GateBuilder) -> asqav_core::gate::GateBuilder {
/// use asqav_log::HaltFile;
///
/// builder.kill_switch(HaltFile::new("/run/agent/HALT"))
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct HaltFile {
    path: PathBuf,
}

impl HaltFile {
    /// The kill switch at `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

impl Switch for HaltFile {
    fn is_thrown(&self) -> bool {
        // Of a symbolic link itself: one that leads nowhere was put there, too.
        match self.path.symlink_metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => !self.directory_is_there(),
            _ => true,
        }
    }
}

impl HaltFile {
    fn directory_is_there(&self) -> bool {
        let directory = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        directory.is_none_or(|directory| directory.is_dir())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_or_cannot_be_seen_stops() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("HALT");
        let switch = HaltFile::new(&path);
        assert!(!switch.is_thrown());
        std::fs::write(&path, "").unwrap();
        assert!(switch.is_thrown());
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("nowhere", &path).unwrap();
        assert!(switch.is_thrown(), "a link that leads nowhere");
        std::fs::remove_file(&path).unwrap();
        assert!(!switch.is_thrown());
        assert!(HaltFile::new(directory.path().join("gone/HALT")).is_thrown(), "no directory");
        std::fs::write(&path, "").unwrap();
        assert!(HaltFile::new(path.join("HALT")).is_thrown(), "no directory, but a file");
        assert!(!HaltFile::new("a-file-that-is-not-here").is_thrown(), "in the working directory");
    }
}
