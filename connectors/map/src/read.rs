//! The one pass over a record: checks its grammar, fills the slots that the
//! layout names, and steps over everything else. Keys come in the same order in
//! most records, so each key is compared first with the one that stood here
//! before; only a surprise is looked up by name.

mod remembered;

use self::remembered::{Remembered, known};
use crate::layout::{HEAD, Key, Layout, NONE};
use crate::scan::{self, DEPTH, Kind, Malformed, Scanned, malformed};
use crate::text;

/// What a slot holds: a stretch of the record, or rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slot {
    /// First byte; for rows and links the index of a row's first slot.
    pub(crate) start: u32,
    /// After the last byte; for rows their number.
    pub(crate) end: u32,
    pub(crate) kind: Kind,
}

impl Slot {
    fn new(start: usize, end: usize, kind: Kind) -> Self {
        Self {
            start: start as u32,
            end: end as u32,
            kind,
        }
    }
}

/// Keys remembered for a table, at most.
const REMEMBERED: usize = 512;
/// How far ahead a key is looked for when some were left out.
const AHEAD: usize = 8;

#[derive(Debug)]
struct Table {
    keys: Vec<Key>,
    slots: usize,
    remembered: Vec<Remembered>,
}

/// Fills slots, record by record.
#[derive(Debug)]
pub(crate) struct Reader {
    tables: Vec<Table>,
    slots: Vec<Slot>,
}

