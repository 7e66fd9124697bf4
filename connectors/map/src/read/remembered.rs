//! Keys as they stood in the record before, and the quick way over members that
//! come again. What it does not know it leaves to the reader.

use super::Slot;
use crate::layout::{Key, NONE};
use crate::scan::{self, Kind, chunk};

/// Bytes of a member that are looked at together.
const WINDOW: usize = 48;

/// A member as it stood in the record before, from its comma to the end of its
/// value. A byte fits where it differs from `bytes` (by exclusive or) by no
/// more than `slack`: in the key and at the value's quotes by nothing, inside
/// the value by all that ends no plain string (in a number, by what makes other
/// digits), and behind it by anything.
#[derive(Debug)]
pub(super) struct Remembered {
    bytes: [u8; WINDOW],
    slack: [u8; WINDOW],
    /// Bytes up to the end of the value; zero where no value is remembered. Then
    /// nothing fits that is text.
    whole: usize,
    /// Bytes of the key: its comma, quotes, colon and blanks included.
    pub(super) len: usize,
    /// One bit for each of them.
    bits: u32,
    /// Index among the table's keys, or `NONE`.
    pub(super) key: u16,
}

impl Remembered {
    /// `raw` begins with its comma or brace. None for a key that is too long to
    /// be worth it.
    pub(super) fn new(raw: &[u8], key: u16) -> Option<Self> {
        let (len, mut bytes) = (raw.len(), [chunk::TURN; WINDOW]);
        bytes.get_mut(..len)?.copy_from_slice(raw);
        *bytes.first_mut()? = b',';
        Some(Self {
            bytes,
            slack: [0; WINDOW],
            whole: 0,
            len,
            bits: 1u32.checked_shl(u32::try_from(len).ok()?)? - 1,
            key,
        })
    }

    /// Whether the key stands there; `first` where a brace stands before it,
    /// which is known already.
    #[inline(always)]
    pub(super) fn stands_at(&self, bytes: &[u8], at: usize, first: bool) -> bool {
        let Some(window) = bytes.get(at..).and_then(<[u8]>::first_chunk::<WINDOW>) else {
            return self.ends_at(bytes, at, first);
        };
        let ([low, high, _], [own_low, own_high, _]) = (chunks(window), chunks(&self.bytes));
        let differ = chunk::differ(low, own_low) | chunk::differ(high, own_high) << 16;
        differ & self.bits & !u32::from(first) == 0
    }

    /// The same so near the end of the bytes that no whole window is left.
    #[cold]
    fn ends_at(&self, bytes: &[u8], at: usize, first: bool) -> bool {
        let skip = usize::from(first);
        let own = self.bytes.get(skip..self.len);
        own.is_some() && bytes.get(at + skip..at + self.len) == own
    }

    /// Whether the key and a plain string just as long as before stand there.
    #[inline(always)]
    fn fits(&self, window: &[u8; WINDOW]) -> bool {
        let ([a, b, c], own, slack) = (chunks(window), chunks(&self.bytes), chunks(&self.slack));
        let ([own_a, own_b, own_c], [slack_a, slack_b, slack_c]) = (own, slack);
        chunk::fit([a, b], [own_a, own_b], [slack_a, slack_b])
            && (self.whole < 32 || chunk::fit([c], [own_c], [slack_c]))
    }

    /// Steps over the member where its key stands and its value is no container,
    /// and keeps the value: in its slot, or else its length. Its end, or zero
    /// where it stays for the whole grammar.
    #[inline(never)]
    fn step(&mut self, rest: &[u8], at: usize, keys: &[Key], row: &mut [Slot]) -> usize {
        if !self.stands_at(rest, 0, false) {
            return 0;
        }
        let Ok((end, kind)) = scan::value(rest, self.len, 0) else {
            return 0;
        };
        if self.key == NONE {
            match kind {
                Kind::Ascii | Kind::Wide => self.learn(end),
                Kind::Number => self.learn_number(rest, end),
                _ => {}
            }
            return end;
        }
        let Some(key) = keys.get(usize::from(self.key)) else {
            return 0;
        };
        if key.list != NONE {
            return 0;
        }
        if let Some(slot) = row.get_mut(usize::from(key.slot)) {
            *slot = Slot::new(at + self.len, at + end, kind);
        }
        end
    }

