//! Keys as they stood in the record before, and the quick way over members that
//! come again. What it does not know it leaves to the reader.

use crate::layout::NONE;
use crate::scan;

/// What turns the comma before a key into the brace before the first one.
pub(super) const FIRST: u128 = (b',' ^ b'{') as u128;

/// A key as it stood in a record: from the comma before it to its value, quotes,
/// colon and blanks included. One comparison checks all of them.
#[derive(Debug)]
pub(super) struct Remembered {
    words: [u128; 2],
    masks: [u128; 2],
    pub(super) len: usize,
    /// Index among the table's keys, or `NONE`.
    pub(super) key: u16,
}

impl Remembered {
    /// `raw` begins with its comma or brace. None for a key that is too long to
    /// be worth it.
    pub(super) fn new(raw: &[u8], key: u16) -> Option<Self> {
        let (mut words, mut masks) = ([0; 32], [0; 32]);
        words.get_mut(..raw.len())?.copy_from_slice(raw);
        *words.first_mut()? = b',';
        masks.get_mut(..raw.len())?.fill(0xff);
        Some(Self {
            words: halves(&words),
            masks: halves(&masks),
            len: raw.len(),
            key,
        })
    }

    /// `first` is `FIRST` where a brace stands before the key, or zero.
    #[inline(always)]
    pub(super) fn stands_at(&self, bytes: &[u8], at: usize, first: u128) -> bool {
        let Some(window) = bytes.get(at..).and_then(<[u8]>::first_chunk::<32>) else {
            return self.ends_at(bytes, at, first);
        };
        self.is(window, first)
    }

    #[inline(always)]
    fn is(&self, window: &[u8; 32], first: u128) -> bool {
        let [low, high] = halves(window);
        let ([a, b], [mask_a, mask_b]) = (self.words, self.masks);
        ((low ^ a ^ first) & mask_a) | ((high ^ b) & mask_b) == 0
    }

    /// The same so near the end of the bytes that no whole window is left.
    #[cold]
    fn ends_at(&self, bytes: &[u8], at: usize, first: u128) -> bool {
        let [low, high] = self.words;
        let [low, high] = [low ^ first, high].map(u128::to_le_bytes);
        let own = low.iter().chain(&high).take(self.len);
        bytes
            .get(at..at + self.len)
            .is_some_and(|raw| raw.iter().eq(own))
    }
}

#[inline(always)]
fn halves(bytes: &[u8; 32]) -> [u128; 2] {
    let (low, high) = bytes.split_at(16);
    let half = |part: &[u8]| {
        part.first_chunk()
            .map_or(0, |chunk| u128::from_le_bytes(*chunk))
    };
    [half(low), half(high)]
}

/// Steps over members as long as no rule reads them, their keys come as they
/// did before, and their values are strings without escapes. Most members are
/// such; what it leaves is for the whole grammar. The index where a member
/// ended and the turn of the next one.
#[inline(never)]
pub(super) fn unread(
    bytes: &[u8],
    at: usize,
    remembered: &[Remembered],
    turn: usize,
) -> (usize, usize) {
    let mut rest = bytes.get(at..).unwrap_or_default();
    let mut left = remembered.get(turn..).unwrap_or_default();
    while let [next, others @ ..] = left
        && next.key == NONE
        && let Some(window) = rest.first_chunk::<32>()
        && next.is(window, 0)
        && let Some([b'"', value @ ..]) = rest.get(next.len..)
        && let Some(after) = scan::plain(value)
    {
        (rest, left) = (after, others);
    }
    (bytes.len() - rest.len(), remembered.len() - left.len())
}
