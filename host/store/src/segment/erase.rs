//! Writes over single lines of segment files, and leaves the lines beside them
//! readable: a line's place is taken by one of the same length and, as far as
//! the checksum of what was appended with it goes, of the same value.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use duijie_record::Scope;

use super::owners::{self, Owned};
use super::{Found, Segments};
use crate::seal::{bound_of, is_sealed};
use crate::table::{damaged, io_error};
use crate::{Error, LineRef, SegmentKind, SegmentRef};

/// Shorter words count only where they stand by themselves, and those that are
/// shorter still, which may be any amount, only as a text of their own.
const LONG_WORD: usize = 10;
const SHORT_WORD: usize = 5;
const HEAD: &[u8] = br#"{"erased":""#;
const TAIL: &[u8] = br#""}"#;
/// Letters whose last four bits are free: 48 of them, of which a checksum
/// takes 32.
const LETTERS: usize = 12;
const FREE_BITS: usize = 4;
/// `@` to `O`.
const LETTER: u8 = b'@';

/// What to write over.
pub(crate) struct Erasing {
    pub(crate) scope: Scope,
    /// Every line of the scope in which one of these stands.
    pub(crate) words: Vec<String>,
    /// These lines as well.
    pub(crate) lines: Vec<LineRef>,
    /// What open intents need stays.
    pub(crate) needed: Vec<SegmentRef>,
}

impl Erasing {
    fn is_hit(&self, found: &Found, offset: u64, number: usize, line: &[u8]) -> bool {
        let named = |one: &LineRef| {
            let segment = &one.segment;
            (segment.kind, segment.file, segment.offset) == (found.kind, found.number, offset)
                && usize::try_from(one.line).is_ok_and(|line| line == number)
        };
        self.lines.iter().any(named) || self.words.iter().any(|word| has(line, word.as_bytes()))
    }

    fn is_needed(&self, found: &Found, offset: u64) -> bool {
        self.needed.iter().any(|segment| {
            (segment.kind, segment.file, segment.offset) == (found.kind, found.number, offset)
        })
    }

    /// Stretches of the scope in a file, and those that lines are known to be
    /// in.
    fn stretches(&self, found: &Found, owned: &[Owned]) -> Vec<(u64, u64)> {
        let scope = owners::print(&self.scope);
        let own = owned.iter().filter(|one| one.scope == scope);
        let mut stretches: Vec<(u64, u64)> = own.map(|one| (one.offset, one.bytes)).collect();
        let named = self.lines.iter().map(|line| &line.segment);
        let named = named.filter(|one| (one.kind, one.file) == (found.kind, found.number));
        stretches.extend(named.map(|one| (one.offset, one.bytes)));
        stretches.sort_unstable();
        stretches.dedup();
        stretches
    }
}

/// Whether the word stands in the line.
fn has(line: &[u8], word: &[u8]) -> bool {
    let stands = |at: usize| {
        let around = [
            at.checked_sub(1).and_then(|at| line.get(at)),
            line.get(at + word.len()),
        ];
        let mut around = around.into_iter();
        match word.len() {
            LONG_WORD.. => true,
            0..=SHORT_WORD => around.all(|byte| matches!(byte, Some(b'"' | b'\\'))),
            _ => around.all(|byte| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric())),
        }
    };
    let mut found = line.windows(word.len().max(1)).enumerate();
    !word.is_empty() && found.any(|(at, window)| window == word && stands(at))
}

impl Segments {
    /// How many lines were written over; those of an earlier time are not
    /// counted again.
    pub(crate) fn erase(&self, erasing: &Erasing) -> Result<u64, Error> {
        let _nobody_appends = self.state();
        let mut lines = 0;
        for found in self.files() {
            let owned = owners::read(&self.beside(found.kind, found.number))?;
            let path = self.path(found.kind, found.number);
            let failed = |error| io_error("writing over a segment", &path)(error);
            let file = File::options().read(true).write(true).open(&path);
            let file = file.map_err(failed)?;
            let before = lines;
            for (offset, bytes) in erasing.stretches(&found, &owned) {
                let within = offset.saturating_add(bytes) <= found.bytes;
                if !within || erasing.is_needed(&found, offset) {
                    continue;
                }
                let mut data = vec![0; usize::try_from(bytes).unwrap_or_default()];
                file.read_exact_at(&mut data, offset).map_err(failed)?;
                let hit = |number: usize, line: &[u8]| erasing.is_hit(&found, offset, number, line);
                let written = self.erased(&erasing.scope, found.kind, data, hit)?;
                if let Some((data, erased)) = written {
                    file.write_all_at(&data, offset).map_err(failed)?;
                    lines += erased;
                }
            }
            if lines > before {
                file.sync_data().map_err(failed)?;
            }
        }
        Ok(lines)
    }

    /// What takes the place of an entry, in as many bytes, and how many lines
    /// went; `None` where none did.
    fn erased(
        &self,
        scope: &Scope,
        kind: SegmentKind,
        stored: Vec<u8>,
        hit: impl Fn(usize, &[u8]) -> bool,
    ) -> Result<Option<(Vec<u8>, u64)>, Error> {
        let (sealed, bytes) = (is_sealed(&stored), stored.len());
        let bound = bound_of(kind);
        let closed = |reason: &str| damaged(&self.folder, reason.to_owned());
        let mut data = match self.seals.open(scope, bound, stored, closed) {
            // Nobody reads it again, and nobody can tell whose words it has.
            Err(Error::Damaged { .. }) => return Ok(Some((vec![b' '; bytes], 1))),
            opened => opened?,
        };
        let erased = erase_lines(&mut data, hit);
        if sealed && erased > 0 {
            data = self.seals.seal(scope, bound, &data)?.into_owned();
        }
        Ok((erased > 0).then_some((data, erased)))
    }
}

