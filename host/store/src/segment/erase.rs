//! Writes over single lines of segment files, and leaves the lines beside them
//! readable: a line's place is taken by one of the same length and, as far as
//! the checksum of what was appended with it goes, of the same value.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::FileExt as _;

use duijie_record::Scope;
use memchr::memmem::Finder;

use super::owners::{self, Owned};
use super::{Found, Segments};
use crate::seal::{bound_of, is_sealed};
use crate::table::{damaged, io_error};
use crate::{Error, LineRef, SegmentRef};

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
    /// What open intents send stays.
    pub(crate) needed: Vec<SegmentRef>,
    /// And so do the records that they were made of.
    pub(crate) needed_lines: Vec<LineRef>,
}

impl Erasing {
    fn is_needed(&self, stretch: &SegmentRef) -> bool {
        self.needed.iter().any(|one| {
            (one.kind, one.file) == (stretch.kind, stretch.file)
                && one.offset < stretch.offset.saturating_add(stretch.bytes)
                && stretch.offset < one.offset.saturating_add(one.bytes)
        })
    }

    /// Stretches of the scope in a file, and those that lines are known to be
    /// in. What a row leads to may be another's by now, and is looked at only
    /// where it is not known to be.
    fn stretches(&self, found: &Found, owned: &[Owned]) -> Vec<Stretch> {
        let scope = owners::print(&self.scope);
        let place = |offset, bytes| SegmentRef {
            kind: found.kind,
            file: found.number,
            offset,
            bytes,
            crc: 0,
        };
        let own = owned.iter().filter(|one| one.scope == scope);
        let own = own.map(|one| Stretch {
            place: place(one.offset, one.bytes),
            is_own: true,
        });
        let named = self.lines.iter().map(|line| &line.segment);
        let named = named.filter(|one| (one.kind, one.file) == (found.kind, found.number));
        let named = named
            .filter(|one| owners::is_free(owned, one.offset, one.offset.saturating_add(one.bytes)));
        let named: BTreeSet<_> = named.map(|one| (one.offset, one.bytes)).collect();
        let named = named.into_iter().map(|(offset, bytes)| Stretch {
            place: place(offset, bytes),
            is_own: false,
        });
        own.chain(named)
            .filter(|one| one.place.offset.saturating_add(one.place.bytes) <= found.bytes)
            .filter(|one| !self.is_needed(&one.place))
            .collect()
    }
}

/// What was appended at once.
struct Stretch {
    /// Without its checksum.
    place: SegmentRef,
    /// Known to be the scope's; else a row of the scope says so.
    is_own: bool,
}

impl Stretch {
    /// Numbers of the lines that are in it.
    fn numbers(&self, lines: &[LineRef], is_it: impl Fn(&SegmentRef) -> bool) -> Vec<usize> {
        let place = |one: &SegmentRef| (one.kind, one.file, one.offset, one.bytes);
        let lines = lines
            .iter()
            .filter(|line| place(&line.segment) == place(&self.place) && is_it(&line.segment));
        lines
            .filter_map(|line| usize::try_from(line.line).ok())
            .collect()
    }
}

/// Whether the word stands in the line.
fn has(line: &[u8], word: &Finder<'_>) -> bool {
    let length = word.needle().len();
    let stands = |at: usize| {
        let around = [
            at.checked_sub(1).and_then(|at| line.get(at)),
            line.get(at + length),
        ];
        let mut around = around.into_iter();
        match length {
            LONG_WORD.. => true,
            0..=SHORT_WORD => around.all(|byte| matches!(byte, Some(b'"' | b'\\'))),
            _ => around.all(|byte| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric())),
        }
    };
    let mut from = 0;
    while let Some(at) = line.get(from..).and_then(|rest| word.find(rest)) {
        if length > 0 && stands(from + at) {
            return true;
        }
        from += at + 1;
    }
    false
}

/// Whether the line is what an erased one became: of no record any more.
pub fn is_erased(line: &[u8]) -> bool {
    let letters = line.strip_prefix(HEAD).and_then(|rest| {
        let (letters, rest) = rest.split_at_checked(LETTERS)?;
        let blank = rest.strip_prefix(TAIL)?;
        blank.iter().all(|byte| *byte == b' ').then_some(letters)
    });
    letters.is_some_and(|letters| {
        letters
            .iter()
            .all(|byte| byte >> FREE_BITS == LETTER >> FREE_BITS)
    })
}

