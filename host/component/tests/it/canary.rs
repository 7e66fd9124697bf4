//! No secret and no session of a vendor is ever in a guest's memory: after
//! every call into the real connectors, against the simulators, the whole
//! linear memory of every living instance is searched for them.

use std::sync::Arc;

use aho_corasick::AhoCorasick;
use duijie_component::{Launcher, Memory, Options};
use duijie_contract::{Launch as _, Role, Tables, Unread, Use};
use duijie_record::{
    Action, DocumentBatch, DocumentEntry, Finding, MappedBatch, Outcome, RecordBatch, StepEntry,
    TargetKey,
};
use duijie_sim::{Config, FaultKind, FaultRule, Simulators, china_text};
use serde_json::{Value, json};

use crate::forms::forms;
use crate::memory::Memories;
use crate::sandbox::{Hands, built, options, secrets, usage, workspace};

/// 2025-10-09 16:53:20 in China.
const NOW: i64 = 1_760_000_000;

/// Each holds what JSON, forms and URLs write in a way of their own.
const APPSECRET: &str = r#"a"p\p/钥 s3cr3t+of=wangdiantong"#;
const QIMEN_SECRET: &str = r#"q"i\m/钥 s3cr3t+of=qimen"#;
const PASSWORD: &str = r#"p"w\d/密 s3cr3t+of=user"#;
const APP_SECRET: &str = r#"k"d\s/密 s3cr3t+of=application"#;

fn simulators() -> Simulators {
    let mut config = Config::new(120, 11);
    config.now = Some(NOW);
    config.clock = duijie_sim::Clock::manual(NOW);
    config.batch_details = true;
    let credentials = &mut config.credentials;
    APPSECRET.clone_into(&mut credentials.wangdiantong.appsecret);
    QIMEN_SECRET.clone_into(&mut credentials.wangdiantong.app_secret);
    PASSWORD.clone_into(&mut credentials.kingdee.password);
    APP_SECRET.clone_into(&mut credentials.kingdee.app_secret);
    Simulators::start_blocking(config).unwrap()
}

/// One launcher whose guests' memories can be searched.
struct Watch {
    simulators: Simulators,
    memories: Arc<Memories>,
    launcher: Launcher,
    /// Sessions that were ever seen, whether they still live or not.
    sessions: Vec<String>,
    searched: u64,
}

impl Watch {
    fn start() -> Self {
        let memories = Arc::new(Memories::default());
        let clock = Arc::new(Hands::default());
        clock.set(u64::try_from(NOW).unwrap() * 1000);
        built("connectors/wangdiantong.wasm");
        built("connectors/map.wasm");
        let folder = built("connectors/kingdee.wasm");
        let launcher = Launcher::new(Options {
            memory: Memory::Observed(memories.clone()),
            clock,
            secrets: Arc::new(secrets(&[
                ("APPSECRET", APPSECRET),
                ("QIMEN_SECRET", QIMEN_SECRET),
                ("PASSWORD", PASSWORD),
                ("APP_SECRET", APP_SECRET),
            ])),
            ..options(folder.parent().unwrap().to_owned())
        });
        Self {
            simulators: simulators(),
            memories,
            launcher: launcher.unwrap(),
            sessions: Vec::new(),
            searched: 0,
        }
    }

    /// Which of the patterns stand in a living memory.
    fn find(&self, patterns: &[Vec<u8>]) -> Vec<String> {
        let search = AhoCorasick::new(patterns).unwrap();
        let mut found = Vec::new();
        self.memories.each(|bytes| {
            for place in search.find_iter(bytes) {
                let around = place.start().saturating_sub(40)..(place.end() + 40).min(bytes.len());
                found.push(String::from_utf8_lossy(&bytes[around]).into_owned());
            }
        });
        found
    }

    fn holds(&self, text: &str) -> bool {
        !self.find(&[text.as_bytes().to_vec()]).is_empty()
    }

    /// To be called after each call into a guest.
    fn check(&mut self, after: &str) {
        let leaks = self.leaks();
        assert!(leaks.is_empty(), "after {after}: {leaks:#?}");
    }

    /// Where a secret or session stands in a living memory.
    fn leaks(&mut self) -> Vec<String> {
        for id in self.simulators.session_ids() {
            for known in [id.replace('-', ""), id] {
                if !self.sessions.contains(&known) {
                    self.sessions.push(known);
                }
            }
        }
        let sessions = self.sessions.iter().map(String::as_str);
        let canaries = [APPSECRET, QIMEN_SECRET, PASSWORD, APP_SECRET];
        let patterns: Vec<Vec<u8>> = canaries
            .into_iter()
            .chain(sessions)
            .flat_map(forms)
            .collect();
        let living = self
            .memories
            .each(|bytes| self.searched += bytes.len() as u64);
        assert!(living > 0, "no instance lives");
        self.find(&patterns)
    }

