//! SHA3-256 of many messages at once.
//!
//! Keccak-f[1600] (FIPS 202 §3) does the same to the 25 words of every
//! message, so that one vector instruction serves as many messages as a
//! register holds words: four with AVX2, eight with AVX-512. A lane whose
//! message ends takes the next one, of whatever length. Elsewhere, and for a
//! single message, crate `sha3` hashes one after the other; the tests compare
//! the two.

use std::sync::LazyLock;

use fearless_simd::{Level, Simd, dispatch, prelude::*};

use super::Sha3Digest;

/// Bytes that one permutation takes in: (1600 − 2 · 256) / 8.
const RATE: usize = 136;
/// Words of a state.
const WORDS: usize = 25;
/// No register holds more words.
const MAX_LANES: usize = 8;
/// With fewer words in a register nothing is gained.
const MIN_LANES: usize = 4;

/// Word `w` of lane `l` is `state[w][l]`.
type States = [[u64; MAX_LANES]; WORDS];

impl Sha3Digest {
    /// The digest of `prefix` ‖ body for each of `bodies`: several times as
    /// fast as one after the other where the processor has wide registers.
    #[must_use]
    pub fn of_each(prefix: &[u8], bodies: &[&[u8]]) -> Vec<Self> {
        if bodies.len() < 2 || !*LANES_AGREE {
            return one_by_one(prefix, bodies);
        }
        together(prefix, bodies)
    }
}

/// Whether this processor's lanes give what crate `sha3` gives, tried once by
/// each process: a verdict must not depend on how it was computed.
static LANES_AGREE: LazyLock<bool> = LazyLock::new(|| {
    let text = [0x5a; 4 * RATE];
    let bodies: Vec<&[u8]> = (0..=MAX_LANES).filter_map(|n| text.get(..n * 67)).collect();
    together(b"asqav", &bodies) == one_by_one(b"asqav", &bodies)
});

fn together(prefix: &[u8], bodies: &[&[u8]]) -> Vec<Sha3Digest> {
    let level = Level::new();
    dispatch!(level, simd => in_lanes(simd, prefix, bodies))
}

fn one_by_one(prefix: &[u8], bodies: &[&[u8]]) -> Vec<Sha3Digest> {
    bodies.iter().map(|body| Sha3Digest::of_parts(&[prefix, body])).collect()
}

#[inline(always)]
fn in_lanes<S: Simd>(simd: S, prefix: &[u8], bodies: &[&[u8]]) -> Vec<Sha3Digest> {
    if S::u64s::LEN < MIN_LANES {
        return one_by_one(prefix, bodies);
    }
    let mut digests = vec![Sha3Digest::from_bytes([0; 32]); bodies.len()];
    let mut waiting =
        bodies.iter().zip(&mut digests).map(|(body, digest)| Message { prefix, body, at: 0, digest });
    let mut lanes: [Option<Message<'_>>; MAX_LANES] = Default::default();
    let mut states: States = [[0; MAX_LANES]; WORDS];
    loop {
        let mut busy = false;
        for (lane, message) in lanes.iter_mut().take(S::u64s::LEN).enumerate() {
            if message.is_none() {
                *message = waiting.next();
                words(&mut states, lane).for_each(|word| *word = 0);
            }
            if let Some(message) = message {
                busy = true;
                message.absorb(&mut states, lane);
            }
        }
        if !busy {
            break;
        }
        permute(simd, &mut states);
        for (lane, message) in lanes.iter_mut().enumerate() {
            if let Some(ended) = message.take_if(|message| message.has_ended()) {
                ended.squeeze(&mut states, lane);
            }
        }
    }
    drop(waiting);
    digests
}

/// One message on its way through a lane.
struct Message<'a> {
    prefix: &'a [u8],
    body: &'a [u8],
    /// How much of both, and of the padding behind, was taken in, bytes.
    at: usize,
    digest: &'a mut Sha3Digest,
}

impl Message<'_> {
    /// Takes in the next [`RATE`] bytes.
    #[inline(always)]
    fn absorb(&mut self, states: &mut States, lane: usize) {
        let mut padded = [0; RATE];
        let within = self.at.checked_sub(self.prefix.len()).and_then(|at| self.body.get(at..at + RATE));
        let block = within.unwrap_or_else(|| {
            self.pad(&mut padded);
            &padded
        });
        for (word, bytes) in words(states, lane).zip(block.as_chunks::<8>().0) {
            *word ^= u64::from_le_bytes(*bytes);
        }
        self.at += RATE;
    }

    /// What begins at `at`, with the padding of SHA-3 (FIPS 202 §6.1, §5.1)
    /// where it ends.
    fn pad(&self, block: &mut [u8; RATE]) {
        let body_at = self.at.saturating_sub(self.prefix.len());
        let rest = self.prefix.iter().skip(self.at).chain(self.body.iter().skip(body_at));
        let end = [0b110_u8];
        // The first bit after the message and the last bit of the block.
        for (byte, of) in block.iter_mut().zip(rest.chain(&end)) {
            *byte = *of;
        }
        if self.len() < self.at + RATE {
            block[RATE - 1] |= 0x80;
        }
    }

    /// Whether the padding was taken in.
    const fn has_ended(&self) -> bool {
        self.len() < self.at
    }

    const fn len(&self) -> usize {
        self.prefix.len() + self.body.len()
    }

    fn squeeze(self, states: &mut States, lane: usize) {
        let mut digest = [0; 32];
        for (bytes, word) in digest.as_chunks_mut::<8>().0.iter_mut().zip(words(states, lane)) {
            *bytes = word.to_le_bytes();
        }
        *self.digest = Sha3Digest::from_bytes(digest);
    }
}

