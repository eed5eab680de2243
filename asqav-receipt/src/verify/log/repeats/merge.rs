//! Sorted runs, merged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{RECORD_LEN, Record};
use crate::verify::scratch::{Scratch, ScratchError};

/// How many records of a run are read at once: 25 kB.
const CHUNK: usize = 1_000;

/// Sorts records by their bytes.
pub(super) fn sort(records: &mut [Record]) {
    // The first 16 bytes as a number nearly always decide, in few instructions.
    let start = |record: &Record| u128::from_be_bytes(record.first_chunk().copied().unwrap_or_default());
    records.sort_unstable_by(|a, b| start(a).cmp(&start(b)).then_with(|| a.cmp(b)));
}

/// Where a sorted run lies in the scratch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) offset: u64,
    pub(super) records: usize,
}

/// One run on its way back.
struct Source<'a> {
    scratch: &'a dyn Scratch,
    rest: Run,
    /// The records at hand, the next one last.
    chunk: Vec<Record>,
}

impl Source<'_> {
    fn next(&mut self) -> Result<Option<Record>, ScratchError> {
        if self.chunk.is_empty() && self.rest.records > 0 {
            let count = self.rest.records.min(CHUNK);
            self.chunk.resize(count, [0; RECORD_LEN]);
            let bytes = self.chunk.as_flattened_mut();
            let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            self.scratch.read(self.rest.offset, bytes)?;
            self.chunk.reverse();
            self.rest = Run { offset: self.rest.offset + len, records: self.rest.records - count };
        }
        Ok(self.chunk.pop())
    }
}

/// The records of all runs, and of what stayed in memory, in order.
pub(super) struct Sorted<'a> {
    sources: Vec<Source<'a>>,
    /// The next record of each source, by the source's place; one place more is
    /// what stayed in memory.
    next: BinaryHeap<Reverse<(Record, usize)>>,
    /// What stayed in memory, the next one last.
    memory: Vec<Record>,
    last: Record,
}

impl<'a> Sorted<'a> {
    pub(super) fn new(
        scratch: Option<&'a dyn Scratch>,
        runs: &[Run],
        mut memory: Vec<Record>,
    ) -> Result<Self, ScratchError> {
        sort(&mut memory);
        memory.reverse();
        let source = |run: &Run| scratch.map(|scratch| Source { scratch, rest: *run, chunk: Vec::new() });
        let sources: Vec<_> = runs.iter().filter_map(source).collect();
        let mut sorted = Self { sources, next: BinaryHeap::new(), memory, last: [0; RECORD_LEN] };
        (0..=sorted.sources.len()).try_for_each(|at| sorted.advance(at))?;
        Ok(sorted)
    }

    fn advance(&mut self, at: usize) -> Result<(), ScratchError> {
        let record = match self.sources.get_mut(at) {
            Some(source) => source.next()?,
            None => self.memory.pop(),
        };
        self.next.extend(record.map(|record| Reverse((record, at))));
        Ok(())
    }

    pub(super) fn next(&mut self) -> Result<Option<Record>, ScratchError> {
        let Some(Reverse((record, at))) = self.next.pop() else { return Ok(None) };
        if record < self.last {
            return Err(ScratchError::new("what was kept outside memory came back changed"));
        }
        self.last = record;
        self.advance(at)?;
        Ok(Some(record))
    }
}
