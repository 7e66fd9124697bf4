//! What each trouble with a step leaves behind, and how it goes on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use duijie_contract::{Fault, FaultKind, Steps};
use duijie_plan::{OnChange, Plan};
use duijie_record::{Action, Outcome, Progress, Rejection, Retry, StepEntry};
use duijie_store::{Came, DocumentState, HoldKind, Store};

use super::people::{SCOPE, World, after, sent};
use super::script::{Script, applied, batch};
use super::world::fault;
use crate::{End, Purpose, Report, What};

type Answer = dyn Fn(&str, &str) -> Outcome + Send + Sync;
type Look = dyn Fn(&str) -> Option<Progress> + Send + Sync;

/// A target whose documents take steps.
#[derive(Clone)]
struct Walk {
    /// How many steps each number has taken.
    taken: Arc<Mutex<BTreeMap<String, usize>>>,
    /// As `submit CK1 CK2`.
    calls: Arc<Mutex<Vec<String>>>,
    /// By step and number. What is applied is taken.
    answer: Arc<Answer>,
    /// What is told in place of the truth.
    look: Arc<Look>,
}

const STEPS: [&str; 2] = ["submit", "audit"];

impl Walk {
    fn new(answer: impl Fn(&str, &str) -> Outcome + Send + Sync + 'static) -> Self {
        Self {
            taken: Arc::default(),
            calls: Arc::default(),
            answer: Arc::new(answer),
            look: Arc::new(|_| None),
        }
    }

    fn willing() -> Self {
        Self::new(|_, _| Outcome::Applied(None))
    }

    fn looking(look: impl Fn(&str) -> Option<Progress> + Send + Sync + 'static) -> Self {
        Self {
            look: Arc::new(look),
            ..Self::willing()
        }
    }

    /// The same target, which now answers like this.
    fn then(&self, answer: impl Fn(&str, &str) -> Outcome + Send + Sync + 'static) -> Self {
        Self {
            calls: Arc::default(),
            answer: Arc::new(answer),
            look: Arc::new(|_| None),
            ..self.clone()
        }
    }

    fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    fn take(&self, number: &str) {
        let mut taken = self.taken.lock().unwrap();
        *taken.entry(number.to_owned()).or_default() += 1;
    }

    fn in_script(&self, mut script: Script) -> Script {
        let walk = self.clone();
        script.walk = Some(Arc::new(move || Box::new(walk.clone())));
        script
    }
}

#[async_trait]
impl Steps for Walk {
    async fn progress(&mut self, entries: &[StepEntry]) -> Result<Vec<Progress>, Fault> {
        let taken = self.taken.lock().unwrap().clone();
        let told = |entry: &StepEntry| {
            let number = entry.target_key.as_str();
            assert_eq!(entry.id, Some(format!("id-{number}")));
            (self.look)(number).unwrap_or_else(|| {
                let count = taken.get(number).copied().unwrap_or(0);
                let done = STEPS.iter().take(count);
                Progress::Done(done.map(|step| (*step).to_owned()).collect())
            })
        };
        Ok(entries.iter().map(told).collect())
    }

    async fn perform(&mut self, step: &str, entries: &[StepEntry]) -> Result<Vec<Outcome>, Fault> {
        let numbers: Vec<&str> = entries
            .iter()
            .map(|entry| entry.target_key.as_str())
            .collect();
        let call = format!("{step} {}", numbers.join(" "));
        self.calls.lock().unwrap().push(call.clone());
        if call.contains("poison") && entries.len() > 1 {
            return Ok(vec![refused("sim.batch", Retry::Never); entries.len()]);
        }
        let outcomes = numbers.into_iter().map(|number| {
            let outcome = (self.answer)(step, number);
            if matches!(outcome, Outcome::Applied(_)) {
                self.take(number);
            }
            outcome
        });
        Ok(outcomes.collect())
    }
}

fn refused(code: &str, retry: Retry) -> Outcome {
    Outcome::Rejected(Rejection {
        code: code.to_owned(),
        message: "out of stock".to_owned(),
        field: Some("FQty".to_owned()),
        retry,
    })
}

/// Refuses the audit of this number for good.
fn picky(step: &str, number: &str) -> Outcome {
    match (step, number) {
        ("audit", "CK2") => refused("11", Retry::Never),
        _ => Outcome::Applied(None),
    }
}

fn world() -> World {
    let mut world = World::plain(OnChange::Hold);
    world.plan.target.steps = STEPS.map(str::to_owned).to_vec();
    world
}