impl Reader {
    pub(crate) fn new(layout: Layout) -> Self {
        let table = |table: crate::layout::Table| Table {
            keys: table.keys,
            slots: usize::from(table.slots),
            remembered: Vec::new(),
        };
        Self {
            tables: layout.tables.into_iter().map(table).collect(),
            slots: Vec::new(),
        }
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Reads the record whose object begins at `at`; the index after it.
    pub(crate) fn record(&mut self, bytes: &[u8], at: usize) -> Scanned<usize> {
        self.slots.clear();
        self.add_row(HEAD);
        let end = self.object(bytes, at, HEAD, 0, DEPTH)?;
        let end = scan::blanks(bytes, end);
        match bytes.get(end) {
            None | Some(b'\n') => Ok(end),
            _ => malformed(end, "the end of the line"),
        }
    }

    fn add_row(&mut self, table: u16) -> usize {
        let row = self.slots.len();
        let slots = self
            .tables
            .get(usize::from(table))
            .map_or(1, |table| table.slots);
        self.slots.resize(row + slots, Slot::default());
        row
    }

    fn object(
        &mut self,
        bytes: &[u8],
        at: usize,
        table: u16,
        row: usize,
        depth: u32,
    ) -> Scanned<usize> {
        let Some(depth) = depth.checked_sub(1) else {
            return malformed(at, "fewer levels of objects and arrays");
        };
        if bytes.get(at) != Some(&b'{') {
            return malformed(at, "an object");
        }
        let inside = scan::blanks(bytes, at + 1);
        if bytes.get(inside) == Some(&b'}') {
            return Ok(inside + 1);
        }
        let table = usize::from(table);
        // `at` is the brace, and then the end of the value before.
        let (mut at, mut first, mut turn) = (at, true, 0);
        loop {
            let remembered = match self.tables.get_mut(table) {
                Some(table) if !first => {
                    let row = self.slots.get_mut(row..row + table.slots);
                    let keys = (&table.keys[..], &mut table.remembered[..]);
                    (at, turn) = known(bytes, (at, turn), keys, row.unwrap_or_default());
                    &table.remembered
                }
                Some(table) => &table.remembered,
                None => &Vec::new(),
            };
            let key = match remembered.get(turn) {
                Some(remembered) if remembered.stands_at(bytes, at, first) => {
                    at += remembered.len;
                    remembered.key
                }
                _ if bytes.get(at) == Some(&b'}') => return Ok(at + 1),
                _ => {
                    let found = self.surprise(bytes, at, first, table, turn)?;
                    (at, turn) = (found.at, found.turn);
                    match found.key {
                        Some(key) => key,
                        None => return Ok(at),
                    }
                }
            };
            (first, turn) = (false, turn.wrapping_add(1));
            if let Some(b' ' | b'\t' | b'\r') = bytes.get(at) {
                at = scan::blanks(bytes, at);
            }
            at = if key == NONE {
                scan::value(bytes, at, depth)?.0
            } else {
                self.wanted(bytes, at, (table, key), row, depth)?
            };
        }
    }

    /// A value that rules read.
    #[inline(always)]
    fn wanted(
        &mut self,
        bytes: &[u8],
        at: usize,
        (table, key): (usize, u16),
        row: usize,
        depth: u32,
    ) -> Scanned<usize> {
        let key = self
            .tables
            .get(table)
            .and_then(|table| table.keys.get(usize::from(key)));
        let (slot, rows, list) =
            key.map_or((NONE, NONE, NONE), |key| (key.slot, key.rows, key.list));
        let (end, kind) = if list == NONE {
            scan::value(bytes, at, depth)?
        } else {
            self.list(bytes, at, list, row + usize::from(rows), depth)?
        };
        if slot != NONE {
            self.fill(row + usize::from(slot), at, end, kind);
        }
        Ok(end)
    }

    #[inline(always)]
    fn fill(&mut self, slot: usize, start: usize, end: usize, kind: Kind) {
        if let Some(slot) = self.slots.get_mut(slot) {
            *slot = Slot::new(start, end, kind);
        }
    }

    /// The rows of a list. A single object counts as a list of one row. What
    /// is neither leaves its own kind in the rows' slot, for the writer to judge.
    fn list(
        &mut self,
        bytes: &[u8],
        at: usize,
        list: u16,
        rows: usize,
        depth: u32,
    ) -> Scanned<(usize, Kind)> {
        let Some(inner) = depth.checked_sub(1) else {
            return malformed(at, "fewer levels of objects and arrays");
        };
        match bytes.get(at) {
            Some(b'{') => {
                let row = self.add_row(list);
                let end = self.object(bytes, at, list, row, depth)?;
                self.fill(rows, row, 1, Kind::Rows);
                return Ok((end, Kind::Object));
            }
            Some(b'[') => {}
            _ => {
                let (end, kind) = scan::value(bytes, at, depth)?;
                self.fill(rows, at, end, kind);
                return Ok((end, kind));
            }
        }
        let first = self.slots.len();
        self.fill(rows, first, 0, Kind::Rows);
        let mut next = scan::blanks(bytes, at + 1);
        if bytes.get(next) == Some(&b']') {
            return Ok((next + 1, Kind::Array));
        }
        let (mut count, mut sound) = (0, true);
        let mut link = None;
        loop {
            let end = if bytes.get(next) == Some(&b'{') {
                let row = self.add_row(list);
                if let Some(link) = link {
                    self.fill(link, row, 0, Kind::Rows);
                }
                link = Some(row);
                self.object(bytes, next, list, row, inner)?
            } else {
                sound = false;
                scan::value(bytes, next, inner)?.0
            };
            count += 1;
            match scan::after(bytes, end, b']')? {
                (end, true) => {
                    if sound {
                        self.fill(rows, first, count, Kind::Rows);
                    } else {
                        self.fill(rows, at, end, Kind::Array);
                    }
                    return Ok((end, Kind::Array));
                }
                (at, false) => next = at,
            }
        }
    }

    /// What is not the key that stood here in the record before.
    #[cold]
    #[inline(never)]
    fn surprise(
        &mut self,
        bytes: &[u8],
        at: usize,
        first: bool,
        table: usize,
        mut turn: usize,
    ) -> Scanned<Surprise> {
        let Some(table) = self.tables.get_mut(table) else {
            return malformed(at, "a known table");
        };
        let comma = scan::blanks(bytes, at);
        let start = if first {
            scan::blanks(bytes, comma + 1)
        } else {
            match scan::after(bytes, comma, b'}')? {
                (at, true) => {
                    let key = None;
                    return Ok(Surprise { key, at, turn });
                }
                (start, false) => start,
            }
        };
        for turn in turn..turn.wrapping_add(AHEAD) {
            match table.remembered.get(turn) {
                Some(remembered) if remembered.stands_at(bytes, comma, first) => {
                    let key = Some(remembered.key);
                    let at = comma + remembered.len;
                    return Ok(Surprise { key, at, turn });
                }
                _ => {}
            }
        }
        let (kind, colon) = scan::key(bytes, start)?;
        let at = scan::blanks(bytes, colon);
        let name = bytes.get(start..colon).unwrap_or_default();
        let key = find(&table.keys, name, kind).ok_or(Malformed {
            at: start,
            expected: "UTF-8 text",
        })?;
        let raw = bytes.get(comma..at).unwrap_or_default();
        match Remembered::new(raw, key) {
            Some(remembered) if table.remembered.len() < REMEMBERED => {
                table
                    .remembered
                    .insert(turn.min(table.remembered.len()), remembered);
            }
            Some(remembered) => {
                if let Some(place) = table.remembered.get_mut(turn) {
                    *place = remembered;
                }
            }
            // The next key takes this turn.
            None => turn = turn.wrapping_sub(1),
        }
        let key = Some(key);
        Ok(Surprise { key, at, turn })
    }
}

/// A key, with the index of its value, or none and the index after the object.
struct Surprise {
    key: Option<u16>,
    at: usize,
    turn: usize,
}

/// The key that `raw`, with quotes and colon, names; `NONE` where no rule reads
/// it, and nothing where it is no text.
fn find(keys: &[Key], raw: &[u8], kind: Kind) -> Option<u16> {
    let inside = raw.get(1..)?;
    let name = inside.get(..inside.iter().rposition(|byte| *byte == b'"')?)?;
    let position = match kind {
        Kind::Escaped => {
            let name = text::unescape(name)?;
            keys.iter().position(|key| *key.name == *name)
        }
        _ => keys.iter().position(|key| key.name.as_bytes() == name),
    };
    Some(position.map_or(NONE, |at| at as u16))
}
