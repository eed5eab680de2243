//! A disk in memory that lies the way disks do.
//!
//! What a process writes is visible at once and durable only after a sync.
//! [`Disk::power_loss`] keeps, of what was not synced, a prefix of each file's
//! appended bytes (sometimes followed by zeros) and any subset of changed
//! names, chosen by a seed. A sync that fails drops what it should have kept,
//! and a later one says that all is well. At one chosen operation the process
//! stops, the disk fills up or a sync fails.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use asqav_core::log::LogError;
use asqav_log::storage::{Entry, Guard, Storage, StorageFile};

/// What happens at the chosen operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process ends in the middle of it.
    Stop,
    /// No space is left, from here on.
    Full,
    /// The device fails once; a sync loses what it should have kept.
    Broken,
}

/// Numbers drawn from a seed (`SplitMix64`).
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `bound`, or 0.
    pub fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { usize::try_from(self.next() % bound as u64).unwrap() }
    }

    pub fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }
}

#[derive(Debug, Clone, Default)]
struct Inode {
    /// What processes see.
    now: Vec<u8>,
    /// What survives a power loss.
    durable: Vec<u8>,
    /// How many bytes at the end of `now` the next sync makes durable.
    dirty: usize,
}

#[derive(Debug, Clone)]
enum NameOp {
    Link(String, usize),
    Rename(String, String, usize),
    Unlink(String),
}

#[derive(Debug, Default)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    pending: Vec<NameOp>,
    ops: u64,
    fault: Option<(u64, Fault)>,
    /// What the operations did, for a failing test's message.
    trace: Vec<String>,
    stopped: bool,
    full: bool,
    locked: bool,
    boot: u64,
}

/// A simulated disk; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Disk(Arc<Mutex<State>>);

impl Disk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Lets `fault` happen at operation `at`, counted from now, 0 first.
    pub fn fault_at(&self, at: u64, fault: Fault) {
        let mut state = self.state();
        state.fault = Some((state.ops.saturating_add(at), fault));
        state.trace.clear();
    }

    /// Whether the chosen operation was reached.
    pub fn faulted(&self) -> bool {
        let state = self.state();
        state.fault.is_some_and(|(at, _)| state.ops > at)
    }

    /// How many operations there were.
    pub fn ops(&self) -> u64 {
        self.state().ops
    }

    /// What the operations were since [`fault_at`](Self::fault_at).
    pub fn trace(&self) -> Vec<String> {
        self.state().trace.clone()
    }

    /// The process ends; what it wrote stays visible.
    pub fn kill(&self) {
        let mut state = self.state();
        state.boot += 1;
        (state.stopped, state.full, state.locked, state.fault) = (false, false, false, None);
    }

    /// The machine loses power; `rng` draws what survives.
    pub fn power_loss(&self, rng: &mut Rng) {
        let mut state = self.state();
        for inode in &mut state.inodes {
            inode.lose_unsynced(rng);
        }
        let pending = std::mem::take(&mut state.pending);
        for op in pending {
            if !rng.chance(2) {
                apply(&mut state.durable_names, &op);
            }
        }
        state.names = state.durable_names.clone();
        drop(state);
        self.kill();
    }

    /// The file `name` as a process sees it.
    pub fn file(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state();
        state.names.get(name).map(|&at| state.inodes[at].now.clone())
    }

    /// Replaces or makes the file `name`, durably and behind everyone's back.
    pub fn plant(&self, name: &str, bytes: &[u8]) {
        let mut state = self.state();
        let inode = Inode { now: bytes.to_vec(), durable: bytes.to_vec(), dirty: 0 };
        state.inodes.push(inode);
        let at = state.inodes.len() - 1;
        state.names.insert(name.to_owned(), at);
        state.durable_names.insert(name.to_owned(), at);
    }

    /// The names of all files.
    pub fn names(&self) -> Vec<String> {
        self.state().names.keys().cloned().collect()
    }

    /// This disk as storage.
    pub fn storage(&self) -> Box<dyn Storage> {
        let boot = self.state().boot;
        Box::new(SimStorage { disk: self.clone(), boot })
    }
}

impl Inode {
    fn lose_unsynced(&mut self, rng: &mut Rng) {
        let start = self.now.len() - self.dirty;
        let kept = rng.below(self.dirty + 1);
        if kept > 0 {
            // What an earlier failed sync lost is a hole.
            self.durable.resize(start, 0);
            self.durable.extend_from_slice(&self.now[start..start + kept]);
            if rng.chance(4) {
                self.durable.resize(start + kept + rng.below(self.dirty - kept + 1), 0);
            }
        }
        self.now = self.durable.clone();
        self.dirty = 0;
    }

