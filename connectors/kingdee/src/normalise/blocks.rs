//! Short texts in a room of fixed size, so that they are compared and appended
//! by whole words and without a loop: in a sandbox each copy of unknown length
//! is a call of the host.

/// A text and what is left of its room, as zeros.
#[derive(Debug)]
pub(super) struct Room<const ROOM: usize> {
    bytes: [u8; ROOM],
    length: usize,
}

impl<const ROOM: usize> Room<ROOM> {
    /// None where the text does not fit.
    pub(super) fn of(text: &str) -> Option<Self> {
        let mut bytes = [0; ROOM];
        bytes
            .get_mut(..text.len())?
            .copy_from_slice(text.as_bytes());
        Some(Self {
            bytes,
            length: text.len(),
        })
    }

    #[inline]
    pub(super) fn append_to(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.length;
        out.extend_from_slice(&self.bytes);
        out.truncate(end);
    }
}

/// A key to be met.
#[derive(Debug)]
pub(super) struct Key {
    bytes: [u8; 32],
    /// Set where bytes belong to the key; those behind its end are 0.
    masks: [u128; 2],
    length: usize,
}

impl Key {
    /// None where the key is too long to be met this way.
    pub(super) fn of(text: &str) -> Option<Self> {
        let Room::<32> { bytes, length } = Room::of(text)?;
        let masks = [0, 16].map(|from| {
            let ours = length.saturating_sub(from).min(16);
            u128::MAX
                .checked_shr(8 * (16 - ours) as u32)
                .unwrap_or_default()
        });
        Some(Self {
            bytes,
            masks,
            length,
        })
    }

    /// Where the key ends that begins at `at` and is this one. None as well
    /// where the line ends soon.
    #[inline]
    pub(super) fn after(&self, line: &[u8], at: usize) -> Option<usize> {
        let here = line.get(at..)?.first_chunk::<32>()?;
        let [low, high] = words(here);
        let [key_low, key_high] = words(&self.bytes);
        let [low_mask, high_mask] = self.masks;
        let differs = ((low ^ key_low) & low_mask) | ((high ^ key_high) & high_mask);
        (differs == 0).then_some(at + self.length)
    }
}

#[inline]
fn words(bytes: &[u8; 32]) -> [u128; 2] {
    let (words, _) = bytes.as_chunks::<16>();
    let [low, high] = words else { return [0; 2] };
    [u128::from_le_bytes(*low), u128::from_le_bytes(*high)]
}

/// Appends a stretch of the line, which is mostly a short one.
#[inline]
pub(super) fn append(line: &[u8], from: usize, to: usize, out: &mut Vec<u8>) {
    let rest = line.get(from..).unwrap_or_default();
    match rest.first_chunk::<16>() {
        Some(block) if to - from <= 16 => {
            let end = out.len() + (to - from);
            out.extend_from_slice(block);
            out.truncate(end);
        }
        _ => out.extend_from_slice(rest.get(..to - from).unwrap_or_default()),
    }
}

/// Whether the text goes on with `known` at `at`.
#[inline]
pub(super) fn goes_on(line: &[u8], at: usize, known: &[u8]) -> bool {
    let Some(here) = line.get(at..at + known.len()) else {
        return false;
    };
    let ((here, here_rest), (known, known_rest)) = (here.as_chunks(), known.as_chunks());
    let word = |bytes: &[u8; 16]| u128::from_le_bytes(*bytes);
    let same = |(one, other)| word(one) == word(other);
    here.iter().zip(known).all(same) && here_rest.iter().eq(known_rest)
}

/// Whether all of it is ASCII, told sooner than by whether it is UTF-8.
#[inline]
pub(super) fn is_ascii(line: &[u8]) -> bool {
    let (blocks, rest) = line.as_chunks::<64>();
    let mut bits = [0; 64];
    for block in blocks {
        for (bits, byte) in bits.iter_mut().zip(block) {
            *bits |= byte;
        }
    }
    bits.is_ascii() && rest.is_ascii()
}
