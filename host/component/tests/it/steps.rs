//! Steps of a real component against its simulator: reads and writes are told
//! apart, and what cannot be told is doubt.

use std::sync::Arc;

use duijie_component::{Launcher, Options};
use duijie_contract::{FaultKind as Kind, Launch as _, Mode, Role, Steps, Target, Use};
use duijie_record::{
    Action, DocumentBatch, DocumentEntry, Outcome, Progress, StepEntry, TargetKey,
};
use duijie_sim::{Config, FaultKind, FaultRule, Simulators};
use serde_json::json;

use crate::sandbox::{Hands, built, fixtures, options, secrets, usage};

const NUMBERS: [&str; 3] = ["CK1", "CK2", "CK3"];

struct Scene {
    simulators: Simulators,
    folder: std::path::PathBuf,
    secrets: Vec<(&'static str, String)>,
}

impl Scene {
    fn new() -> Self {
        let simulators = Simulators::start_blocking(Config::new(1, 3)).unwrap();
        let password = simulators.credentials().kingdee.password.clone();
        Self {
            simulators,
            folder: built("connectors/kingdee.wasm")
                .parent()
                .unwrap()
                .to_owned(),
            secrets: vec![("PASSWORD", password)],
        }
    }

    fn launcher(&self, mode: Mode) -> Launcher {
        let known: Vec<_> = self
            .secrets
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let clock = Arc::new(Hands::default());
        clock.set(u64::try_from(self.simulators.clock().now()).unwrap() * 1000);
        Launcher::new(Options {
            mode,
            clock,
            secrets: Arc::new(secrets(&known)),
            ..options(self.folder.clone())
        })
        .unwrap()
    }

    fn usage(&self) -> Use {
        let url = self.simulators.kingdee_url();
        let who = &self.simulators.credentials().kingdee;
        let settings = json!({
            "base_url": url, "acct_id": who.acct_id, "username": who.username,
            "auth": "password", "password": { "$secret": "password" },
        });
        Use {
            connection_settings: settings.to_string(),
            secrets: vec![("password".to_owned(), "PASSWORD".to_owned())],
            allow: vec![url.split('/').take(3).collect::<Vec<_>>().join("/")],
            ..usage("kingdee", Role::Target, "SAL_OUTSTOCK")
        }
    }

    /// Three bills stand; with their ids.
    async fn saved(&self, launcher: &Launcher) -> Vec<StepEntry> {
        let mut target: Box<dyn Target> = launcher.target(&self.usage()).await.unwrap();
        let outcomes = target.write(&bills()).await.unwrap();
        let entries = NUMBERS.into_iter().zip(outcomes);
        let entry = |(number, outcome): (&str, _)| match outcome {
            Outcome::Applied(Some(id)) => StepEntry {
                target_key: number.into(),
                id: Some(id),
            },
            other => panic!("{other:?}"),
        };
        entries.map(entry).collect()
    }

    async fn steps(&self, launcher: &Launcher) -> Box<dyn Steps> {
        launcher.steps(&self.usage()).await.unwrap().unwrap()
    }

