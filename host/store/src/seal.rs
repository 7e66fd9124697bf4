//! The seam at which what is kept of records is sealed and opened. It knows no
//! cipher and no key: a [`Sealer`] does. What a sealed entry looks like on the
//! outside, and which fields of a row are one, is known here.

mod fields;

use std::borrow::Cow;
use std::sync::Arc;

use duijie_record::Scope;

use crate::table::damaged;
use crate::{Error, SegmentKind};
pub(crate) use fields::{Field, Held};

/// Seals and opens for whoever opens a store, with a key of each scope's own.
///
/// Errors are sentences for people that say what to do.
pub trait Sealer: std::fmt::Debug + Send + Sync {
    /// Whether something was ever begun to be sealed of the scope.
    fn is_sealed(&self, scope: &str) -> Result<bool, String>;

    /// What is laid down of the scope from now on is sealed, where that is
    /// `wanted` or was before. Fails where its key cannot be had.
    fn begin(&self, scope: &str, wanted: bool) -> Result<(), String>;

    /// `None` where nothing of the scope is sealed. Made longer by the same
    /// number of bytes each time. `bound` opens it again, and nothing else.
    fn seal(&self, scope: &str, bound: &[u8], plain: &[u8]) -> Result<Option<Vec<u8>>, String>;

    fn open(&self, scope: &str, bound: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Unopened>;

    /// The keys of these scopes are gone for good, where there are any.
    fn forget(&self, gone: &dyn Fn(&str) -> bool) -> Result<(), String>;
}

/// Why a sealed entry stays closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unopened {
    /// What is missing, and what to do.
    NoKey(String),
    /// It is not as it was sealed, or was sealed as something else.
    Damaged,
}

/// The file beside the store in which a sealer keeps its keys, sealed
/// themselves: it goes where the store is copied to.
pub const SEALS: &str = "scopes.sealed";

/// What a sealed entry begins with. No JSON begins so.
const MARK: &[u8] = b"\0sealed\x01";
/// The same of a text; lower hex comes after it.
const TEXT_MARK: &str = "\0sealed\u{1}";

pub(crate) fn is_sealed(stored: &[u8]) -> bool {
    stored.starts_with(MARK)
}