fn erase_lines(data: &mut [u8], hit: impl Fn(usize, &[u8]) -> bool) -> u64 {
    let mut erased = 0;
    let mut rest = data;
    let mut number = 0;
    while !rest.is_empty() {
        let length = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(rest.len());
        let line = rest.get(..length).unwrap_or_default();
        if !line.is_empty() && !line.starts_with(HEAD) && hit(number, line) {
            write_over(rest, length);
            erased += 1;
        }
        rest = rest.get_mut(length + 1..).unwrap_or_default();
        number += 1;
    }
    erased
}

/// Writes over the first `length` bytes so that the checksum of all of them,
/// and of whatever stands before them, is what it was. A line too short for
/// that becomes blanks, and nothing that was appended with it is read again.
fn write_over(data: &mut [u8], length: usize) {
    let before = crc32fast::hash(data);
    let least = HEAD.len() + LETTERS + TAIL.len();
    let Some(line) = data.get_mut(..length) else {
        return;
    };
    line.fill(b' ');
    if length < least {
        return;
    }
    let text = [HEAD, &[LETTER; LETTERS], TAIL].concat();
    if let Some(place) = line.get_mut(..least) {
        place.copy_from_slice(&text);
    }
    let now = crc32fast::hash(data);
    let bits: Vec<u32> = (0..LETTERS * FREE_BITS)
        .map(|bit| effect(data.len(), HEAD.len() + bit / FREE_BITS, bit % FREE_BITS))
        .collect();
    for bit in flips(&bits, before ^ now) {
        if let Some(letter) = data.get_mut(HEAD.len() + bit / FREE_BITS) {
            *letter ^= 1 << (bit % FREE_BITS);
        }
    }
}

/// By what the checksum of `length` bytes changes with this bit of the byte at
/// `at`, whatever all others are.
fn effect(length: usize, at: usize, bit: usize) -> u32 {
    let mut tail = vec![0_u8; length - at];
    let without = crc32fast::hash(&tail);
    if let Some(first) = tail.first_mut() {
        *first = 1 << bit;
    }
    crc32fast::hash(&tail) ^ without
}

/// Which of these effects give `wanted` together; none where they cannot.
fn flips(effects: &[u32], wanted: u32) -> Vec<usize> {
    // By their highest bit: a sum of effects, and which they are.
    let mut basis = [(0_u32, 0_u64); 32];
    let reduce = |basis: &[(u32, u64); 32], mut sum: u32, mut of: u64| {
        for (value, parts) in basis.iter().rev() {
            if *value != 0 && sum.leading_zeros() == value.leading_zeros() {
                sum ^= value;
                of ^= parts;
            }
        }
        (sum, of)
    };
    for (number, effect) in effects.iter().enumerate() {
        let (sum, of) = reduce(&basis, *effect, 1 << number);
        let place = basis.get_mut(31_usize.wrapping_sub(sum.leading_zeros() as usize));
        if let Some(place) = place {
            *place = (sum, of);
        }
    }
    match reduce(&basis, wanted, 0) {
        (0, of) => (0..effects.len())
            .filter(|bit| of >> bit & 1 == 1)
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{erase_lines, has};

    #[test]
    fn a_short_word_is_no_part_of_another() {
        assert!(has(b"{\"no\":\"12\"}", b"12"));
        assert!(!has(b"{\"no\":\"112\"}", b"12"));
        assert!(!has(b"{\"amount\":12}", b"12"));
        assert!(has(b"{\\\"no\\\":\\\"12\\\"}", b"12"));
        assert!(has(b"x=CK-100&y", b"CK-100"));
        assert!(!has(b"x=CK-1001", b"CK-100"));
        assert!(has(b"x%22CK20251001%22", b"CK20251001"));
        assert!(!has(b"anything", b""));
    }

    proptest! {
        #[test]
        fn the_others_stay_and_so_does_the_checksum(
            lines in prop::collection::vec("[a-z{}\":]{25,60}", 1..8),
            at in 0_usize..8,
        ) {
            let at = at % lines.len();
            let mut data = lines.join("\n").into_bytes();
            let checksum = crc32fast::hash(&data);
            let erased = erase_lines(&mut data, |number, _| number == at);
            prop_assert_eq!(erased, 1);
            prop_assert_eq!(crc32fast::hash(&data), checksum);
            let text = String::from_utf8(data).unwrap();
            for (number, (now, before)) in text.split('\n').zip(&lines).enumerate() {
                prop_assert_eq!(now.len(), before.len());
                prop_assert_eq!(number == at, now != before);
            }
            let told = text.split('\n').nth(at).unwrap().trim_end();
            let inside = told.strip_prefix("{\"erased\":\"").unwrap().strip_suffix("\"}").unwrap();
            prop_assert!(inside.bytes().all(|letter| letter.is_ascii_uppercase() || letter == b'@'));
        }
    }
}
