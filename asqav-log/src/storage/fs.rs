//! A directory of the file system as storage.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use asqav_core::log::LogError;
use rustix::fs::OFlags;

use super::lock::DirLock;
use super::{Entry, Guard, Storage, StorageFile};
use crate::error::io_error;
use crate::names::{TREE, VAULT};

/// A log directory, mode 0700, files 0600.
#[derive(Debug, Clone)]
pub struct FsStorage {
    dir: PathBuf,
}

impl FsStorage {
    /// The directory `dir`; it is made when it is locked.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    fn make_dirs(&self) -> io::Result<()> {
        let made = self.make_log_dirs();
        // Derived data: a log without it is a log.
        drop(DirBuilder::new().mode(0o700).create(self.dir.join(TREE)));
        made
    }

    fn make_log_dirs(&self) -> io::Result<()> {
        let vault = self.dir.join(VAULT);
        if vault.is_dir() {
            return Ok(());
        }
        // Each folder that is made has its name in the one above.
        let is_there = |folder: &Path| folder.as_os_str().is_empty() || folder.is_dir();
        let made = self.dir.ancestors().take_while(|folder| !is_there(folder)).count();
        DirBuilder::new().recursive(true).mode(0o700).create(&vault)?;
        let named_in = self.dir.ancestors().take(made.max(1) + 1);
        named_in
            .map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
            .try_for_each(sync_path)
    }
}

impl Storage for FsStorage {
    fn lock(&mut self) -> Result<Guard, LogError> {
        self.make_dirs().map_err(|error| io_error(format!("making `{}`", self.dir.display()), error))?;
        Ok(Box::new(DirLock::take(&self.dir)?))
    }

    fn list(&mut self, dir: &str) -> io::Result<Vec<Entry>> {
        std::fs::read_dir(self.dir.join(dir))?
            .map(|entry| {
                let entry = entry?;
                let metadata = entry.metadata()?;
                let name = entry.file_name().to_string_lossy().into_owned();
                Ok(Entry { name, file_len: metadata.is_file().then_some(metadata.len()) })
            })
            .collect()
    }

    fn read(&mut self, name: &str, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let file = OpenOptions::new().read(true).custom_flags(no_follow()).open(self.dir.join(name))?;
        let mut bytes = vec![0; len];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let at = offset + u64::try_from(filled).map_err(io::Error::other)?;
            match file.read_at(rest, at) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    fn create(&mut self, name: &str) -> io::Result<Box<dyn StorageFile>> {
        let path = self.dir.join(name);
        let mut options = appending();
        let file = options.create_new(true).mode(0o600).open(&path)?;
        Ok(Box::new(FsFile { file, path }))
    }

    fn open(&mut self, name: &str) -> io::Result<Box<dyn StorageFile>> {
        let path = self.dir.join(name);
        let file = appending().open(&path)?;
        Ok(Box::new(FsFile { file, path }))
    }

    fn overwrite(&mut self, name: &str, offsets: &[u64], bytes: &[u8]) -> io::Result<()> {
        let file = OpenOptions::new().write(true).custom_flags(no_follow()).open(self.dir.join(name))?;
        for offset in offsets {
            file.write_all_at(bytes, *offset)?;
        }
        file.sync_all()
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.dir.join(from), self.dir.join(to))
    }

    fn truncate(&mut self, name: &str, len: u64) -> io::Result<()> {
        appending().write(true).append(false).open(self.dir.join(name))?.set_len(len)
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.dir.join(name))
    }

    fn sync_dir(&mut self, dir: &str) -> io::Result<()> {
        sync_path(&self.dir.join(dir))
    }
}

/// A file made by [`FsStorage`].
struct FsFile {
    file: File,
    path: PathBuf,
}

impl StorageFile for FsFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn present_len(&mut self) -> io::Result<Option<u64>> {
        let held = self.file.metadata()?;
        match self.path.symlink_metadata() {
            Ok(named) if (named.dev(), named.ino()) == (held.dev(), held.ino()) => Ok(Some(held.len())),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn sync_path(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn appending() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.append(true).custom_flags(no_follow());
    options
}

fn no_follow() -> i32 {
    OFlags::NOFOLLOW.bits().cast_signed()
}
