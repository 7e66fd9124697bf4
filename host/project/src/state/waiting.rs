//! Holds and dead letters as they leave the store: looked through where it is
//! open, sent in pages of a bounded length.

use std::collections::BTreeSet;

use duijie_admin::{Item, Wanted};
use duijie_record::{Action, Scope};
use duijie_store::{DeadLetter, Error, Fingerprint, Hold, HoldKind, Store};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::state::history;

/// Bytes of one page, far below what a socket's line may have.
const PAGE: usize = 4 << 20;

/// Texts are JSON as it was kept: a value would change their digits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Waiting {
    pub scope: String,
    pub source_key: String,
    pub part: String,
    pub version: Option<String>,
    pub target_key: Option<String>,
    pub target_id: Option<String>,
    /// What was not done; of a hold.
    pub action: Option<String>,
    /// The kind of a hold, the code of a dead letter.
    pub code: String,
    pub message: String,
    pub field: Option<String>,
    /// Equal for errors that differ in numbers and quoted names only.
    pub error: String,
    pub alarm: bool,
    pub attempts: u32,
    pub edited: bool,
    pub run: String,
    pub at_ms: u64,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub bodies: Option<Bodies>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Bodies {
    /// `None` where it is no longer known.
    pub record: Option<String>,
    pub document: Option<String>,
    pub edited_text: Option<String>,
    pub exchange: Option<Value>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Page {
    pub rows: Vec<Waiting>,
    /// Whether there are others behind the last row.
    pub more: bool,
}

pub fn holds(store: &dyn Store, wanted: &Wanted) -> Result<Value, Error> {
    page(store, wanted, |scope| {
        let holds = store.holds(scope)?.into_iter();
        Ok(holds
            .map(|hold| of_hold(scope, hold, wanted.bodies))
            .collect())
    })
}

pub fn letters(store: &dyn Store, wanted: &Wanted) -> Result<Value, Error> {
    page(store, wanted, |scope| {
        let letters = store.dead_letters(scope)?.into_iter();
        letters
            .map(|letter| of_letter(store, scope, letter, wanted.bodies))
            .collect()
    })
}

fn page(
    store: &dyn Store,
    wanted: &Wanted,
    all: impl Fn(&Scope) -> Result<Vec<Waiting>, Error>,
) -> Result<Value, Error> {
    let mut page = Page::default();
    let mut bytes = 0;
    let scopes: BTreeSet<String> = store.scopes()?.into_iter().map(|scope| scope.0).collect();
    let within = |scope: &&String| wanted.scope.as_ref().is_none_or(|only| only == *scope);
    'full: for scope in scopes.iter().filter(within) {
        for row in all(&Scope(scope.clone()))? {
            if !row.is(wanted) {
                continue;
            }
            if bytes > PAGE {
                page.more = true;
                break 'full;
            }
            bytes += row.bytes();
            page.rows.push(row);
        }
    }
    // Plain texts and numbers always have a form in JSON.
    Ok(serde_json::to_value(page).unwrap_or_default())
}

impl Waiting {
    pub fn item(&self) -> Item {
        Item {
            source_key: self.source_key.clone(),
            part: self.part.clone(),
        }
    }

    /// As people name it.
    pub fn number(&self) -> &str {
        self.target_key.as_deref().unwrap_or(&self.source_key)
    }

    fn is(&self, wanted: &Wanted) -> bool {
        let behind = wanted.after.as_ref().is_none_or(|(scope, item)| {
            (self.scope.as_str(), self.item()) > (scope.as_str(), item.clone())
        });
        let names = |number: &String| {
            self.source_key == *number
                || self.target_key.as_ref() == Some(number)
                || self.target_id.as_ref() == Some(number)
        };
        behind
            && (wanted.numbers.is_empty() || wanted.numbers.iter().any(names))
            && wanted.part.as_ref().is_none_or(|part| *part == self.part)
            && wanted.since_ms.is_none_or(|since| self.at_ms >= since)
            && wanted.until_ms.is_none_or(|until| self.at_ms <= until)
            && wanted.why.as_ref().is_none_or(|why| {
                self.error == *why
                    || self.code == *why
                    || self.message.to_lowercase().contains(&why.to_lowercase())
            })
    }

