//! Decimal numbers of any length: added and compared, no digit lost.

use std::cmp::Ordering;
use std::fmt;

use num_bigint::BigInt;

/// `digits` × 10^-`scale`.
#[derive(Debug, Clone, Default)]
pub(super) struct Decimal {
    digits: BigInt,
    scale: u32,
}

/// Longer numbers are none that anybody counts with.
const LONGEST: usize = 200;

impl Decimal {
    /// A JSON number, or the same with a plus sign or leading zeros.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let unsigned = whole.strip_prefix(['-', '+']).unwrap_or(whole);
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let dangling = number.contains('.') && fraction.is_empty();
        if unsigned.is_empty() || dangling || !is_digits(unsigned) || !is_digits(fraction) {
            return None;
        }
        let digits: BigInt = format!("{whole}{fraction}").parse().ok()?;
        let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        let longest = i32::try_from(LONGEST).ok()?;
        if scale.abs() > longest {
            return None;
        }
        Some(match u32::try_from(scale) {
            Ok(scale) => Self { digits, scale },
            Err(_) => Self {
                digits: digits * BigInt::from(10).pow(scale.unsigned_abs()),
                scale: 0,
            },
        })
    }

    /// As many digits behind the point as the number with most of them has.
    pub(super) fn add(self, other: &Self) -> Self {
        let scale = self.scale.max(other.scale);
        Self {
            digits: self.at(scale) + other.at(scale),
            scale,
        }
    }

    fn at(&self, scale: u32) -> BigInt {
        &self.digits * BigInt::from(10).pow(scale.saturating_sub(self.scale))
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        self.at(scale).cmp(&other.at(scale))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = usize::try_from(self.scale).unwrap_or(0);
        let digits = self.digits.magnitude().to_string();
        let digits = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        if self.digits.sign() == num_bigint::Sign::Minus {
            formatter.write_str("-")?;
        }
        formatter.write_str(whole)?;
        match fraction {
            "" => Ok(()),
            fraction => write!(formatter, ".{fraction}"),
        }
    }
}
