//! Sets of receipts of one log, by sequence number.
//!
//! Written as ranges, e.g. `5-9,12`: what erasure receipts, legal holds and
//! deletions name.

use std::fmt;

use crate::payload::MAX_SEQ;

/// Sequence numbers as ascending ranges that do not touch.
///
/// ```
/// use asqav_receipt::seq_set::SeqSet;
///
/// let set: SeqSet = [12, 5, 7, 6].into_iter().collect();
/// assert_eq!(set.to_string(), "5-7,12");
/// assert_eq!(SeqSet::parse("5-7,12"), Some(set));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeqSet(Vec<(u64, u64)>);

impl SeqSet {
    /// The numbers from `first` to `last`, both included; nothing if `last` is
    /// smaller.
    #[must_use]
    pub fn range(first: u64, last: u64) -> Self {
        if first > last { Self::default() } else { Self(vec![(first, last)]) }
    }

    /// Reads the text that [`Display`](fmt::Display) writes, and no other:
    /// numbers from 1 to 2^53 − 1, ascending, joined where they touch.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for part in text.split(',') {
            let (first, last) = match part.split_once('-') {
                Some((first, last)) => (number(first)?, number(last)?),
                None => (number(part)?, number(part)?),
            };
            if first > last || ranges.last().is_some_and(|(_, before)| first <= before + 1) {
                return None;
            }
            ranges.push((first, last));
        }
        let set = Self(ranges);
        (set.to_string() == text).then_some(set)
    }

    /// Adds a number.
    pub fn insert(&mut self, seq: u64) {
        self.unite(&Self::range(seq, seq));
    }

    /// Adds all of `other`.
    pub fn unite(&mut self, other: &Self) {
        let mut ranges: Vec<_> = self.0.iter().chain(&other.0).copied().collect();
        ranges.sort_unstable();
        self.0.clear();
        for (first, last) in ranges {
            match self.0.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => self.0.push((first, last)),
            }
        }
    }

    /// Takes away all of `other`.
    pub fn subtract(&mut self, other: &Self) {
        for (first, last) in &other.0 {
            let cut = |(from, to): (u64, u64)| {
                let before = (from, to.min(first.saturating_sub(1)));
                let after = (from.max(last.saturating_add(1)), to);
                [before, after].into_iter().filter(|(from, to)| from <= to)
            };
            // Apart from the range they are one and the same.
            let apart = |(from, to): &(u64, u64)| to < first || from > last;
            let (keep, hit): (Vec<_>, Vec<_>) = self.0.iter().copied().partition(apart);
            self.0 = keep.into_iter().chain(hit.into_iter().flat_map(cut)).collect();
            self.0.sort_unstable();
        }
    }

    /// Whether `seq` is one of them.
    #[must_use]
    pub fn contains(&self, seq: u64) -> bool {
        let at = self.0.partition_point(|(_, last)| *last < seq);
        self.0.get(at).is_some_and(|(first, _)| *first <= seq)
    }

    /// Whether both have a number.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        let mut left = self.clone();
        left.subtract(other);
        left != *self
    }

    /// How many numbers.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The greatest number.
    #[must_use]
    pub fn last(&self) -> Option<u64> {
        self.0.last().map(|(_, last)| *last)
    }

    /// The ranges, ascending: first and last number of each.
    #[must_use]
    pub fn ranges(&self) -> &[(u64, u64)] {
        &self.0
    }

    /// The same numbers in sets whose text has at most `max_len` bytes, of
    /// which at least 33 are needed.
    #[must_use]
    pub fn split(&self, max_len: usize) -> Vec<Self> {
        let mut parts: Vec<(Self, usize)> = Vec::new();
        for range in &self.0 {
            let len = Self(vec![*range]).to_string().len() + 1;
            match parts.last_mut() {
                Some((part, taken)) if *taken + len <= max_len => {
                    part.0.push(*range);
                    *taken += len;
                }
                _ => parts.push((Self(vec![*range]), len)),
            }
        }
        parts.into_iter().map(|(part, _)| part).collect()
    }
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number| (1..=MAX_SEQ).contains(number))
}

impl FromIterator<u64> for SeqSet {
    fn from_iter<I: IntoIterator<Item = u64>>(numbers: I) -> Self {
        let mut set = Self::default();
        set.unite(&Self(numbers.into_iter().map(|seq| (seq, seq)).collect()));
        set
    }
}

impl fmt::Display for SeqSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (first, last)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            if first == last { write!(f, "{comma}{first}") } else { write!(f, "{comma}{first}-{last}") }?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> SeqSet {
        SeqSet::parse(text).unwrap()
    }

    #[test]
    fn one_text_for_one_set() {
        assert_eq!([3, 1, 2, 9].into_iter().collect::<SeqSet>().to_string(), "1-3,9");
        for bad in ["", "0", "01", "1,2", "3,1", "5-4", "4-4", "1-", "a", "1,", "+1", "9007199254740992"] {
            assert_eq!(SeqSet::parse(bad), None, "{bad}");
        }
        assert_eq!(set("1-9007199254740991").count(), MAX_SEQ);
    }

    #[test]
    fn sets_are_united_subtracted_and_searched() {
        let mut one = set("1-5,10-20");
        one.unite(&set("6-8,21"));
        assert_eq!(one.to_string(), "1-8,10-21");
        one.subtract(&set("3,7-12,21"));
        assert_eq!(one.to_string(), "1-2,4-6,13-20");
        assert!([1, 2, 4, 6, 13, 20].into_iter().all(|seq| one.contains(seq)));
        assert!([0, 3, 7, 12, 21].into_iter().all(|seq| !one.contains(seq)));
        assert!(one.meets(&set("3-4")) && !one.meets(&set("3,7-12")));
        one.subtract(&set("1-100"));
        assert!(one.is_empty());
    }

    #[test]
    fn parts_are_short_and_lose_nothing() {
        let whole: SeqSet = (1..=400).map(|seq| seq * 2).collect();
        let parts = whole.split(100);
        assert!(parts.len() > 5 && parts.iter().all(|part| part.to_string().len() <= 100));
        let mut again = SeqSet::default();
        parts.iter().for_each(|part| again.unite(part));
        assert_eq!(again, whole);
    }
}
