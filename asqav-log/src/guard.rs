//! What the file system itself can forbid: writing to what is sealed, and
//! taking away from what is not.
//!
//! | file | `on` asks for |
//! |---|---|
//! | sealed segments, their headers, and the leaf hashes of deleted ones | mode 0400; on Linux the attribute `i` (immutable), except on the newest header |
//! | the open segment | mode 0600 |
//! | the directory | mode 0700 |
//!
//! The attributes need a file system that has them and the privilege to set
//! them (`CAP_LINUX_IMMUTABLE`); without either, modes are what remains, and
//! [`status`] says so. It reports what the system really applied, read back
//! after setting it, never what was asked for.
//!
//! Whoever has the privilege can take the guard off, delete or rewrite, and put
//! it on again: it stops mistakes and unprivileged processes, and proves
//! nothing. What proves is the signed log.
//!
//! The newest header is not made immutable, because recovery may write it
//! again; nor is the open segment append-only (`a`), because recovery renames
//! over it. The vault stays as it is: erasure overwrites keys there.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::names::{header_name, leaves_name, segment_name};
use crate::reader::{LogReader, ReadError};

/// Mode of a file that nobody is to write.
const SEALED_MODE: u32 = 0o400;
/// Mode of a file that its owner writes.
const OPEN_MODE: u32 = 0o600;
/// Mode of the log directory.
const DIR_MODE: u32 = 0o700;
/// Permission bits.
const MODE_BITS: u32 = 0o7777;

/// How one file is guarded, as the system says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Guarded {
    /// The file's name in the log directory; `.` is the directory.
    pub name: String,
    /// Whether it is never written again.
    pub sealed: bool,
    /// Its permission bits.
    pub mode: u32,
    /// Whether it is immutable; `None` where the file system or platform has no
    /// such attribute, or does not tell.
    pub immutable: Option<bool>,
    /// Why something that was asked for was not applied.
    pub refused: Option<String>,
}

/// Why a log could not be guarded at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GuardError {
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file could not be looked at.
    #[error("looking at `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl Guarded {
    /// Whether the file's mode lets nobody but the owner read it, and nobody
    /// write it once it is sealed.
    #[must_use]
    pub const fn mode_holds(&self) -> bool {
        let most = match (self.sealed, self.name.as_bytes()) {
            (_, b".") => DIR_MODE,
            (true, _) => SEALED_MODE,
            (false, _) => OPEN_MODE,
        };
        self.mode & !most == 0
    }
}

/// Guards what is sealed by now; files that are sealed later are guarded when
/// this is called again. What the system refuses is reported, not hidden.
///
/// # Errors
/// [`GuardError`] when a file cannot be looked at.
pub fn on(log_dir: &Path) -> Result<Vec<Guarded>, GuardError> {
    each(log_dir, |file, target| {
        let mode = set_mode(file, target.mode_on());
        let flag = if target.fixed { set_immutable(file, true) } else { Ok(()) };
        mode.and(flag)
    })
}

/// Takes the guard off: sealed files get mode 0600 and lose the attribute `i`,
/// as deletion and moving need it.
///
/// # Errors
/// As [`on`].
pub fn off(log_dir: &Path) -> Result<Vec<Guarded>, GuardError> {
    each(log_dir, |file, target| {
        // The mode of an immutable file cannot be changed.
        let flag = if target.sealed { set_immutable(file, false) } else { Ok(()) };
        flag.and(set_mode(file, target.mode_off()))
    })
}

/// Takes the guard off segment `number`, so that it can be deleted; its header
/// keeps it.
///
/// # Errors
/// The file's name, and what the system said.
pub(crate) fn lift(log_dir: &Path, number: u64) -> Result<(), (String, io::Error)> {
    let name = segment_name(number);
    let lift = || {
        let file = open(&log_dir.join(&name))?;
        match set_immutable(&file, false) {
            // Without such an attribute there is none to take off.
            Err(error) if immutable(&file).is_ok() => Err(error),
            _ => set_mode(&file, OPEN_MODE),
        }
    };
    lift().map_err(|error| (name.clone(), error))
}

/// What the system applies now; changes nothing.
///
/// # Errors
/// As [`on`].
pub fn status(log_dir: &Path) -> Result<Vec<Guarded>, GuardError> {
    each(log_dir, |_, _| Ok(()))
}

/// What is to be guarded.
struct Target {
    name: String,
    sealed: bool,
    /// Whether nobody ever writes it again, recovery included.
    fixed: bool,
    dir: bool,
}

impl Target {
    const fn mode_on(&self) -> u32 {
        match (self.dir, self.sealed) {
            (true, _) => DIR_MODE,
            (false, true) => SEALED_MODE,
            (false, false) => OPEN_MODE,
        }
    }

    const fn mode_off(&self) -> u32 {
        if self.dir { DIR_MODE } else { OPEN_MODE }
    }
}

/// Does `change` to each file and reads back what came of it.
fn each(
    log_dir: &Path,
    change: impl Fn(&File, &Target) -> io::Result<()>,
) -> Result<Vec<Guarded>, GuardError> {
    let mut found = Vec::new();
    for target in targets(log_dir)? {
        let path = log_dir.join(&target.name);
        let io = |source| GuardError::Io { path: path.clone(), source };
        let file = open(&path).map_err(io)?;
        let refused = change(&file, &target).err().map(|error| error.to_string());
        let mode = file.metadata().map_err(io)?.permissions().mode() & MODE_BITS;
        let immutable = immutable(&file).ok();
        found.push(Guarded { name: target.name, sealed: target.sealed, mode, immutable, refused });
    }
    Ok(found)
}

/// The directory, then segments and headers in order.
fn targets(log_dir: &Path) -> Result<Vec<Target>, GuardError> {
    let log = LogReader::open(log_dir)?;
    let mut targets = vec![Target { name: ".".to_owned(), sealed: false, fixed: false, dir: true }];
    let newest = log.segments().iter().rev().find(|(_, files)| files.header).map(|(number, _)| *number);
    for (number, files) in log.segments() {
        let sealed = files.header;
        let mut add = |name, fixed| targets.push(Target { name, sealed, fixed, dir: false });
        if files.log_len.is_some() {
            add(segment_name(*number), sealed);
        }
        if files.is_deleted() {
            add(leaves_name(*number), sealed);
        }
        if sealed {
            add(header_name(*number), newest != Some(*number));
        }
    }
    Ok(targets)
}

/// Opens a file to look at it; not what a link leads to.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(path)
}

fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    if file.metadata()?.permissions().mode() & MODE_BITS == mode {
        return Ok(());
    }
    file.set_permissions(Permissions::from_mode(mode))
}

#[cfg(target_os = "linux")]
fn immutable(file: &File) -> io::Result<bool> {
    Ok(rustix::fs::ioctl_getflags(file)?.contains(rustix::fs::IFlags::IMMUTABLE))
}

#[cfg(target_os = "linux")]
fn set_immutable(file: &File, wanted: bool) -> io::Result<()> {
    let mut flags = rustix::fs::ioctl_getflags(file)?;
    if flags.contains(rustix::fs::IFlags::IMMUTABLE) == wanted {
        return Ok(());
    }
    flags.set(rustix::fs::IFlags::IMMUTABLE, wanted);
    Ok(rustix::fs::ioctl_setflags(file, flags)?)
}

#[cfg(not(target_os = "linux"))]
fn immutable(_: &File) -> io::Result<bool> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(target_os = "linux"))]
fn set_immutable(_: &File, wanted: bool) -> io::Result<()> {
    if wanted { Err(io::ErrorKind::Unsupported.into()) } else { Ok(()) }
}