/// What an entry of a segment file is bound to.
pub(crate) fn bound_of(kind: SegmentKind) -> &'static [u8] {
    match kind {
        SegmentKind::Documents => b"documents",
        SegmentKind::Evidence => b"evidence",
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Seals(pub(crate) Option<Arc<dyn Sealer>>);

impl Seals {
    pub(crate) fn is_sealed(&self, scope: &Scope) -> Result<bool, Error> {
        let sealer = self.0.as_ref();
        let sealed = sealer.map_or(Ok(false), |sealer| sealer.is_sealed(scope.as_str()));
        sealed.map_err(refused(scope))
    }

    pub(crate) fn begin(&self, scope: &Scope, wanted: bool) -> Result<(), Error> {
        match &self.0 {
            Some(sealer) => sealer.begin(scope.as_str(), wanted),
            None if wanted => Err("this process opened the store without keys".to_owned()),
            None => Ok(()),
        }
        .map_err(refused(scope))
    }

    pub(crate) fn forget(&self, gone: &dyn Fn(&str) -> bool) -> Result<(), Error> {
        let forgotten = self.0.as_ref().map_or(Ok(()), |sealer| sealer.forget(gone));
        forgotten.map_err(|reason| Error::Io {
            what: "forgetting keys",
            place: SEALS.to_owned(),
            reason,
        })
    }

    /// As it is to be laid down.
    pub(crate) fn seal<'plain>(
        &self,
        scope: &Scope,
        bound: &[u8],
        plain: &'plain [u8],
    ) -> Result<Cow<'plain, [u8]>, Error> {
        let sealer = self.0.as_ref().filter(|_| !plain.is_empty());
        let sealed = sealer.map_or(Ok(None), |sealer| sealer.seal(scope.as_str(), bound, plain));
        Ok(match sealed.map_err(refused(scope))? {
            Some(sealed) => Cow::Owned([MARK, &sealed].concat()),
            // No one's words are taken for a sealed entry.
            None if is_sealed(plain) => Cow::Owned([b" ", plain].concat()),
            None => Cow::Borrowed(plain),
        })
    }

    /// As it was before. An entry that does not open is `damaged` as its caller
    /// says it.
    pub(crate) fn open(
        &self,
        scope: &Scope,
        bound: &[u8],
        stored: Vec<u8>,
        damaged: impl FnOnce(&str) -> Error,
    ) -> Result<Vec<u8>, Error> {
        let Some(sealed) = stored.strip_prefix(MARK) else {
            return Ok(stored);
        };
        let sealer = self.0.as_ref();
        let opened = sealer.map_or_else(
            || Err(Unopened::NoKey("no key was given to open it".to_owned())),
            |sealer| sealer.open(scope.as_str(), bound, sealed),
        );
        match opened {
            Ok(plain) => Ok(plain),
            Err(Unopened::NoKey(reason)) => Err(refused(scope)(reason)),
            Err(Unopened::Damaged) => Err(damaged("a sealed entry does not open")),
        }
    }

    /// Seals every field of a row that holds what a record or a system said.
    pub(crate) fn seal_all(&self, scope: &Scope, row: &mut impl Held) -> Result<(), Error> {
        row.each(&mut |bound, field| {
            match field {
                Field::Bytes(bytes) => {
                    if let Cow::Owned(sealed) = self.seal(scope, bound, bytes)? {
                        *bytes = sealed;
                    }
                }
                Field::Text(text) => {
                    if let Cow::Owned(sealed) = self.seal(scope, bound, text.as_bytes())? {
                        *text = match sealed.strip_prefix(MARK) {
                            Some(sealed) => format!("{TEXT_MARK}{}", hex(sealed)),
                            None => format!(" {text}"),
                        };
                    }
                }
            }
            Ok(())
        })
    }

    pub(crate) fn open_all(
        &self,
        scope: &Scope,
        place: &std::path::Path,
        row: &mut impl Held,
    ) -> Result<(), Error> {
        let wrong = |reason: &str| damaged(place, reason.to_owned());
        row.each(&mut |bound, field| {
            match field {
                Field::Bytes(bytes) => {
                    *bytes = self.open(scope, bound, std::mem::take(bytes), wrong)?;
                }
                Field::Text(text) => {
                    if let Some(digits) = text.strip_prefix(TEXT_MARK) {
                        let sealed = unhex(digits).ok_or_else(|| wrong("it is no sealed text"))?;
                        let whole = [MARK, &sealed].concat();
                        let plain = self.open(scope, bound, whole, wrong)?;
                        *text =
                            String::from_utf8(plain).map_err(|_| wrong("a sealed text is none"))?;
                    }
                }
            }
            Ok(())
        })
    }

    /// The same of a row that is shown and never written again: texts that do
    /// not open say why.
    pub(crate) fn open_or_tell(
        &self,
        scope: &Scope,
        place: &std::path::Path,
        row: &mut (impl Held + Clone),
    ) {
        let closed = row.clone();
        let Err(error) = self.open_all(scope, place, row) else {
            return;
        };
        *row = closed;
        let told = row.each(&mut |_, field| {
            match field {
                Field::Text(text) if text.starts_with(TEXT_MARK) => *text = error.to_string(),
                Field::Bytes(bytes) if is_sealed(bytes) => bytes.clear(),
                Field::Text(_) | Field::Bytes(_) => {}
            }
            Ok(())
        });
        // Telling fails nowhere.
        told.unwrap_or_default();
    }
}

fn refused(scope: &Scope) -> impl Fn(String) -> Error + use<> {
    let scope = scope.to_string();
    move |reason| Error::Sealed {
        scope: scope.clone(),
        reason,
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    let digits = bytes.iter();
    digits
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let half = |digit: u8| char::from(digit).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| u8::try_from(half(*high)? << 4 | half(*low)?).ok();
    rest.is_empty().then(|| pairs.iter().map(byte).collect())?
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod turning;