/// Records `1`, `2`, … that are the documents of these numbers.
fn page(numbers: &[&str]) -> Script {
    let lines: Vec<(String, String)> = (1..)
        .zip(numbers)
        .map(|(key, number): (u32, _)| (key.to_string(), format!(r#"{{"FBillNo":"{number}"}}"#)))
        .collect();
    let lines: Vec<(&str, &str, &str)> = lines
        .iter()
        .map(|(key, line)| (key.as_str(), "v1", line.as_str()))
        .collect();
    let mut script = Script::new(vec![batch("1", &lines)]);
    script.write = Arc::new(|_, batch| Ok(applied(batch)));
    script
}

async fn live(world: &World, numbers: &[&str], walk: &Walk) -> (Report, usize) {
    let script = walk.in_script(page(numbers));
    let report = world.run(Purpose::Live, &script).await;
    let written = sent(&script).len();
    (report, written)
}

fn done(world: &World, key: &str) -> (DocumentState, u8) {
    let document = world.row(key).documents.remove(0);
    (document.state, document.step)
}

fn open(world: &World) -> usize {
    world.store.open_intents(&SCOPE.into()).unwrap().len()
}

fn another_manifest(plan: &mut Plan) {
    plan.manifest_digest = "another".to_owned();
}

#[tokio::test(start_paused = true)]
async fn the_documents_of_a_call_go_on_together_and_each_step_once() {
    let world = world();
    let walk = Walk::willing();
    let (report, written) = live(&world, &["CK1", "CK2", "CK3"], &walk).await;
    assert_eq!((report.counts.applied, written), (3, 3));
    assert_eq!(walk.calls(), ["submit CK1 CK2 CK3", "audit CK1 CK2 CK3"]);
    assert_eq!(done(&world, "2"), (DocumentState::Applied, 2));
    let tries = world.row("2").documents.remove(0).tries;
    let came: Vec<_> = tries
        .iter()
        .map(|one| (one.step, one.came.clone()))
        .collect();
    assert_eq!(came, [0, 1, 2].map(|step| (step, Came::Applied)));
    let (report, written) = live(&world, &["CK1", "CK2", "CK3"], &walk).await;
    assert_eq!((report.counts.unchanged, written), (3, 0));
    assert_eq!(walk.calls().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_a_step_refuses_stands_and_goes_on_at_that_step() {
    for what in [None, Some(What::Again)] {
        let mut world = world();
        let walk = Walk::new(picky);
        let (report, _) = live(&world, &["CK1", "CK2"], &walk).await;
        assert_eq!((report.counts.applied, report.counts.rejected), (1, 1));
        let letter = world.letters().remove(0);
        assert_eq!(letter.message, "step `audit`: out of stock");
        assert_eq!(
            (letter.code.as_str(), letter.field.as_deref()),
            ("11", Some("FQty"))
        );
        assert_eq!(done(&world, "2"), (DocumentState::Rejected, 2));
        assert_eq!(
            world.row("2").documents[0].target_id.as_deref(),
            Some("id-CK2")
        );

        let walk = walk.then(|_, _| Outcome::Applied(None));
        let (report, written) = match what {
            None => {
                another_manifest(&mut world.plan);
                world.plan.policy.on_change = OnChange::Ignore;
                live(&world, &["CK1", "CK2"], &walk).await
            }
            Some(what) => {
                let script = walk.in_script(after());
                let report = world.replay(&[("2", "", what)], &script).await;
                (report, sent(&script).len())
            }
        };
        assert_eq!(
            (report.counts.applied, written),
            (1, 0),
            "{what:?} {report:?}"
        );
        assert_eq!(walk.calls(), ["audit CK2"]);
        assert_eq!(done(&world, "2"), (DocumentState::Applied, 2));
        assert_eq!((world.letters(), open(&world)), (Vec::new(), 0));
    }
}

#[tokio::test(start_paused = true)]
async fn an_edited_document_that_stands_is_changed_and_takes_the_step_again() {
    let world = world();
    let walk = Walk::new(picky);
    live(&world, &["CK1", "CK2"], &walk).await;
    let edited = r#"{"FBillNo":"CK2","note":"less"}"#;
    world.edit("2", "", edited).await.unwrap();
    let walk = walk.then(|_, _| Outcome::Applied(None));
    let script = walk.in_script(after());
    let report = world.replay(&[("2", "", What::AsEdited)], &script).await;
    assert_eq!(report.counts.applied, 1, "{report:?}");
    let id = Some("id-CK2".to_owned());
    assert_eq!(sent(&script), [(Action::Update, id, edited.to_owned())]);
    assert_eq!(walk.calls(), ["audit CK2"]);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_taken_already_is_not_taken_again() {
    let world = world();
    let walk = Walk::willing();
    walk.take("CK1");
    walk.take("CK2");
    walk.take("CK2");
    let (report, _) = live(&world, &["CK1", "CK2", "CK3"], &walk).await;
    assert_eq!(report.counts.applied, 3);
    let mut calls = walk.calls();
    calls.sort();
    assert_eq!(calls, ["audit CK1", "audit CK3", "submit CK3"]);
}

#[track_caller]
fn check_held(world: &World, kind: HoldKind, reason: &str, step: u8) {
    let holds = world.holds();
    let [hold] = holds.as_slice() else {
        panic!("{holds:?}");
    };
    assert_eq!((hold.kind, hold.reason.as_str()), (kind, reason));
    assert_eq!(hold.target_id.as_deref(), Some("id-CK1"));
    let held = DocumentState::Held(reason.to_owned());
    assert_eq!(done(world, "1"), (held, step));
    assert_eq!(open(world), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_as_it_was_left_is_held_and_goes_on_when_a_person_says_so() {
    let cases = [
        (
            Progress::Absent,
            HoldKind::Conflict,
            "step `submit`: the target does not have it any more",
        ),
        (
            Progress::Conflict("it stands there twice".to_owned()),
            HoldKind::Conflict,
            "step `submit`: it stands there twice",
        ),
        (
            Progress::CannotTell("no right to see".to_owned()),
            HoldKind::Doubt,
            "step `submit`: no right to see",
        ),
    ];
    for (told, kind, reason) in cases {
        let world = world();
        let walk = Walk::looking(move |_| Some(told.clone()));
        let (report, _) = live(&world, &["CK1"], &walk).await;
        assert_eq!((report.counts.applied, report.counts.held), (0, 1));
        assert_eq!(walk.calls(), Vec::<String>::new());
        check_held(&world, kind, reason, 1);

        let walk = walk.then(|_, _| Outcome::Applied(None));
        let script = walk.in_script(after());
        let report = world.replay(&[("1", "", What::Resend)], &script).await;
        assert_eq!((report.counts.applied, sent(&script).len()), (1, 0));
        assert_eq!(walk.calls(), ["submit CK1", "audit CK1"]);
        assert_eq!(world.holds(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_that_somebody_took_back_is_not_fought_over() {
    let world = world();
    let walk = Walk::looking(|_| Some(Progress::Done(Vec::new())));
    live(&world, &["CK1"], &walk).await;
    assert_eq!(walk.calls(), ["submit CK1"]);
    let reason = "step `audit`: in the target `submit` was taken back";
    check_held(&world, HoldKind::Conflict, reason, 2);
}

#[tokio::test(start_paused = true)]
async fn a_step_in_doubt_is_looked_at_and_not_taken_twice() {
    let world = world();
    let walk = Walk::willing();
    let target = walk.clone();
    let walk = walk.then(move |step, number| {
        if step == "submit" {
            target.take(number);
            return Outcome::Unknown("the line is cut".to_owned());
        }
        Outcome::Applied(None)
    });
    let (report, _) = live(&world, &["CK1", "CK2"], &walk).await;
    assert_eq!(report.counts.applied, 2);
    assert_eq!(walk.calls(), ["submit CK1 CK2", "audit CK1 CK2"]);
}

#[tokio::test(start_paused = true)]
async fn one_document_that_breaks_the_call_is_refused_alone() {
    let world = world();
    let numbers = ["CK1", "poison", "CK3"];
    let walk = Walk::new(|_, number| match number {
        "poison" => refused("12", Retry::Never),
        _ => Outcome::Applied(None),
    });
    let (report, _) = live(&world, &numbers, &walk).await;
    assert_eq!((report.counts.applied, report.counts.rejected), (2, 1));
    assert_eq!(world.letters()[0].code, "12");
    assert_eq!(done(&world, "2"), (DocumentState::Rejected, 1));
    let calls = walk.calls();
    assert_eq!(
        calls[..3],
        ["submit CK1 poison CK3", "submit CK1 poison", "submit CK1"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_target_that_takes_no_step_now_is_gone_on_with_in_the_next_run() {
    let mut world = world();
    world.plan.policy.retries.attempts = 2;
    let busy = Walk::new(|_, _| refused("13", Retry::Later));
    let silent = Walk::new(|_, _| Outcome::Unknown("the line is cut".to_owned()));
    for walk in [busy, silent] {
        let (report, _) = live(&world, &["CK1", "CK2"], &walk).await;
        assert!(matches!(report.end, End::Failed(_)), "{report:?}");
        assert_eq!((world.holds(), world.letters()), (Vec::new(), Vec::new()));
        assert!(world.store.checkpoint(&SCOPE.into(), "").unwrap().is_none());
        assert!(open(&world) > 0);
    }
    let walk = Walk::willing();
    let (report, written) = live(&world, &["CK1", "CK2"], &walk).await;
    assert_eq!((report.counts.applied, written), (2, 0), "{report:?}");
    assert_eq!(open(&world), 0);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_has_no_steps_fails_the_run_before_any_is_taken() {
    let world = world();
    let script = page(&["CK1"]);
    let report = world.run(Purpose::Live, &script).await;
    let End::Failed(error) = &report.end else {
        panic!("{report:?}");
    };
    let expected = fault(
        FaultKind::Guest,
        "takes no steps, though the plan counts on it",
    );
    assert!(
        error.to_string().contains(&expected.kind.to_string()),
        "{error}"
    );
    assert_eq!(open(&world), 1);
}
