//! Exact decimal numbers: a 128-bit mantissa and a scale, every operation
//! checked. Nothing here goes through binary floating point.
//!
//! Sums keep the larger scale, products the sum of the scales, as in MySQL.
//! A quotient is rounded half away from zero at six digits beyond the larger
//! scale of its operands (MySQL: four beyond the dividend's), and loses the
//! zeros at its end down to that larger scale.

use std::cmp::Ordering;
use std::fmt;

/// Digits after the point, at most.
const MAX_SCALE: u32 = 38;
/// Below this ten times a number is a matter of 64 bits, which the sandbox
/// multiplies by itself.
const SMALL: i128 = 1 << 60;
/// Digits that a quotient has beyond those of its operands.
const QUOTIENT_EXTRA: u32 = 6;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Decimal {
    mantissa: i128,
    scale: u32,
}

impl Decimal {
    pub(crate) const ONE: Self = Self::from_int(1);
    pub(crate) const ZERO: Self = Self::from_int(0);

    pub(crate) const fn from_int(value: i64) -> Self {
        Self {
            mantissa: value as i128,
            scale: 0,
        }
    }

    pub(crate) fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// `-12.50`, `007`, `+3`, `.5`, `1e3`; none where it is no number or has
    /// more digits than fit.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.as_bytes() {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let (mut mantissa, mut scale, mut digits, mut point) = (0_i128, 0_u32, 0_u32, false);
        let mut bytes = rest.iter();
        let mut exponent = 0_i32;
        while let Some(byte) = bytes.next() {
            match byte {
                b'0'..=b'9' => {
                    let digit = byte - b'0';
                    mantissa = match mantissa {
                        0..SMALL => i128::from(mantissa as u64 * 10 + u64::from(digit)),
                        _ => mantissa.checked_mul(10)?.checked_add(digit.into())?,
                    };
                    digits += 1;
                    scale += u32::from(point);
                }
                b'.' if !point => point = true,
                b'e' | b'E' if digits > 0 => {
                    let text = std::str::from_utf8(bytes.as_slice()).ok()?;
                    exponent = text.parse().ok().filter(|e: &i32| e.abs() <= 76)?;
                    break;
                }
                _ => return None,
            }
        }
        if digits == 0 {
            return None;
        }
        let mantissa = if negative { -mantissa } else { mantissa };
        let scale = i64::from(scale) - i64::from(exponent);
        if scale < 0 {
            let factor = power(u32::try_from(-scale).ok()?)?;
            return Some(Self {
                mantissa: mantissa.checked_mul(factor)?,
                scale: 0,
            });
        }
        let scale = u32::try_from(scale)
            .ok()
            .filter(|scale| *scale <= MAX_SCALE)?;
        Some(Self { mantissa, scale })
    }

    /// A text that is written as an amount: no sign but a minus, no leading
    /// zero, no exponent, no blank. `0.0000` is one; the code `007` is none.
    pub(crate) fn amount(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
        let starts_well = match digits {
            [b'0'] | [b'0', b'.', ..] => true,
            [first, ..] => (b'1'..=b'9').contains(first),
            [] => false,
        };
        let plain = digits
            .iter()
            .all(|byte| byte.is_ascii_digit() || *byte == b'.');
        let ends_well = digits.last() != Some(&b'.');
        if starts_well && plain && ends_well {
            Self::parse(text)
        } else {
            None
        }
    }

    pub(crate) fn checked_add(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let mantissa = self.at_scale(scale)?.checked_add(other.at_scale(scale)?)?;
        Some(Self { mantissa, scale })
    }

    pub(crate) fn checked_neg(self) -> Option<Self> {
        Some(Self {
            mantissa: self.mantissa.checked_neg()?,
            ..self
        })
    }

    pub(crate) fn checked_sub(self, other: Self) -> Option<Self> {
        self.checked_add(other.checked_neg()?)
    }

    pub(crate) fn checked_mul(self, other: Self) -> Option<Self> {
        let scale = self.scale + other.scale;
        if scale > MAX_SCALE {
            return None;
        }
        Some(Self {
            mantissa: self.mantissa.checked_mul(other.mantissa)?,
            scale,
        })
    }

    /// None for a division by zero, too.
    pub(crate) fn checked_div(self, other: Self) -> Option<Self> {
        let least = self.scale.max(other.scale);
        let scale = least + QUOTIENT_EXTRA;
        if scale > MAX_SCALE {
            return None;
        }
        let numerator = self
            .mantissa
            .checked_mul(power(scale + other.scale - self.scale)?)?;
        let mantissa = divide_half_away(numerator, other.mantissa)?;
        Some(Self { mantissa, scale }.trimmed(least))
    }

    /// The remainder has the sign of the dividend. None for zero, too.
    pub(crate) fn checked_rem(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let mantissa = self.at_scale(scale)?.checked_rem(other.at_scale(scale)?)?;
        Some(Self { mantissa, scale })
    }

    pub(crate) fn abs(self) -> Option<Self> {
        Some(Self {
            mantissa: self.mantissa.checked_abs()?,
            ..self
        })
    }

    /// Rounds half away from zero; a negative `places` rounds before the point.
    /// A number with fewer places is left as it is.
    pub(crate) fn round(self, places: i64) -> Option<Self> {
        if places >= i64::from(self.scale) {
            return Some(self);
        }
        let cut = u32::try_from(i64::from(self.scale) - places).ok()?;
        let Some(factor) = power(cut) else {
            return Some(Self::ZERO);
        };
        let mantissa = divide_half_away(self.mantissa, factor)?;
        match u32::try_from(places) {
            Ok(scale) => Some(Self { mantissa, scale }),
            Err(_) => {
                let back = power(u32::try_from(-places).ok()?)?;
                Some(Self {
                    mantissa: mantissa.checked_mul(back)?,
                    scale: 0,
                })
            }
        }
    }

    /// Cuts behind so many places, toward zero.
    pub(crate) fn truncate(self, places: i64) -> Option<Self> {
        if places >= i64::from(self.scale) {
            return Some(self);
        }
        let cut = u32::try_from(i64::from(self.scale) - places).ok()?;
        let Some(factor) = power(cut) else {
            return Some(Self::ZERO);
        };
        let mantissa = self.mantissa - self.mantissa % factor;
        Self { mantissa, ..self }.round(places)
    }

    pub(crate) fn floor(self) -> Option<Self> {
        let mantissa = self.mantissa.div_euclid(power(self.scale)?);
        Some(Self { mantissa, scale: 0 })
    }

    pub(crate) fn ceil(self) -> Option<Self> {
        self.checked_neg()?.floor()?.checked_neg()
    }

    /// The whole number that it is; none where it has a fraction.
    pub(crate) fn whole(self) -> Option<i128> {
        let factor = power(self.scale)?;
        (self.mantissa % factor == 0).then_some(self.mantissa / factor)
    }

    fn at_scale(self, scale: u32) -> Option<i128> {
        self.mantissa.checked_mul(power(scale - self.scale)?)
    }

    fn trimmed(mut self, least: u32) -> Self {
        while self.scale > least && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.scale -= 1;
        }
        self
    }
}

