//! The canary scan with a guest that wants the secret: a system that gives
//! back whatever it was sent, logs, faults, evidence and previews. The
//! secret stands neither in the guest's memory nor in any of these.

use std::sync::{Arc, Mutex};

use aho_corasick::AhoCorasick;
use duijie_component::{Launcher, Memory, Options};
use duijie_contract::{Launch as _, Mode, Role, Use};
use duijie_record::{Action, DocumentBatch, DocumentEntry, TargetKey};
use serde_json::json;

use crate::forms::forms;
use crate::listener::Listener;
use crate::memory::Memories;
use crate::sandbox::{fixtures, options, secrets, usage};

const CANARY: &str = r#"c"n\r/金 s3cr3t+of=nobody-at-all"#;

/// What the guest's memory holds of the canary, and what else it could see.
struct Scan {
    memories: Arc<Memories>,
    seen: Mutex<Vec<String>>,
}

impl Scan {
    fn saw(&self, text: impl std::fmt::Debug) {
        self.seen.lock().unwrap().push(format!("{text:?}"));
    }

    #[track_caller]
    fn check(&self, sin: &str) {
        let search = AhoCorasick::new(forms(CANARY)).unwrap();
        let mut found = 0;
        let mut bytes = 0;
        let living = self.memories.each(|memory| {
            bytes += memory.len();
            found += search.find_iter(memory).count();
        });
        assert!(
            living > 0 && bytes > 1 << 16,
            "{living} memories, {bytes} bytes"
        );
        assert_eq!(found, 0, "sin `{sin}`: in memory");
        for text in self.seen.lock().unwrap().iter() {
            // As `Debug` writes it, quotes and backslashes are escaped.
            let plain = text.replace("\\\"", "\"").replace("\\\\", "\\");
            for text in [text, &plain] {
                assert!(search.find(text).is_none(), "sin `{sin}`: {text}");
            }
        }
    }
}

fn batch() -> DocumentBatch {
    DocumentBatch {
        data: br#"{"FBillNo":"CK1"}"#.to_vec(),
        entries: vec![DocumentEntry {
            target_key: TargetKey("CK1".to_owned()),
            action: Action::Create,
            known_id: None,
            attempt: 1,
        }],
    }
}

fn writing(sin: &str, origin: &str) -> Use {
    Use {
        pipeline_settings: json!({ "sin": sin, "url": origin }).to_string(),
        connection_settings: json!({ "token": { "$secret": "token" } }).to_string(),
        secrets: vec![("token".to_owned(), "TOKEN".to_owned())],
        allow: vec![origin.to_owned()],
        ..usage("sinner", Role::Target, "sins")
    }
}

/// Everything in which a system may give a secret back.
fn echo() -> String {
    let mut body: Vec<u8> = Vec::new();
    for form in forms(CANARY).into_iter().take(9) {
        body.extend_from_slice(&form);
        body.push(b'\n');
    }
    String::from_utf8(body).unwrap()
}

async fn check(sin: &str, mode: Mode) {
    let listener = Listener::ok(&echo()).await;
    let scan = Scan {
        memories: Arc::new(Memories::default()),
        seen: Mutex::default(),
    };
    let launcher = Launcher::new(Options {
        memory: Memory::Observed(scan.memories.clone()),
        mode,
        secrets: Arc::new(secrets(&[("TOKEN", CANARY)])),
        ..options(fixtures())
    })
    .unwrap();
    let usage = writing(sin, &listener.origin);
    let mut target = launcher.target(&usage).await.unwrap();
    scan.saw(target.write(&batch()).await);
    scan.saw(target.take_exchanges());
    scan.saw(launcher.take_previews());
    scan.check(sin);
    let sent = listener.came();
    let left = sent
        .iter()
        .any(|request| request.contains("s3cr3t+of=nobody"));
    assert_eq!(left, mode == Mode::Effect, "the system is who gets it");

    let reading = Use {
        role: Role::Source,
        ..usage.clone()
    };
    let mut source = launcher.source(&reading, None).await.unwrap();
    let read = source.next(1, 1).await;
    let read =
        read.map(|batch| batch.map(|batch| String::from_utf8_lossy(&batch.data).into_owned()));
    scan.saw(read);
    scan.check(sin);
}

#[tokio::test]
async fn a_guest_that_means_well_sees_nothing_of_an_echo() {
    check("none", Mode::Effect).await;
}

#[tokio::test]
async fn a_guest_that_reads_an_echo_sees_nothing() {
    check("fetch", Mode::Effect).await;
}

#[tokio::test]
async fn a_guest_that_lies_about_its_writes_sees_nothing() {
    check("lie", Mode::Effect).await;
}

#[tokio::test]
async fn a_guest_that_dies_of_a_refusal_shows_nothing() {
    check("trap", Mode::Preview).await;
}

#[tokio::test]
async fn a_guest_that_panics_shows_nothing() {
    check("panic", Mode::Effect).await;
}

#[tokio::test]
async fn a_guest_that_writes_outside_shows_nothing() {
    check("write-outside", Mode::Effect).await;
}