    fn bytes(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let bodies = self.bodies.as_ref().map_or(0, |bodies| {
            text(&bodies.record) + text(&bodies.document) + text(&bodies.edited_text)
        });
        512 + self.message.len() + bodies
    }
}

fn of_hold(scope: &Scope, hold: Hold, bodies: bool) -> Waiting {
    let code = kind(hold.kind).to_owned();
    Waiting {
        scope: scope.0.clone(),
        source_key: hold.source_key.0,
        part: hold.part,
        version: hold.version.map(|version| version.0),
        target_key: Some(hold.target_key.0),
        target_id: hold.target_id,
        action: Some(action(hold.action).to_owned()),
        error: fingerprint(&code, None, &hold.reason),
        code,
        message: hold.reason,
        field: None,
        alarm: hold.kind.is_alarm(),
        attempts: 0,
        edited: false,
        run: hold.run.0,
        at_ms: hold.at_ms,
        bodies: bodies.then(|| Bodies {
            record: text(&hold.record),
            document: text(&hold.document),
            ..Bodies::default()
        }),
    }
}

fn of_letter(
    store: &dyn Store,
    scope: &Scope,
    letter: DeadLetter,
    bodies: bool,
) -> Result<Waiting, Error> {
    let bodies = match bodies {
        true => Some(Bodies {
            record: text(&letter.record),
            document: letter.document.as_deref().and_then(text),
            edited_text: letter.edited.as_deref().and_then(text),
            exchange: history::exchange(store, scope, letter.exchange.as_ref())?,
        }),
        false => None,
    };
    Ok(Waiting {
        scope: scope.0.clone(),
        source_key: letter.source_key.0,
        part: letter.part,
        version: letter.version.map(|version| version.0),
        target_key: letter.target_key.map(|key| key.0),
        target_id: None,
        action: None,
        error: fingerprint(&letter.code, letter.field.as_deref(), &letter.message),
        code: letter.code,
        message: letter.message,
        field: letter.field,
        alarm: false,
        attempts: letter.attempts,
        edited: letter.edited.is_some(),
        run: letter.run.0,
        at_ms: letter.at_ms,
        bodies,
    })
}

fn text(bytes: &[u8]) -> Option<String> {
    (!bytes.is_empty()).then(|| String::from_utf8_lossy(bytes).into_owned())
}

pub fn action(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Cancel => "cancel",
    }
}

fn kind(kind: HoldKind) -> &'static str {
    match kind {
        HoldKind::Change => "change",
        HoldKind::Locked => "locked",
        HoldKind::Doubt => "doubt",
        HoldKind::Conflict => "conflict",
        HoldKind::Twice => "twice",
        HoldKind::Caution => "caution",
        HoldKind::Late => "late",
    }
}

/// Eight hex digits over code, field and the message without what differs
/// from document to document: words with a digit in them, and quoted names.
fn fingerprint(code: &str, field: Option<&str>, message: &str) -> String {
    let same = format!("{code}\n{}\n{}", field.unwrap_or_default(), plain(message));
    let print = format!("{:032x}", Fingerprint::of(same.as_bytes()).0);
    print.chars().take(8).collect()
}

fn plain(message: &str) -> String {
    const QUOTES: [(char, char); 7] = [
        ('"', '"'),
        ('\'', '\''),
        ('`', '`'),
        ('“', '”'),
        ('‘', '’'),
        ('「', '」'),
        ('【', '】'),
    ];
    let mut out = String::new();
    let mut rest = message;
    while let Some(first) = rest.chars().next() {
        let behind = rest.get(first.len_utf8()..).unwrap_or_default();
        let quote = QUOTES.iter().find(|(open, _)| *open == first);
        if let Some((_, close)) = quote
            && let Some((_, after)) = behind.split_once(*close)
        {
            out.push('#');
            rest = after;
            continue;
        }
        let word = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let (word, after) = rest.split_at(word.unwrap_or(rest.len()));
        if word.is_empty() {
            out.push(first);
            rest = behind;
            continue;
        }
        match word.bytes().any(|byte| byte.is_ascii_digit()) {
            true => out.push('#'),
            false => out.push_str(word),
        }
        rest = after;
    }
    out
}

#[cfg(test)]
mod tests;
