//! Acknowledging by a real component: what leaves the host, and that doubt
//! is told as doubt.

use duijie_component::{Launcher, Options};
use duijie_contract::{Acknowledge, FaultKind, Launch as _, Mode, Role, Use};
use duijie_record::{Acknowledged, Acknowledgement, Rejection, Resolution, Retry, SourceKey};
use serde_json::json;

use crate::listener::Listener;
use crate::sandbox::{built, fixtures, options, usage};

fn remorse(listener: &Listener, sin: &str) -> Use {
    Use {
        pipeline_settings: json!({"sin": sin, "url": listener.origin}).to_string(),
        allow: vec![listener.origin.clone()],
        ..usage("sinner", Role::Source, "remorse")
    }
}

fn launcher(mode: Mode) -> Launcher {
    let options = Options {
        mode,
        ..options(fixtures())
    };
    Launcher::new(options).unwrap()
}

async fn acknowledger(launcher: &Launcher, usage: &Use) -> Box<dyn Acknowledge> {
    launcher.acknowledge(usage).await.unwrap().unwrap()
}

fn owed() -> Vec<Acknowledgement> {
    let refused = Rejection {
        code: "required".to_owned(),
        message: "no number".to_owned(),
        field: None,
        retry: Retry::Never,
    };
    let resolutions = [
        ("1", Resolution::Applied(Some("77".to_owned()))),
        ("2", Resolution::Rejected(refused)),
        ("3", Resolution::Dropped("of no shop".to_owned())),
    ];
    let owed = |(key, resolution): (&str, _)| Acknowledgement {
        key: SourceKey::from(key),
        token: format!("rec-{key}"),
        resolution,
    };
    resolutions.into_iter().map(owed).collect()
}

fn status(line: &str) -> Option<String> {
    let rest = "connection: close\r\ncontent-length: 0\r\n\r\n";
    Some(format!("HTTP/1.1 {line}\r\n{rest}"))
}

#[tokio::test]
async fn what_became_of_each_record_reaches_the_source() {
    let listener = Listener::ok("noted").await;
    let launcher = launcher(Mode::Effect);
    let described = launcher.describe("sinner").await.unwrap();
    let draining = |name: &str| described.collection(Role::Source, name).unwrap().draining;
    assert!(draining("remorse") && !draining("sins"));
    let mut acknowledge = acknowledger(&launcher, &remorse(&listener, "none")).await;
    let answers = acknowledge.acknowledge(&owed()).await.unwrap();
    assert_eq!(answers, vec![Acknowledged::Yes; 3]);
    let came = listener.came();
    let lines = "rec-1 77\nrec-2 refused no number\nrec-3 of no shop";
    assert!(came[0].ends_with(lines), "{came:?}");
}

#[tokio::test]
async fn a_refusal_is_told_and_what_cannot_be_told_is_doubt() {
    let launcher = launcher(Mode::Effect);
    let refusing = Listener::start(status("409 Conflict")).await;
    let mut acknowledge = acknowledger(&launcher, &remorse(&refusing, "none")).await;
    let answers = acknowledge.acknowledge(&owed()).await.unwrap();
    let refused =
        |answer: &Acknowledged| matches!(answer, Acknowledged::Refused(why) if why.code == "409");
    assert!(answers.iter().all(refused), "{answers:?}");
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\ncut",
        "HTTP/1.1 5",
    ] {
        let cut = Listener::start(Some(answer.to_owned())).await;
        let usage = Use {
            connection: Some(cut.origin.clone()),
            ..remorse(&cut, "none")
        };
        let mut acknowledge = acknowledger(&launcher, &usage).await;
        let answers = acknowledge.acknowledge(&owed()).await.unwrap();
        let unknown = |answer: &Acknowledged| matches!(answer, Acknowledged::Unknown(_));
        assert!(answers.iter().all(unknown), "{answers:?}");
    }
}

#[tokio::test]
async fn a_preview_acknowledges_nothing_whatever_the_guest_says() {
    for sin in ["none", "lie"] {
        let listener = Listener::ok("noted").await;
        let launcher = launcher(Mode::Preview);
        let mut acknowledge = acknowledger(&launcher, &remorse(&listener, sin)).await;
        let fault = acknowledge.acknowledge(&owed()).await.unwrap_err();
        assert!(matches!(fault.kind, FaultKind::NotSent(_)), "{fault}");
        assert!(listener.came().is_empty(), "a preview was sent");
    }
}

#[tokio::test]
async fn a_component_that_exports_no_acknowledging_has_none() {
    let folder = built("connectors/map.wasm").parent().unwrap().to_owned();
    let launcher = Launcher::new(options(folder)).unwrap();
    let usage = usage("map", Role::Transform, "");
    assert!(launcher.acknowledge(&usage).await.unwrap().is_none());
}