    fn sync(&mut self) {
        if self.dirty > 0 {
            let start = self.now.len() - self.dirty;
            self.durable.resize(start, 0);
            self.durable.extend_from_slice(&self.now[start..]);
            self.dirty = 0;
        }
    }

    /// What was durable stays so until the next sync: the cut may be undone.
    fn cut(&mut self, len: usize) {
        self.dirty = self.dirty.saturating_sub(self.now.len().saturating_sub(len));
        self.now.truncate(len);
    }

    /// What is not appended since the last sync reaches the disk at once.
    fn overwrite(&mut self, at: usize, bytes: &[u8]) {
        self.now[at..at + bytes.len()].copy_from_slice(bytes);
        for (durable, byte) in self.durable.iter_mut().skip(at).zip(bytes) {
            *durable = *byte;
        }
    }

    fn append(&mut self, bytes: &[u8]) {
        self.now.extend_from_slice(bytes);
        self.dirty += bytes.len();
    }
}

fn apply(names: &mut BTreeMap<String, usize>, op: &NameOp) {
    match op {
        NameOp::Link(name, inode) => {
            names.insert(name.clone(), *inode);
        }
        NameOp::Rename(from, to, inode) => {
            names.remove(from);
            names.insert(to.clone(), *inode);
        }
        NameOp::Unlink(name) => {
            names.remove(name);
        }
    }
}

fn dir_of(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(dir, _)| dir)
}

impl State {
    /// Counts an operation; `Some` when it is the one that goes wrong.
    fn step(&mut self, boot: u64, what: impl FnOnce() -> String) -> io::Result<Option<Fault>> {
        if self.stopped || self.boot != boot {
            return Err(io::Error::other("the process has ended"));
        }
        let at = self.ops;
        self.ops += 1;
        if self.fault.is_some() {
            self.trace.push(what());
        }
        let fault = self.fault.and_then(|(when, fault)| (when == at).then_some(fault));
        match fault {
            Some(Fault::Stop) => self.stopped = true,
            Some(Fault::Full) => self.full = true,
            _ => {}
        }
        Ok(fault.or(self.full.then_some(Fault::Full)))
    }

    fn change(&mut self, op: NameOp) {
        apply(&mut self.names, &op);
        self.pending.push(op);
    }

    /// A change of names, under faults.
    fn change_or_fail(&mut self, boot: u64, what: impl FnOnce() -> String, op: NameOp) -> io::Result<()> {
        let adds = matches!(op, NameOp::Link(..));
        match self.step(boot, what)? {
            Some(Fault::Stop) => {
                self.change(op);
                Err(stopped())
            }
            Some(Fault::Broken) => Err(broken()),
            Some(Fault::Full) if adds => Err(full()),
            _ => {
                self.change(op);
                Ok(())
            }
        }
    }
}

fn stopped() -> io::Error {
    io::Error::other("the process ended here")
}

fn broken() -> io::Error {
    io::Error::from_raw_os_error(5)
}

fn full() -> io::Error {
    io::Error::from_raw_os_error(28)
}

struct SimStorage {
    disk: Disk,
    boot: u64,
}

struct SimFile {
    disk: Disk,
    boot: u64,
    name: String,
    inode: usize,
}

struct SimLock {
    disk: Disk,
    boot: u64,
}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if state.boot == self.boot {
            state.locked = false;
        }
    }
}

impl Storage for SimStorage {
    fn lock(&mut self) -> Result<Guard, LogError> {
        let mut state = self.disk.state();
        if state.locked {
            return Err(LogError::Locked { holder: "another simulated process".to_owned() });
        }
        state.locked = true;
        Ok(Box::new(SimLock { disk: self.disk.clone(), boot: self.boot }))
    }

    fn list(&mut self, dir: &str) -> io::Result<Vec<Entry>> {
        let state = self.disk.state();
        let names = state.names.iter().filter(|(name, _)| dir_of(name) == dir);
        Ok(names
            .map(|(name, &inode)| Entry {
                name: name.rsplit_once('/').map_or(name.as_str(), |(_, last)| last).to_owned(),
                file_len: Some(state.inodes[inode].now.len() as u64),
            })
            .collect())
    }

    fn read(&mut self, name: &str, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let state = self.disk.state();
        let inode = *state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        let bytes = &state.inodes[inode].now;
        let start = usize::try_from(offset).unwrap().min(bytes.len());
        Ok(bytes[start..bytes.len().min(start + len)].to_vec())
    }