    /// Keeps that the value was a plain string that ended there.
    fn learn(&mut self, whole: usize) {
        let start = START.get(WINDOW - 1 - self.len..);
        let end = END.get((WINDOW + 1).saturating_sub(whole)..);
        if whole <= WINDOW
            && let (Some(start), Some(end)) = (start, end)
        {
            let places = self.bytes.iter_mut().zip(&mut self.slack);
            for ((byte, slack), (start, end)) in places.zip(start.iter().zip(end)) {
                (*byte, *slack) = (*byte & !start | chunk::TURN & start, start & end);
            }
            for at in [self.len, whole - 1] {
                if let Some(place) = self.bytes.get_mut(at) {
                    *place = b'"';
                }
            }
            self.whole = whole;
        }
    }

    /// Keeps a number that ended there: its digits may be others, but for the
    /// first, since no number has a zero too many; and a comma must follow.
    fn learn_number(&mut self, rest: &[u8], whole: usize) {
        let number = rest.get(self.len..=whole).unwrap_or_default();
        if whole >= WINDOW || number.last() != Some(&b',') {
            return;
        }
        let first = number.iter().position(u8::is_ascii_digit);
        let places = self.bytes.iter_mut().zip(&mut self.slack).enumerate();
        for (at, (byte, slack)) in places {
            let found = at.checked_sub(self.len).map(|at| (at, number.get(at)));
            (*byte, *slack) = match found {
                None => (*byte, 0),
                Some((_, None)) => (0, 0xff),
                Some((at, Some(b'0'..=b'9'))) if Some(at) > first => (b'0', 9),
                Some((_, Some(exact))) => (*exact, 0),
            };
        }
        self.whole = whole;
    }
}

/// Slack of a key of `WINDOW` bytes, and behind it.
const START: [u8; 2 * WINDOW] = {
    let mut slack = [0xff; 2 * WINDOW];
    slack.split_at_mut(WINDOW).0.copy_from_slice(&[0; WINDOW]);
    slack
};
/// Slack of a value of `WINDOW` bytes, of the quote after it, and behind it.
const END: [u8; 2 * WINDOW] = {
    let mut slack = [0xff; 2 * WINDOW];
    slack
        .split_at_mut(WINDOW)
        .0
        .copy_from_slice(&[chunk::PLAIN; WINDOW]);
    slack[WINDOW] = 0;
    slack
};

#[inline(always)]
fn chunks(window: &[u8; WINDOW]) -> [&[u8; 16]; 3] {
    match window.as_chunks() {
        ([low, high, last], _) => [low, high, last],
        _ => [&[0; 16]; 3],
    }
}

/// Steps over members as long as their keys come as they did before and their
/// values are no containers, and fills the slots of a row on the way. What it
/// leaves is for the whole grammar. The index where a member ended and the turn
/// of the next one.
#[inline(never)]
pub(super) fn known(
    bytes: &[u8],
    (at, mut turn): (usize, usize),
    (keys, remembered): (&[Key], &mut [Remembered]),
    row: &mut [Slot],
) -> (usize, usize) {
    let mut rest = bytes.get(at..).unwrap_or_default();
    for next in remembered.get_mut(turn..).unwrap_or_default() {
        let Some(window) = rest.first_chunk::<WINDOW>() else {
            break;
        };
        let mut whole = next.whole;
        if !next.fits(window) {
            whole = next.step(rest, bytes.len() - rest.len(), keys, row);
            if whole == 0 {
                break;
            }
        }
        let Some(after) = rest.get(whole..) else {
            break;
        };
        (rest, turn) = (after, turn + 1);
    }
    (bytes.len() - rest.len(), turn)
}
