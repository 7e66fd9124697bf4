//! Keys of the embedded store: a kind, then a scope, then what tells values
//! of that kind apart. No key is the beginning of another one.

/// What a key leads to. The number is stored: it is never reused, and the
/// number of a retired kind stays reserved here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Kind {
    /// The highest intent id that was committed, for the whole store.
    IntentMark = 1,
    /// Who holds a scope.
    Claim = 2,
    Checkpoint = 3,
    Intent = 4,
    DeadLetter = 6,
    Hold = 7,
    Run = 8,
    Caution = 9,
    Bound = 10,
    /// The last redo record that was laid in its places.
    Folded = 11,
    Group = 14,
    Member = 15,
    Owed = 16,
    TableRow = 17,
    Fill = 18,
    Schedule = 19,
}

/// Whose a key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The whole store's.
    Store,
    Scope(String),
    /// A value table's.
    Table(String),
}

/// Text inside a key ends with two bytes that no escaped text contains, so
/// that keys sort as their texts do.
const END: [u8; 2] = [0, 1];
const ESCAPED_ZERO: [u8; 2] = [0, 0xff];

/// A key under construction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(Vec<u8>);

impl Key {
    pub(crate) fn new(kind: Kind) -> Self {
        Self((kind as u16).to_be_bytes().to_vec())
    }

    pub(crate) fn text(mut self, text: &str) -> Self {
        for byte in text.bytes() {
            if byte == 0 {
                self.0.extend_from_slice(&ESCAPED_ZERO);
            } else {
                self.0.push(byte);
            }
        }
        self.0.extend_from_slice(&END);
        self
    }

    /// The first bytes after all keys that begin with this one.
    pub(crate) fn end(&self) -> Vec<u8> {
        let mut end = self.0.clone();
        while end.last() == Some(&u8::MAX) {
            end.pop();
        }
        if let Some(last) = end.last_mut() {
            *last += 1;
        }
        end
    }

    pub(crate) fn number(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// What every key begins with.
    pub(crate) fn everything() -> Self {
        Self(Vec::new())
    }

    /// A key that was read back.
    pub(crate) fn stored(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    pub(crate) fn is(&self, kind: Kind) -> bool {
        self.0.starts_with(&(kind as u16).to_be_bytes())
    }

    /// Whether values of its kind grow in number for as long as there are runs,
    /// or with what the source has, so that they live in the long ledger's file
    /// and not in the table, which is read whole at every start.
    pub(crate) fn is_of_many(&self) -> bool {
        let kinds = [Kind::DeadLetter, Kind::Run, Kind::Member, Kind::TableRow];
        kinds.into_iter().any(|kind| self.is(kind))
    }

    /// Whose it is, by its kind and by the first text in it.
    pub(crate) fn owner(&self) -> Owner {
        if self.is(Kind::IntentMark) || self.is(Kind::Folded) || self.0.len() < 2 {
            return Owner::Store;
        }
        let name = first_text(self.0.get(2..).unwrap_or_default());
        match self.is(Kind::TableRow) || self.is(Kind::Fill) {
            true => Owner::Table(name),
            false => Owner::Scope(name),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The text that `bytes` begin with, as [`Key::text`] wrote it.
fn first_text(bytes: &[u8]) -> String {
    let mut text = Vec::new();
    let mut rest = bytes;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != 0 {
            text.push(*byte);
        } else if let Some((&0xff, after)) = after.split_first() {
            text.push(0);
            rest = after;
        } else {
            break;
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Key, Kind, Owner};

    fn key(first: &str, second: &str) -> Key {
        Key::new(Kind::Hold).text(first).text(second)
    }

    #[test]
    fn kinds_keep_their_numbers() {
        assert_eq!(Key::new(Kind::IntentMark).bytes(), [0, 1]);
        assert_eq!(Key::new(Kind::Run).bytes(), [0, 8]);
    }

    proptest! {
        #[test]
        fn a_key_tells_whose_it_is(name in "[\u{0}\u{1}a/é]{0,4}", rest in "[\u{0}a]{0,3}") {
            let owner = |kind| Key::new(kind).text(&name).text(&rest).owner();
            prop_assert_eq!(owner(Kind::Hold), Owner::Scope(name.clone()));
            prop_assert_eq!(owner(Kind::TableRow), Owner::Table(name.clone()));
            prop_assert_eq!(owner(Kind::IntentMark), Owner::Store);
        }

        #[test]
        fn keys_sort_as_their_texts_and_none_begins_another(
            a in ("[\u{0}\u{1}a]{0,3}", "[\u{0}\u{1}a]{0,3}"),
            b in ("[\u{0}\u{1}a]{0,3}", "[\u{0}\u{1}a]{0,3}"),
        ) {
            let (left, right) = (key(&a.0, &a.1), key(&b.0, &b.1));
            prop_assert_eq!(left.cmp(&right), a.cmp(&b));
            prop_assert!(a == b || !left.bytes().starts_with(right.bytes()));
            let first = Key::new(Kind::Hold).text(&a.0);
            prop_assert_eq!(
                right >= first && *right.bytes() < *first.end(),
                right.bytes().starts_with(first.bytes())
            );
        }
    }
}