impl Segments {
    /// How many lines were written over; those of an earlier time are not
    /// counted again. Others append meanwhile, behind what is looked at, and
    /// nobody drops files.
    pub(crate) fn erase(&self, erasing: &Erasing) -> Result<u64, Error> {
        let words = erasing.words.iter().filter(|word| !word.is_empty());
        let words: Vec<Finder<'_>> = words.map(Finder::new).collect();
        let mut lines = 0;
        for found in self.files() {
            lines += self.erase_in(erasing, &words, &found)?;
        }
        Ok(lines)
    }

    fn erase_in(
        &self,
        erasing: &Erasing,
        words: &[Finder<'_>],
        found: &Found,
    ) -> Result<u64, Error> {
        let owned = owners::read(&self.beside(found.kind, found.number))?;
        let path = self.path(found.kind, found.number);
        let failed = |error| io_error("writing over a segment", &path)(error);
        let file = File::options().read(true).write(true).open(&path);
        let file = file.map_err(failed)?;
        let mut lines = 0;
        for stretch in erasing.stretches(found, &owned) {
            let (offset, bytes) = (stretch.place.offset, stretch.place.bytes);
            let mut data = vec![0; usize::try_from(bytes).unwrap_or_default()];
            file.read_exact_at(&mut data, offset).map_err(failed)?;
            if let Some((data, erased)) = self.erased(erasing, words, &stretch, data)? {
                file.write_all_at(&data, offset).map_err(failed)?;
                lines += erased;
            }
        }
        if lines > 0 {
            file.sync_data().map_err(failed)?;
        }
        Ok(lines)
    }

    /// What takes the place of an entry, in as many bytes, and how many lines
    /// went; `None` where none did.
    fn erased(
        &self,
        erasing: &Erasing,
        words: &[Finder<'_>],
        stretch: &Stretch,
        stored: Vec<u8>,
    ) -> Result<Option<(Vec<u8>, u64)>, Error> {
        let (sealed, bytes) = (is_sealed(&stored), stored.len());
        let (scope, bound) = (&erasing.scope, bound_of(stretch.place.kind));
        let closed = |reason: &str| damaged(&self.folder, reason.to_owned());
        let mut data = match self.seals.open(scope, bound, stored, closed) {
            // Nobody reads it again, and nobody can tell whose words it has.
            Err(Error::Damaged { .. }) if stretch.is_own => {
                return Ok(Some((vec![b' '; bytes], 1)));
            }
            Err(Error::Damaged { .. }) => return Ok(None),
            opened => opened?,
        };
        let crc = crc32fast::hash(&data);
        let named = stretch.numbers(&erasing.lines, |segment| segment.crc == crc);
        let has_word = words.iter().any(|word| word.find(&data).is_some());
        // A row that led here does not mean these bytes.
        if named.is_empty() && !(stretch.is_own && has_word) {
            return Ok(None);
        }
        let stays = stretch.numbers(&erasing.needed_lines, |_| true);
        let erased = erase_lines(&mut data, |number, line| {
            !stays.contains(&number)
                && (named.contains(&number) || words.iter().any(|word| has(line, word)))
        });
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
        if !line.is_empty() && !is_erased(line) && hit(number, line) {
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

    use memchr::memmem::Finder;

    use super::{erase_lines, is_erased};

    fn has(line: &[u8], word: &[u8]) -> bool {
        super::has(line, &Finder::new(word))
    }

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

    #[test]
    fn only_what_an_erased_line_becomes_is_erased() {
        let mut line = br#"{"no":"CK20251001","receiver":"Wang"}"#.to_vec();
        assert!(!is_erased(&line));
        erase_lines(&mut line, |_, _| true);
        assert!(is_erased(&line), "{}", String::from_utf8_lossy(&line));
        for record in [
            r#"{"erased":"N","no":"CK20251001"}"#,
            r#"{"erased":"@@@@@@@@@@@@","no":"1"}"#,
            r#"{"erased":"abcdefghijkl"}"#,
            r#"{"erased":""#,
            "",
        ] {
            assert!(!is_erased(record.as_bytes()), "{record}");
        }
        let mut record = br#"{"erased":"N","no":"CK20251001"}"#.to_vec();
        assert_eq!(erase_lines(&mut record, |_, _| true), 1);
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
