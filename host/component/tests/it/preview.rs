//! A preview: the first write of a call is kept for a person to see, and the
//! call ends as not sent, whatever the guest makes of it. And what is kept of
//! writes that do leave.

use std::sync::Arc;

use duijie_component::{Launcher, Options};
use duijie_contract::{FaultKind, Launch as _, Mode, Role, Use};
use duijie_record::{Action, DocumentBatch, DocumentEntry, Outcome, TargetKey};
use serde_json::json;

use crate::listener::Listener;
use crate::sandbox::{fixtures, options, secrets, usage};

const TOKEN: &str = "token-of-nobody";

fn batch() -> DocumentBatch {
    DocumentBatch {
        // A connector cannot know secrets, but records may hold one.
        data: format!(r#"{{"FBillNo":"CK1","memo":"{TOKEN}"}}"#).into_bytes(),
        entries: vec![DocumentEntry {
            target_key: TargetKey("CK1".to_owned()),
            action: Action::Create,
            known_id: None,
            attempt: 1,
        }],
    }
}

fn launcher(mode: Mode) -> Launcher {
    Launcher::new(Options {
        mode,
        secrets: Arc::new(secrets(&[("TOKEN", TOKEN)])),
        ..options(fixtures())
    })
    .unwrap()
}

fn writing(sin: &str, listener: &Listener) -> Use {
    Use {
        pipeline_settings: json!({ "sin": sin, "url": listener.origin }).to_string(),
        connection_settings: json!({ "token": { "$secret": "token" } }).to_string(),
        secrets: vec![("token".to_owned(), "TOKEN".to_owned())],
        allow: vec![listener.origin.clone()],
        ..usage("sinner", Role::Target, "sins")
    }
}

async fn check(sin: &str) {
    let listener = Listener::ok("written").await;
    let launcher = launcher(Mode::Preview);
    let mut target = launcher.target(&writing(sin, &listener)).await.unwrap();
    let fault = target.write(&batch()).await.unwrap_err();
    let not_sent = FaultKind::NotSent("a preview writes nothing".to_owned());
    assert_eq!(fault.kind, not_sent, "sin `{sin}`");
    assert!(listener.came().is_empty(), "a preview was sent");
    let kept = launcher.take_previews();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].method, "POST");
    assert_eq!(kept[0].url, listener.origin);
    let header = ("authorization".to_owned(), "Bearer ***".to_owned());
    assert_eq!(kept[0].headers, [header]);
    assert_eq!(kept[0].body, r#"{"FBillNo":"CK1","memo":"***"}"#);
    assert_eq!(launcher.take_previews(), [], "previews are taken once");
}

#[tokio::test]
async fn a_preview_keeps_the_first_write_with_secrets_masked() {
    check("none").await;
}

#[tokio::test]
async fn a_guest_that_claims_success_wrote_nothing_in_a_preview() {
    check("lie").await;
}

#[tokio::test]
async fn a_guest_that_traps_over_it_wrote_nothing_in_a_preview() {
    check("trap").await;
}

#[tokio::test]
async fn the_same_write_leaves_with_its_secret_where_effects_are_wanted() {
    let listener = Listener::ok("written").await;
    let launcher = launcher(Mode::Effect);
    let mut target = launcher.target(&writing("none", &listener)).await.unwrap();
    let outcomes = target.write(&batch()).await.unwrap();
    assert_eq!(outcomes, [Outcome::Applied(None)]);
    let came = listener.came();
    let header = format!("authorization: Bearer {TOKEN}\r\n");
    assert!(came[0].contains(&header), "{came:?}");
    assert_eq!(launcher.take_previews(), []);
}

#[tokio::test]
async fn what_a_write_sent_can_be_taken_once_with_its_secrets_by_name() {
    let listener = Listener::ok("written").await;
    let launcher = launcher(Mode::Effect);
    let mut target = launcher.target(&writing("none", &listener)).await.unwrap();
    assert_eq!(target.take_exchanges(), []);
    target.write(&batch()).await.unwrap();
    let kept = target.take_exchanges();
    assert_eq!(kept.len(), 1);
    let header = (
        "authorization".to_owned(),
        "Bearer ${secret:token}".to_owned(),
    );
    assert_eq!(kept[0].headers, [header]);
    assert_eq!(kept[0].body, r#"{"FBillNo":"CK1","memo":"***"}"#);
    assert_eq!(kept[0].entries, [0]);
    assert_eq!(kept[0].status, Some(200));
    assert_eq!(kept[0].answer, "written");
    assert_eq!(target.take_exchanges(), []);
}
