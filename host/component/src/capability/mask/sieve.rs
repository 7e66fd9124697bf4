//! Tells where no form can be, at a fraction of the cost of a search: long
//! forms cannot hide between looks that are a little apart.

/// Bytes that one look takes in.
const GRAM: usize = 4;

/// With looks closer together the search itself is as fast.
const CLOSEST: usize = 12;

/// More would only fill the table: every cache line is read anyway.
const FARTHEST: usize = 32;

const BITS: usize = 1 << 16;

#[derive(Debug, Clone)]
pub(super) struct Sieve {
    /// Bytes between two looks. Of any occurrence of a form, one of the first
    /// `step` grams is looked at.
    pub(super) step: usize,
    /// Of the longest form, bytes.
    pub(super) longest: usize,
    /// A bit by hash of a gram: whether one of those grams may be it.
    grams: Box<[u64]>,
}

impl Sieve {
    /// `None` where the shortest form is too short for it to gain anything.
    pub(super) fn new(forms: &[Vec<u8>]) -> Option<Self> {
        let shortest = forms.iter().map(Vec::len).min()?;
        let longest = forms.iter().map(Vec::len).max()?;
        let step = (shortest + 1).checked_sub(GRAM)?.min(FARTHEST);
        if step < CLOSEST {
            return None;
        }
        let mut grams = vec![0; BITS / 64].into_boxed_slice();
        for gram in forms.iter().flat_map(|form| form.windows(GRAM).take(step)) {
            let (word, bit) = place(gram);
            if let Some(word) = grams.get_mut(word) {
                *word |= bit;
            }
        }
        Some(Self {
            step,
            longest,
            grams,
        })
    }

    /// The next look, beginning at `at`, that sees what may be of a form.
    pub(super) fn next(&self, bytes: &[u8], mut at: usize) -> Option<usize> {
        loop {
            let (word, bit) = place(bytes.get(at..at + GRAM)?);
            if self.grams.get(word).is_none_or(|word| word & bit != 0) {
                return Some(at);
            }
            at += self.step;
        }
    }
}

/// Index of a word and the bit in it.
fn place(gram: &[u8]) -> (usize, u64) {
    let number = gram
        .first_chunk()
        .map_or(0, |gram| u32::from_le_bytes(*gram));
    let hash = number.wrapping_mul(0x9E37_79B1) >> 16;
    ((hash >> 6) as usize, 1 << (hash & 63))
}
