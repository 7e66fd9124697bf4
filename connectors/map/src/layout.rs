//! Which places of a source record the rules read: tables of keys, one for the
//! head and one for each list, with a numbered slot for each key that is read.
//! Built by the compiler; the reader fills the slots, the writer asks them.

/// No slot, no list, no key.
pub(crate) const NONE: u16 = u16::MAX;
/// The table of the record's top level.
pub(crate) const HEAD: u16 = 0;

/// A place that rules read: a slot in the rows of a list, or in the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) list: u16,
    pub(crate) slot: u16,
}

/// One key of a table.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: Box<str>,
    /// Gets the raw value.
    pub(crate) slot: u16,
    /// Gets the rows, where the key holds a list that rules walk.
    pub(crate) rows: u16,
    /// The table of those rows.
    pub(crate) list: u16,
}

/// The keys of the head or of a list's rows.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) keys: Vec<Key>,
    /// Slots of one row. Slot 0 is the link to the next row.
    pub(crate) slots: u16,
    /// The table in whose rows the list stands, and the slot of its rows there.
    pub(crate) parent: u16,
    pub(crate) rows: u16,
}

#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) tables: Vec<Table>,
}

impl Layout {
    pub(crate) fn new() -> Self {
        let head = Table {
            keys: Vec::new(),
            slots: 1,
            parent: HEAD,
            rows: NONE,
        };
        Self { tables: vec![head] }
    }

    /// The slot of a key's raw value in a table, made on first use.
    pub(crate) fn field(&mut self, list: u16, name: &str) -> Field {
        let slot = self.with_key(list, name, |key, free| {
            if key.slot == NONE {
                key.slot = *free;
                *free += 1;
            }
            key.slot
        });
        Field { list, slot }
    }

    /// The table of the list under a key of another table, made on first use.
    pub(crate) fn list(&mut self, parent: u16, name: &str) -> u16 {
        let next = self.tables.len() as u16;
        let (list, rows) = self.with_key(parent, name, |key, free| {
            if key.list == NONE {
                (key.list, key.rows) = (next, *free);
                *free += 1;
            }
            (key.list, key.rows)
        });
        if list == next {
            self.tables.push(Table {
                keys: Vec::new(),
                slots: 1,
                parent,
                rows,
            });
        }
        list
    }

    fn with_key<R>(
        &mut self,
        list: u16,
        name: &str,
        change: impl FnOnce(&mut Key, &mut u16) -> R,
    ) -> R {
        // Lists are handed out by this type alone, so the table is there; the
        // fallback keeps the head's meaning rather than a panic.
        let at = usize::from(list).min(self.tables.len() - 1);
        let (_, rest) = self.tables.split_at_mut(at);
        let [table, ..] = rest else {
            let mut key = Key {
                name: name.into(),
                slot: NONE,
                rows: NONE,
                list: NONE,
            };
            return change(&mut key, &mut 1);
        };
        let at = table.keys.iter().position(|key| &*key.name == name);
        if at.is_none() {
            table.keys.push(Key {
                name: name.into(),
                slot: NONE,
                rows: NONE,
                list: NONE,
            });
        }
        let (keys, slots) = (&mut table.keys, &mut table.slots);
        let at = at.unwrap_or(keys.len() - 1);
        match keys.get_mut(at) {
            Some(key) => change(key, slots),
            None => change(
                &mut Key {
                    name: name.into(),
                    slot: NONE,
                    rows: NONE,
                    list: NONE,
                },
                slots,
            ),
        }
    }
}