    fn create(&mut self, name: &str) -> io::Result<Box<dyn StorageFile>> {
        let mut state = self.disk.state();
        if state.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.inodes.push(Inode::default());
        let inode = state.inodes.len() - 1;
        let op = NameOp::Link(name.to_owned(), inode);
        state.change_or_fail(self.boot, || format!("create {name}"), op)?;
        Ok(Box::new(SimFile { disk: self.disk.clone(), boot: self.boot, name: name.to_owned(), inode }))
    }

    fn open(&mut self, name: &str) -> io::Result<Box<dyn StorageFile>> {
        let inode = *self.disk.state().names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(SimFile { disk: self.disk.clone(), boot: self.boot, name: name.to_owned(), inode }))
    }

    /// Stopped or failed, it was done in part: the places before the middle
    /// one, and half of that.
    fn overwrite(&mut self, name: &str, offsets: &[u64], bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.state();
        let inode = *state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        let fault = state.step(self.boot, || format!("overwrite {} places of {name}", offsets.len()))?;
        let inode = &mut state.inodes[inode];
        for (at, offset) in offsets.iter().enumerate() {
            let half = offsets.len() / 2;
            let part = match fault {
                Some(_) if at > half => break,
                Some(_) if at == half => &bytes[..bytes.len() / 2],
                _ => bytes,
            };
            inode.overwrite(usize::try_from(*offset).unwrap(), part);
        }
        match fault {
            None => {
                inode.sync();
                Ok(())
            }
            Some(Fault::Stop) => Err(stopped()),
            Some(Fault::Full) => Err(full()),
            Some(Fault::Broken) => Err(broken()),
        }
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.disk.state();
        let inode = *state.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        let op = NameOp::Rename(from.to_owned(), to.to_owned(), inode);
        state.change_or_fail(self.boot, || format!("rename {from} to {to}"), op)
    }

    fn truncate(&mut self, name: &str, len: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let fault = state.step(self.boot, || format!("cut {name} to {len} bytes"))?;
        let inode = *state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        match fault {
            Some(Fault::Broken) => Err(broken()),
            fault => {
                state.inodes[inode].cut(usize::try_from(len).unwrap());
                if fault == Some(Fault::Stop) { Err(stopped()) } else { Ok(()) }
            }
        }
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        let mut state = self.disk.state();
        if !state.names.contains_key(name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change_or_fail(self.boot, || format!("remove {name}"), NameOp::Unlink(name.to_owned()))
    }

    fn sync_dir(&mut self, dir: &str) -> io::Result<()> {
        let mut state = self.disk.state();
        match state.step(self.boot, || format!("sync names of `{dir}`"))? {
            Some(Fault::Stop) => return Err(stopped()),
            Some(Fault::Broken) => {
                state.pending.retain(|op| dir_of(op_name(op)) != dir);
                return Err(broken());
            }
            _ => {}
        }
        let pending = std::mem::take(&mut state.pending);
        for op in pending {
            if dir_of(op_name(&op)) == dir {
                apply(&mut state.durable_names, &op);
            } else {
                state.pending.push(op);
            }
        }
        Ok(())
    }
}

fn op_name(op: &NameOp) -> &str {
    match op {
        NameOp::Link(name, _) | NameOp::Rename(_, name, _) | NameOp::Unlink(name) => name,
    }
}

impl StorageFile for SimFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.state();
        let what = || format!("append {} bytes to {}", bytes.len(), self.name);
        let fault = state.step(self.boot, what)?;
        // A write that does not succeed may have been done in part.
        let part = &bytes[..bytes.len() / 2];
        let inode = &mut state.inodes[self.inode];
        match fault {
            None => {
                inode.append(bytes);
                Ok(())
            }
            Some(Fault::Stop) => {
                inode.append(bytes);
                Err(stopped())
            }
            Some(Fault::Full) => {
                inode.append(part);
                Err(full())
            }
            Some(Fault::Broken) => {
                inode.append(part);
                Err(broken())
            }
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.state();
        let fault = state.step(self.boot, || format!("sync {}", self.name))?;
        let inode = &mut state.inodes[self.inode];
        match fault {
            Some(Fault::Stop) => Err(stopped()),
            Some(Fault::Broken) => {
                inode.dirty = 0;
                Err(broken())
            }
            _ => {
                inode.sync();
                Ok(())
            }
        }
    }

    fn present_len(&mut self) -> io::Result<Option<u64>> {
        let state = self.disk.state();
        let named = state.names.get(&self.name) == Some(&self.inode);
        Ok(named.then(|| state.inodes[self.inode].now.len() as u64))
    }
}