fn power(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

fn divide_half_away(numerator: i128, denominator: i128) -> Option<i128> {
    let quotient = numerator.checked_div(denominator)?;
    let rest = numerator.checked_rem(denominator)?.unsigned_abs();
    if rest >= denominator.unsigned_abs() - rest {
        let away = if (numerator < 0) == (denominator < 0) {
            1
        } else {
            -1
        };
        return quotient.checked_add(away);
    }
    Some(quotient)
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.scale == other.scale || self.mantissa == 0 || other.mantissa == 0 {
            return self.mantissa.cmp(&other.mantissa);
        }
        // Both powers exist, since no scale passes 38; a fraction brought to
        // the larger scale stays below ten to that scale.
        let parts = |value: &Self, scale: u32| {
            let one = power(value.scale).unwrap_or(1);
            let fraction = (value.mantissa % one) * power(scale - value.scale).unwrap_or(1);
            (value.mantissa / one, fraction)
        };
        let scale = self.scale.max(other.scale);
        parts(self, scale).cmp(&parts(other, scale))
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let digits = self.mantissa.unsigned_abs();
        if self.scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let one = 10_u128.pow(self.scale);
        let width = self.scale as usize;
        write!(f, "{sign}{}.{:0width$}", digits / one, digits % one)
    }
}