    fn connection(&self, connector: &str, settings: &Value, secret: (&str, &str)) -> Use {
        let (setting, name) = secret;
        let origin = |url: String| url.split('/').take(3).collect::<Vec<_>>().join("/");
        let mut settings = settings.clone();
        settings[setting] = json!({ "$secret": setting });
        let (role, collection) = match connector {
            "kingdee" => (Role::Target, "SAL_OUTSTOCK"),
            _ => (Role::Source, "stockout_order_query_trade"),
        };
        Use {
            connection: Some(connector.to_owned()),
            connection_settings: settings.to_string(),
            secrets: vec![(setting.to_owned(), name.to_owned())],
            allow: vec![
                origin(self.simulators.wangdiantong_url()),
                origin(self.simulators.kingdee_url()),
            ],
            ..usage(connector, role, collection)
        }
    }

    fn source(&self, dialect: &str) -> Use {
        let who = &self.simulators.credentials().wangdiantong;
        let (settings, secret) = match dialect {
            "openapi2" => (
                json!({
                    "base_url": self.simulators.wangdiantong_url(),
                    "dialect": dialect, "sid": who.sid, "appkey": who.appkey,
                }),
                ("appsecret", "APPSECRET"),
            ),
            _ => (
                json!({
                    "base_url": self.simulators.qimen_url(),
                    "dialect": dialect, "sid": who.sid, "app_key": who.app_key,
                    "target_app_key": who.target_app_key,
                }),
                ("app_secret", "QIMEN_SECRET"),
            ),
        };
        let start = china_text(NOW - 8 * 86_400);
        Use {
            pipeline_settings: json!({ "start_time": start, "page_size": 40 }).to_string(),
            ..self.connection("wangdiantong", &settings, secret)
        }
    }

    fn target(&self, auth: &str) -> Use {
        let who = &self.simulators.credentials().kingdee;
        let mut settings = json!({
            "base_url": self.simulators.kingdee_url(),
            "acct_id": who.acct_id, "username": who.username, "auth": auth,
        });
        let secret = match auth {
            "password" => ("password", "PASSWORD"),
            _ => {
                settings["app_id"] = json!(who.app_id);
                ("app_secret", "APP_SECRET")
            }
        };
        self.connection("kingdee", &settings, secret)
    }

    /// Everything that the source has, searching after each call.
    async fn read(&mut self, dialect: &str) -> Vec<RecordBatch> {
        let usage = self.source(dialect);
        let mut source = self.launcher.source(&usage, None).await.unwrap();
        self.check("open");
        let mut batches = Vec::new();
        while let Some(batch) = source.next(40, 2).await.unwrap() {
            self.check("next");
            // The same search finds what is no secret, so it looks in the
            // right place: a record, while its page is still there.
            let mut lines = batch.data.split(|byte| *byte == b'\n');
            let line = lines.nth(batch.entries.len() / 2).unwrap();
            assert!(!self.find(&[line.to_vec()]).is_empty(), "no record found");
            if let Some(position) = &batch.position {
                source.committed(position).await.unwrap();
                self.check("committed");
            }
            batches.push(batch);
        }
        let sid = self.simulators.credentials().wangdiantong.sid.clone();
        assert!(self.holds(&sid), "`{sid}` is in no memory");
        batches
    }

    async fn map(&mut self, batch: &RecordBatch) -> MappedBatch {
        let rules = std::fs::read_to_string(workspace().join("connectors/map/tests/seed.json"));
        let usage = Use {
            connection: None,
            pipeline_settings: rules.unwrap(),
            ..usage("map", Role::Transform, "")
        };
        let tables: Arc<dyn Tables> = Arc::new(Unread::default());
        let mut transform = self.launcher.transform(&usage, &tables).await.unwrap();
        let mapped = transform.apply(batch).await.unwrap();
        self.check("apply");
        mapped
    }
}

/// The number that a document carries is its key.
fn documents(mapped: &MappedBatch, action: Action, ids: &[Option<String>]) -> DocumentBatch {
    let lines = mapped.data.split(|byte| *byte == b'\n');
    let numbers = lines.filter(|line| !line.is_empty()).map(|line| {
        let document: Value = serde_json::from_slice(line).unwrap();
        document["FBillNo"].as_str().unwrap().to_owned()
    });
    let ids = ids.iter().cloned().chain(std::iter::repeat(None));
    let entry = |(number, known_id)| DocumentEntry {
        target_key: TargetKey(number),
        action,
        known_id,
        attempt: 1,
    };
    DocumentBatch {
        data: mapped.data.clone(),
        entries: numbers.zip(ids).map(entry).collect(),
    }
}