/// The words of one lane: the first 17 take a block in, the first four are the
/// digest.
#[inline(always)]
fn words(states: &mut States, lane: usize) -> impl Iterator<Item = &mut u64> {
    states.iter_mut().filter_map(move |lanes| lanes.get_mut(lane))
}

/// ι (FIPS 202 §3.2.5).
const ROUNDS: [u64; 24] = [
    0x0000_0000_0000_0001,
    0x0000_0000_0000_8082,
    0x8000_0000_0000_808a,
    0x8000_0000_8000_8000,
    0x0000_0000_0000_808b,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8009,
    0x0000_0000_0000_008a,
    0x0000_0000_0000_0088,
    0x0000_0000_8000_8009,
    0x0000_0000_8000_000a,
    0x0000_0000_8000_808b,
    0x8000_0000_0000_008b,
    0x8000_0000_0000_8089,
    0x8000_0000_0000_8003,
    0x8000_0000_0000_8002,
    0x8000_0000_0000_0080,
    0x0000_0000_0000_800a,
    0x8000_0000_8000_000a,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8080,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8008,
];

/// Keccak-f[1600] of every lane (FIPS 202 §3.3).
#[inline(always)]
#[expect(clippy::indexing_slicing, reason = "all indices are constants or below 5 and 25")]
fn permute<S: Simd>(simd: S, states: &mut States) {
    let mut a: [S::u64s; WORDS] =
        std::array::from_fn(|word| S::u64s::from_slice(simd, &states[word][..S::u64s::LEN]));
    for round in ROUNDS {
        // θ
        let c: [S::u64s; 5] = std::array::from_fn(|x| a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20]);
        let d: [S::u64s; 5] = std::array::from_fn(|x| c[(x + 4) % 5] ^ rotate::<S, 1>(c[(x + 1) % 5]));
        // ρ and π: which word goes there, and by how much it is rotated.
        macro_rules! moved {
            ($from:literal, $by:literal) => {
                rotate::<S, $by>(a[$from] ^ d[$from % 5])
            };
        }
        #[rustfmt::skip]
        let b: [S::u64s; WORDS] = [
            a[0] ^ d[0],   moved!(6, 44),  moved!(12, 43), moved!(18, 21), moved!(24, 14),
            moved!(3, 28), moved!(9, 20),  moved!(10, 3),  moved!(16, 45), moved!(22, 61),
            moved!(1, 1),  moved!(7, 6),   moved!(13, 25), moved!(19, 8),  moved!(20, 18),
            moved!(4, 27), moved!(5, 36),  moved!(11, 10), moved!(17, 15), moved!(23, 56),
            moved!(2, 62), moved!(8, 55),  moved!(14, 39), moved!(15, 41), moved!(21, 2),
        ];
        // χ
        for row in (0..WORDS).step_by(5) {
            for x in 0..5 {
                a[row + x] = b[row + x] ^ (!b[row + (x + 1) % 5] & b[row + (x + 2) % 5]);
            }
        }
        a[0] ^= S::u64s::splat(simd, round);
    }
    for (lanes, word) in states.iter_mut().zip(&a) {
        word.store_slice(&mut lanes[..S::u64s::LEN]);
    }
}

#[inline(always)]
fn rotate<S: Simd, const BY: u32>(word: S::u64s) -> S::u64s {
    (word << BY) | (word >> (u64::BITS - BY))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every length around the ends of blocks, lanes that end at different
    /// times, more and fewer messages than lanes.
    #[test]
    fn every_message_is_hashed_as_if_it_were_alone() {
        let text: Vec<u8> = (0..3_000_u32).map(|n| (n * 7 + n / 256) as u8).collect();
        for prefix in [&b""[..], b"\0", b"asqav/batch-leaf/v1\0", &text[..135], &text[..136], &text[..300]] {
            for count in [0, 1, 2, 3, 7, 8, 9, 17, 420] {
                let bodies: Vec<&[u8]> = (0..count).map(|n| &text[n..n * 2 + (n * 131) % 1_500]).collect();
                let together = Sha3Digest::of_each(prefix, &bodies);
                assert_eq!(together, one_by_one(prefix, &bodies), "{count} after {}", prefix.len());
            }
        }
    }

    #[test]
    fn this_machine_uses_its_lanes() {
        assert!(*LANES_AGREE);
    }

    #[test]
    fn the_wide_registers_of_this_machine_are_tested() {
        let text = [b'x'; 1_400];
        let bodies: Vec<&[u8]> = (0..40).map(|n| &text[..n * 35]).collect();
        let wanted = one_by_one(b"\0", &bodies);
        let best = Level::new();
        let levels =
            [best, best.as_avx2().map_or(best, Level::Avx2), best.as_sse2().map_or(best, Level::Sse2)];
        for level in levels {
            assert_eq!(dispatch!(level, simd => in_lanes(simd, b"\0", &bodies)), wanted, "{level:?}");
        }
    }
}
