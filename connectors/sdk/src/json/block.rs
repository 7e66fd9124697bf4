//! 64 bytes at a time: which of them are quotes, backslashes, brackets and
//! line feeds, one bit a byte. With SIMD where the target has it.

/// Bit `i` speaks of byte `i`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Masks {
    pub(crate) quotes: u64,
    pub(crate) backslashes: u64,
    /// `{`, `}`, `[` and `]`.
    pub(crate) brackets: u64,
    pub(crate) line_feeds: u64,
}

/// The 64 bytes from `at` on; beyond the end there are blanks.
#[inline]
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

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[allow(unsafe_code)] // Vector loads take pointers; the block is 64 bytes long.
#[inline]
fn masks(block: &[u8; 64]) -> Masks {
    use core::arch::wasm32::{
        i8x16_bitmask, u8x16_eq, u8x16_splat, v128, v128_any_true, v128_load, v128_or,
    };

    let start = block.as_ptr().cast::<v128>();
    // SAFETY: four times 16 bytes are the whole block; v128_load needs no alignment.
    let lanes = unsafe {
        [
            v128_load(start),
            v128_load(start.add(1)),
            v128_load(start.add(2)),
            v128_load(start.add(3)),
        ]
    };
    let bits = |[a, b, c, d]: [v128; 4]| {
        u64::from(i8x16_bitmask(a))
            | u64::from(i8x16_bitmask(b)) << 16
            | u64::from(i8x16_bitmask(c)) << 32
            | u64::from(i8x16_bitmask(d)) << 48
    };
    let rare = |[a, b, c, d]: [v128; 4]| {
        if v128_any_true(v128_or(v128_or(a, b), v128_or(c, d))) {
            bits([a, b, c, d])
        } else {
            0
        }
    };
    let equal = |byte: u8| lanes.map(|lane| u8x16_eq(lane, u8x16_splat(byte)));
    // `[` and `]` differ from `{` and `}` by bit 5 alone.
    let folded = lanes.map(|lane| v128_or(lane, u8x16_splat(0x20)));
    let brackets = folded.map(|lane| {
        v128_or(
            u8x16_eq(lane, u8x16_splat(b'{')),
            u8x16_eq(lane, u8x16_splat(b'}')),
        )
    });
    Masks {
        quotes: bits(equal(b'"')),
        backslashes: rare(equal(b'\\')),
        brackets: rare(brackets),
        line_feeds: rare(equal(b'\n')),
    }
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
#[inline]
fn masks(block: &[u8; 64]) -> Masks {
    let bits = |is: fn(u8) -> bool| {
        let mut mask = 0;
        for (index, chunk) in block.chunks_exact(8).enumerate() {
            let mut byte_mask = 0;
            for (bit, &byte) in chunk.iter().enumerate() {
                byte_mask |= u64::from(is(byte)) << bit;
            }
            mask |= byte_mask << (8 * index);
        }
        mask
    };
    Masks {
        quotes: bits(|byte| byte == b'"'),
        backslashes: bits(|byte| byte == b'\\'),
        brackets: bits(|byte| byte | 0x20 == b'{' || byte | 0x20 == b'}'),
        line_feeds: bits(|byte| byte == b'\n'),
    }
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
