//! Sixteen bytes at a time, by SIMD where the sandbox has it: which bytes end a
//! plain run, and whether bytes are what they were. Knows no grammar.

/// One bit a byte that ends a plain run, and one bit a byte that is not ASCII.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[allow(unsafe_code)] // One load; the array reference covers its sixteen bytes.
#[inline(always)]
pub(crate) fn marks(bytes: &[u8; 16]) -> (u32, u32) {
    use core::arch::wasm32::{
        i8x16_lt, i8x16_splat, u8x16_bitmask, u8x16_eq, u8x16_splat, v128_load, v128_or, v128_xor,
    };
    let all = unsafe { v128_load(bytes.as_ptr().cast()) };
    let slash = u8x16_eq(all, u8x16_splat(b'\\'));
    // This brings the quote next to the control characters, and all of them
    // to the low end of the signed bytes: one comparison finds them.
    let moved = v128_xor(all, u8x16_splat(0x82));
    let low = i8x16_lt(moved, i8x16_splat(-0x80 + 0x21));
    let stops = u8x16_bitmask(v128_or(low, slash));
    (u32::from(stops), u32::from(u8x16_bitmask(all)))
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)] // One load; the array reference covers its sixteen bytes.
#[inline(always)]
pub(crate) fn marks(bytes: &[u8; 16]) -> (u32, u32) {
    use core::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128,
        _mm_set1_epi8,
    };
    // SSE2 is part of every x86-64.
    unsafe {
        let all = _mm_loadu_si128(bytes.as_ptr().cast());
        let quote = _mm_cmpeq_epi8(all, _mm_set1_epi8(0x22));
        let slash = _mm_cmpeq_epi8(all, _mm_set1_epi8(0x5c));
        let control = _mm_cmpeq_epi8(_mm_min_epu8(all, _mm_set1_epi8(0x1f)), all);
        let stops = _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), control));
        (
            stops.cast_unsigned(),
            _mm_movemask_epi8(all).cast_unsigned(),
        )
    }
}

/// One bit a byte in which the two differ.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[allow(unsafe_code)] // Loads; the array references cover their sixteen bytes.
#[inline(always)]
pub(crate) fn differ(one: &[u8; 16], other: &[u8; 16]) -> u32 {
    use core::arch::wasm32::{u8x16_bitmask, u8x16_ne, v128_load};
    let pair = unsafe {
        (
            v128_load(one.as_ptr().cast()),
            v128_load(other.as_ptr().cast()),
        )
    };
    u32::from(u8x16_bitmask(u8x16_ne(pair.0, pair.1)))
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub(crate) fn differ(one: &[u8; 16], other: &[u8; 16]) -> u32 {
    let pairs = one.iter().zip(other).enumerate();
    pairs.fold(0, |bits, (bit, (one, other))| {
        bits | u32::from(one != other) << bit
    })
}

#[cfg(not(any(
    target_arch = "x86_64",
    all(target_arch = "wasm32", target_feature = "simd128")
)))]
#[inline(always)]
pub(crate) fn marks(bytes: &[u8; 16]) -> (u32, u32) {
    let mut stops = 0;
    let mut high = 0;
    for (bit, byte) in bytes.iter().enumerate() {
        stops |= u32::from(matches!(byte, b'"' | b'\\' | 0..0x20)) << bit;
        high |= u32::from(*byte >> 7) << bit;
    }
    (stops, high)
}

/// What turns a byte of a string around, so that quotes and control characters
/// become the greatest of all.
pub(crate) const TURN: u8 = !0x02;
/// The greatest that is neither, turned around.
pub(crate) const PLAIN: u8 = !0x21;
const SLASH: u8 = b'\\' ^ TURN;

/// Whether no byte differs from `own` (by exclusive or) by more than its `slack`,
/// and none from `TURN` as a backslash does.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[allow(unsafe_code)] // Loads; the array references cover their sixteen bytes.
#[inline(always)]
pub(crate) fn fit<const N: usize>(
    bytes: [&[u8; 16]; N],
    own: [&[u8; 16]; N],
    slack: [&[u8; 16]; N],
) -> bool {
    use core::arch::wasm32::{
        u8x16_eq, u8x16_splat, u8x16_sub_sat, v128_any_true, v128_load, v128_or, v128_xor,
    };
    let load = |from: &[u8; 16]| unsafe { v128_load(from.as_ptr().cast()) };
    let mut excess = u8x16_splat(0);
    for ((bytes, own), slack) in bytes.into_iter().zip(own).zip(slack) {
        let differ = v128_xor(load(bytes), load(own));
        let slash = u8x16_eq(differ, u8x16_splat(SLASH));
        excess = v128_or(excess, v128_or(u8x16_sub_sat(differ, load(slack)), slash));
    }
    !v128_any_true(excess)
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub(crate) fn fit<const N: usize>(
    bytes: [&[u8; 16]; N],
    own: [&[u8; 16]; N],
    slack: [&[u8; 16]; N],
) -> bool {
    let own = own.into_iter().flatten();
    let slack = slack.into_iter().flatten();
    let mut each = bytes.into_iter().flatten().zip(own).zip(slack);
    each.all(|((byte, own), slack)| byte ^ own <= *slack && byte ^ own != SLASH)
}