    fn states(&self) -> String {
        let documents = self.simulators.documents();
        documents.iter().map(|document| document.status).collect()
    }
}

fn bills() -> DocumentBatch {
    let line = |number: &str| {
        json!({
            "FBillTypeID": "XSCKD01_SYS", "FBillNo": number, "FDate": "2025-10-09",
            "FSaleOrgId": "100", "FCustomerID": "TB001", "FStockOrgId": "100",
            "SubHeadEntity": { "FSettleCurrID": "PRE001" },
            "FEntity": [{ "FMaterialID": "SKU-0001", "FRealQty": 2 }],
        })
    };
    let entry = |number| DocumentEntry {
        target_key: TargetKey::from(number),
        action: Action::Create,
        known_id: None,
        attempt: 1,
    };
    DocumentBatch {
        data: NUMBERS
            .iter()
            .flat_map(|number| format!("{}\n", line(number)).into_bytes())
            .collect(),
        entries: NUMBERS.into_iter().map(entry).collect(),
    }
}

fn done(steps: &[&str]) -> Progress {
    Progress::Done(steps.iter().map(|step| (*step).to_owned()).collect())
}

#[tokio::test]
async fn documents_take_one_step_after_the_other() {
    let scene = Scene::new();
    let launcher = scene.launcher(Mode::Effect);
    let described = launcher.describe("kingdee").await.unwrap();
    assert_eq!(described.steps, ["submit", "audit"]);
    let entries = scene.saved(&launcher).await;
    let mut steps = scene.steps(&launcher).await;
    let far = steps.progress(&entries).await.unwrap();
    assert_eq!(far, vec![done(&[]); 3]);
    assert_eq!(steps.take_exchanges(), []);
    let outcomes = steps.perform("submit", &entries[..2]).await.unwrap();
    assert_eq!(outcomes, vec![Outcome::Applied(None); 2]);
    let exchanges = steps.take_exchanges();
    assert_eq!(exchanges.len(), 1);
    assert_eq!(
        (exchanges[0].status, &exchanges[0].entries[..]),
        (Some(200), &[0, 1][..])
    );
    let outcomes = steps.perform("audit", &entries).await.unwrap();
    assert!(matches!(
        outcomes[..],
        [
            Outcome::Applied(None),
            Outcome::Applied(None),
            Outcome::Rejected(_)
        ]
    ));
    // Taken already is taken.
    let outcomes = steps.perform("submit", &entries).await.unwrap();
    assert_eq!(outcomes, vec![Outcome::Applied(None); 3]);
    assert_eq!(scene.states(), "CCB");
    let far = steps.progress(&entries).await.unwrap();
    let both = done(&["submit", "audit"]);
    assert_eq!(far, [both.clone(), both, done(&["submit"])]);
    let nowhere = StepEntry {
        target_key: "CK9".into(),
        id: None,
    };
    assert_eq!(
        steps.progress(&[nowhere]).await.unwrap(),
        [Progress::Absent]
    );
}

#[tokio::test]
async fn a_lost_answer_is_doubt_about_every_document_of_the_step() {
    let scene = Scene::new();
    let launcher = scene.launcher(Mode::Effect);
    let entries = scene.saved(&launcher).await;
    let mut steps = scene.steps(&launcher).await;
    let lost = FaultRule::once("kingdee.Submit", FaultKind::Status502After);
    scene.simulators.add_fault(lost);
    let outcomes = steps.perform("submit", &entries).await.unwrap();
    let unknown = |outcome: &Outcome| matches!(outcome, Outcome::Unknown(_));
    assert!(outcomes.iter().all(unknown), "{outcomes:?}");
    assert_eq!(scene.states(), "BBB");
}

#[tokio::test]
async fn a_preview_takes_no_step_and_an_unknown_one_is_a_fault() {
    let scene = Scene::new();
    let launcher = scene.launcher(Mode::Effect);
    let entries = scene.saved(&launcher).await;
    let mut steps = scene.steps(&launcher).await;
    let fault = steps.perform("approve", &entries).await.unwrap_err();
    assert!(matches!(fault.kind, Kind::InvalidSettings(_)), "{fault}");
    let preview = scene.launcher(Mode::Preview);
    let mut steps = scene.steps(&preview).await;
    let fault = steps.perform("submit", &entries).await.unwrap_err();
    assert!(matches!(fault.kind, Kind::NotSent(_)), "{fault}");
    assert_eq!(preview.take_previews().len(), 1);
    assert_eq!(scene.states(), "AAA");
}

#[tokio::test]
async fn a_component_that_exports_no_steps_has_none() {
    let launcher = Launcher::new(options(fixtures())).unwrap();
    let described = launcher.describe("sinner").await.unwrap();
    assert!(described.steps.is_empty());
    let usage = usage("sinner", Role::Target, "sins");
    assert!(launcher.steps(&usage).await.unwrap().is_none());
}
