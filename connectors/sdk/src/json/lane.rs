//! 16 bytes at once: SIMD where the target surely has it, plain code elsewhere.

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[allow(unsafe_code)] // The vector load takes a pointer.
mod simd {
    use core::arch::wasm32::{i8x16_bitmask, u8x16_eq, u8x16_splat, v128, v128_load, v128_or};

    #[derive(Clone, Copy)]
    pub(crate) struct Lane(v128);

    impl Lane {
        #[inline]
        pub(crate) fn of(bytes: &[u8; 16]) -> Self {
            // SAFETY: 16 bytes are read from 16 bytes, and need no alignment.
            Self(unsafe { v128_load(bytes.as_ptr().cast()) })
        }

        #[inline]
        pub(crate) fn all(byte: u8) -> Self {
            Self(u8x16_splat(byte))
        }

        #[inline]
        pub(crate) fn or(self, other: Self) -> Self {
            Self(v128_or(self.0, other.0))
        }

        /// All bits of a byte that equals `byte`, none of another.
        #[inline]
        pub(crate) fn equal(self, byte: u8) -> Self {
            Self(u8x16_eq(self.0, u8x16_splat(byte)))
        }

        /// The highest bit of each byte.
        #[inline]
        pub(crate) fn bits(self) -> u64 {
            u64::from(i8x16_bitmask(self.0))
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)] // SSE2 is in every x86-64; the vector load takes a pointer.
mod simd {
    use core::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
    };

    #[derive(Clone, Copy)]
    pub(crate) struct Lane(__m128i);

    impl Lane {
        #[inline]
        pub(crate) fn of(bytes: &[u8; 16]) -> Self {
            // SAFETY: 16 bytes are read from 16 bytes, and need no alignment.
            Self(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
        }

        #[inline]
        pub(crate) fn all(byte: u8) -> Self {
            // SAFETY: SSE2 is there.
            Self(unsafe { _mm_set1_epi8(byte.cast_signed()) })
        }

        #[inline]
        pub(crate) fn or(self, other: Self) -> Self {
            // SAFETY: SSE2 is there.
            Self(unsafe { _mm_or_si128(self.0, other.0) })
        }

        #[inline]
        pub(crate) fn equal(self, byte: u8) -> Self {
            // SAFETY: SSE2 is there.
            Self(unsafe { _mm_cmpeq_epi8(self.0, Self::all(byte).0) })
        }

        #[inline]
        pub(crate) fn bits(self) -> u64 {
            // SAFETY: SSE2 is there.
            u64::from(unsafe { _mm_movemask_epi8(self.0) }.cast_unsigned())
        }
    }
}

#[cfg(any(
    test,
    not(any(
        target_arch = "x86_64",
        all(target_arch = "wasm32", target_feature = "simd128")
    ))
))]
mod plain {
    #[derive(Clone, Copy)]
    pub(crate) struct Lane(u128);

    impl Lane {
        pub(crate) fn of(bytes: &[u8; 16]) -> Self {
            Self(u128::from_le_bytes(*bytes))
        }

        pub(crate) fn all(byte: u8) -> Self {
            Self(u128::from_le_bytes([byte; 16]))
        }

        pub(crate) fn or(self, other: Self) -> Self {
            Self(self.0 | other.0)
        }

        pub(crate) fn equal(self, byte: u8) -> Self {
            let equal = |found: u8| if found == byte { 0xff } else { 0 };
            Self(u128::from_le_bytes(self.0.to_le_bytes().map(equal)))
        }

        pub(crate) fn bits(self) -> u64 {
            let bytes = self.0.to_le_bytes();
            bytes
                .iter()
                .rev()
                .fold(0, |bits, byte| bits << 1 | u64::from(byte >> 7))
        }
    }
}

#[cfg(not(any(
    target_arch = "x86_64",
    all(target_arch = "wasm32", target_feature = "simd128")
)))]
pub(crate) use plain::Lane;
#[cfg(any(
    target_arch = "x86_64",
    all(target_arch = "wasm32", target_feature = "simd128")
))]
pub(crate) use simd::Lane;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Lane, plain};

    proptest! {
        #[test]
        fn plain_lanes_do_what_this_target_does(bytes: [u8; 16], at in 0_usize..16, fold: u8) {
            let ours = Lane::of(&bytes).or(Lane::all(fold));
            let theirs = plain::Lane::of(&bytes).or(plain::Lane::all(fold));
            let byte = bytes[at] | fold;
            prop_assert_eq!(ours.bits(), theirs.bits());
            prop_assert_eq!(ours.equal(byte).bits(), theirs.equal(byte).bits());
            prop_assert_eq!(ours.equal(byte).bits() >> at & 1, 1);
        }
    }
}