async fn check_source(dialect: &str) {
    let mut watch = Watch::start();
    let batches = watch.read(dialect).await;
    let records: usize = batches.iter().map(|batch| batch.entries.len()).sum();
    assert_eq!(records, 120);
    assert!(watch.searched > 4 << 20, "{} bytes", watch.searched);
}

fn ids(outcomes: Vec<Outcome>) -> Vec<Option<String>> {
    let id = |outcome| match outcome {
        Outcome::Applied(id) => id,
        other => panic!("{other:?}"),
    };
    outcomes.into_iter().map(id).collect()
}

async fn take_steps(watch: &mut Watch, usage: &Use, keys: &[TargetKey]) {
    let mut steps = watch.launcher.steps(usage).await.unwrap().unwrap();
    let entry = |key: &TargetKey| StepEntry {
        target_key: key.clone(),
        id: None,
    };
    let entries: Vec<_> = keys.iter().map(entry).collect();
    steps.progress(&entries).await.unwrap();
    watch.check("progress");
    let outcomes = steps.perform("submit", &entries).await.unwrap();
    watch.check("perform");
    assert_eq!(outcomes, vec![Outcome::Applied(None); keys.len()]);
}

async fn check_target(auth: &str) {
    let mut watch = Watch::start();
    let batches = watch.read("openapi2").await;
    let usage = watch.target(auth);
    let mut target = watch.launcher.target(&usage).await.unwrap();
    watch.check("open");
    let first = watch.map(&batches[0]).await;
    let batch = documents(&first, Action::Create, &[]);
    let known = ids(target.write(&batch).await.unwrap());
    watch.check("write");

    // The session is lost on the way, and won again.
    watch.simulators.add_fault(FaultRule {
        operation: "kingdee.BatchSave".to_owned(),
        skip: 0,
        times: Some(1),
        kind: FaultKind::SessionLost,
        ms: 0,
    });
    let second = watch.map(&batches[1]).await;
    let more = documents(&second, Action::Create, &[]);
    ids(target.write(&more).await.unwrap());
    watch.check("write after the session was lost");

    let update = documents(&first, Action::Update, &known);
    ids(target.write(&update).await.unwrap());
    watch.check("write of changes");

    let mut lookup = watch.launcher.lookup(&usage).await.unwrap().unwrap();
    let mut keys: Vec<_> = batch
        .entries
        .into_iter()
        .map(|entry| entry.target_key)
        .collect();
    keys.push(TargetKey("CK-NOWHERE".to_owned()));
    let findings = lookup.find(&keys).await.unwrap();
    watch.check("find");
    let found = |finding: &Finding| matches!(finding, Finding::Found(_));
    assert_eq!(
        findings.iter().filter(|one| found(one)).count(),
        known.len()
    );
    assert_eq!(findings.last(), Some(&Finding::Absent));

    take_steps(&mut watch, &usage, &keys[..2]).await;

    let acct_id = watch.simulators.credentials().kingdee.acct_id.clone();
    assert!(watch.holds(&acct_id), "`{acct_id}` is in no memory");
    assert!(watch.holds(&keys[0].0), "no document was found");
    assert!(!watch.sessions.is_empty(), "no session was ever seen");
    let arrived = batches[0].entries.len() + batches[1].entries.len();
    assert_eq!(watch.simulators.document_count(), arrived);
}

#[tokio::test]
async fn a_secret_among_plain_settings_is_found() {
    let mut watch = Watch::start();
    let mut usage = watch.source("openapi2");
    let mut settings: Value = serde_json::from_str(&usage.connection_settings).unwrap();
    settings["sid"] = json!(APPSECRET);
    usage.connection_settings = settings.to_string();
    let source = watch.launcher.source(&usage, None).await.unwrap();
    assert!(!watch.leaks().is_empty());
    drop(source);
}

#[tokio::test]
async fn a_source_of_openapi2_holds_no_secret() {
    check_source("openapi2").await;
}

#[tokio::test]
async fn a_source_of_qimen_holds_no_secret() {
    check_source("qimen").await;
}

#[tokio::test]
async fn a_target_with_a_password_holds_neither_it_nor_a_session() {
    check_target("password").await;
}

#[tokio::test]
async fn a_target_with_an_app_secret_holds_neither_it_nor_a_session() {
    check_target("app_secret").await;
}

#[tokio::test]
async fn a_target_that_logs_in_by_signature_holds_no_secret_and_no_session() {
    check_target("sign").await;
}

#[tokio::test]
async fn a_target_of_signed_requests_holds_no_secret_and_no_session() {
    check_target("signed_headers").await;
}
