//! 64 bytes at a time: which of them are quotes, backslashes, brackets and
//! line feeds, one bit a byte.

use super::lane::Lane;

/// Bit `i` speaks of byte `i`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Masks {
    pub(crate) quotes: u64,
    pub(crate) backslashes: u64,
    /// `{`, `}`, `[` and `]`.
    pub(crate) brackets: u64,
    pub(crate) line_feeds: u64,
}

/// The 64 bytes from `at` on; beyond the end there are blanks.
#[inline(always)]
pub(crate) fn masks_at(bytes: &[u8], at: usize) -> Masks {
    let rest = bytes.get(at..).unwrap_or_default();
    if let Some(block) = rest.first_chunk::<64>() {
        masks(block)
    } else {
        let mut block = [b' '; 64];
        for (to, from) in block.iter_mut().zip(rest) {
            *to = *from;
        }
        masks(&block)
    }
}

#[inline(always)]
fn masks(block: &[u8; 64]) -> Masks {
    let (chunks, _) = block.as_chunks::<16>();
    let [a, b, c, d] = chunks else {
        return Masks::default();
    };
    let lanes = [Lane::of(a), Lane::of(b), Lane::of(c), Lane::of(d)];
    // `[` and `]` differ from `{` and `}` by bit 5 alone.
    let folded = lanes.map(|lane| lane.or(Lane::all(0x20)));
    let brackets = folded.map(|lane| lane.equal(b'{').or(lane.equal(b'}')));
    let quotes = bits(lanes.map(|lane| lane.equal(b'"')));
    let backslashes = lanes.map(|lane| lane.equal(b'\\'));
    let line_feeds = lanes.map(|lane| lane.equal(b'\n'));
    // Most blocks have none of these.
    let rare = [backslashes, brackets, line_feeds].map(|[a, b, c, d]| a.or(b).or(c.or(d)));
    let [one, two, three] = rare;
    if one.or(two).or(three).bits() == 0 {
        return Masks {
            quotes,
            ..Masks::default()
        };
    }
    Masks {
        quotes,
        backslashes: bits(backslashes),
        brackets: bits(brackets),
        line_feeds: bits(line_feeds),
    }
}

#[inline]
fn bits([a, b, c, d]: [Lane; 4]) -> u64 {
    a.bits() | b.bits() << 16 | c.bits() << 32 | d.bits() << 48
}

/// Which bytes a backslash escapes. `carry` is 1 when the first byte of the
/// next block is escaped. Runs of backslashes escape every other byte, found
/// by a subtraction whose borrow walks along each run.
#[inline]
pub(crate) fn escaped(backslashes: u64, carry: &mut u64) -> u64 {
    if backslashes == 0 {
        return std::mem::take(carry);
    }
    const ODD: u64 = 0xAAAA_AAAA_AAAA_AAAA;
    let starts = backslashes & !*carry;
    let ends = (((starts << 1) | ODD).wrapping_sub(starts)) ^ ODD;
    let result = ends ^ (backslashes | *carry);
    *carry = (ends & backslashes) >> 63;
    result
}

/// Bit `i` of the result is the parity of bits `0..=i`: set inside strings,
/// from the opening quote up to the byte before the closing one.
#[inline]
pub(crate) fn prefix_xor(mut bits: u64) -> u64 {
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^ (bits << 32)
}
