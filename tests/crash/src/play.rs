//! Plays one case: runs that are killed, a run that nothing disturbs, and a look at what came of it.

use crate::case::{Case, Kill, Row};
use crate::fault::{Fault, on_any_step};
use crate::model::{Finding, Sort};
use crate::random::Random;
use crate::scene::Scene;
use crate::shape::Shape;
use duijie_sim::{FaultKind, FaultRule};
use duijie_store::chaos::Point;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// So many undisturbed runs must be enough to deal with everything.
const CALM_RUNS: usize = 6;

/// What a case came to.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// Points at which a run was killed; none for a kill from outside.
    pub killed: Vec<Option<Point>>,
    pub runs: u64,
    pub documents: usize,
    /// What happened, a line a step.
    pub story: Vec<String>,
    pub found: Vec<Finding>,
}

/// A panic of the play itself, such as a command that hangs, is a finding too.
pub fn play(case: &Case) -> Played {
    let played = catch_unwind(AssertUnwindSafe(|| {
        let mut random = case.random();
        match case.row {
            Row::At(Point::DuringReplay) if random.one_in(2) => resolved(case, &mut random),
            Row::At(Point::DuringReplay) => replayed(case, &mut random),
            Row::Restored => restored(case, &mut random),
            _ => killed(case, &mut random),
        }
    }));
    played.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Played {
            found: vec![Finding::new(Sort::Broke, text.unwrap_or_default())],
            ..Played::default()
        }
    })
}

/// Runs are killed while documents are created, time passes, runs are killed while documents are changed.
fn killed(case: &Case, random: &mut Random) -> Played {
    let mut scene = Scene::new(case, "update", random);
    troubles(case, &mut scene, random);
    let kills = case.kills(scene.batches, random);
    // Every kill may also strike among the changes, but the first is where it was asked for.
    let early = random.between(1, kills.len() as u64);
    let (early, late) = kills.split_at(usize::try_from(early).unwrap());
    for kill in early {
        scene.killed_run(kill);
    }
    if case.fault == Fault::Audited {
        scene.killed_run(&never());
    }
    let audited = usize::from(case.fault == Fault::Audited) * 2;
    scene.time_passes(4, audited, random);
    rules(case, &scene, random);
    if case.fault == Fault::RepeatPage {
        scene.killed_run(&never());
        scene.more_time_passes();
        stale_pages(&scene);
    }
    for kill in late {
        scene.killed_run(kill);
    }
    end(scene, case)
}

/// Dead letters are replayed once what refused them is gone.
fn replayed(case: &Case, random: &mut Random) -> Played {
    let mut scene = Scene::new(case, "update", random);
    scene.refuse(3, false, random);
    scene.killed_run(&never());
    scene.accept_all();
    rules(case, &scene, random);
    let replay = [
        "dead-letters",
        "replay",
        "--all",
        "--pipeline",
        "stockouts",
        "--json",
    ];
    for kill in case.kills(2, random) {
        scene.killed_command(&replay, &kill);
    }
    calm(&scene);
    scene.mend(&replay);
    end(scene, case)
}

/// Changes, or orders that came after their group was sent, wait for a person and are sent by one.
fn resolved(case: &Case, random: &mut Random) -> Played {
    let mut scene = Scene::new(case, "hold", random);
    scene.killed_run(&never());
    let why = match case.shape {
        Shape::Plain | Shape::Stepped => {
            scene.time_passes(5, 0, random);
            "change"
        }
        Shape::Grouped => {
            scene.orders_come(5);
            "late"
        }
    };
    scene.killed_run(&never());
    let waited = scene.waiting().holds;
    rules(case, &scene, random);
    let resolve = ["holds", "resolve", "--send", "--error", why, "--json"];
    for kill in case.kills(2, random) {
        scene.killed_command(&resolve, &kill);
    }
    calm(&scene);
    scene.mend(&resolve);
    let waits = scene.waiting().holds.into_keys();
    // With steps, a change meets a bill that is locked, and waits on.
    let still = waits.filter(|one| waited.contains_key(one) && case.shape != Shape::Stepped);
    let still = still.map(|one| Finding::new(Sort::Waits, format!("{one} was sent and is held")));
    scene.found.extend(still);
    end(scene, case)
}

/// The state is lost, and brought back from a backup that is older than what the target holds.
fn restored(case: &Case, random: &mut Random) -> Played {
    let mut scene = Scene::new(case, "update", random);
    troubles(case, &mut scene, random);
    let kills = case.kills(scene.batches, random);
    scene.killed_run(&kills[0]);
    let backup = scene.project.path("backup");
    scene.command(&["backup", backup.to_str().unwrap(), "--json"]);
    scene.killed_run(kills.get(1).unwrap_or(&never()));
    forget(&scene);
    scene.command(&["restore", backup.to_str().unwrap(), "--json"]);
    scene.restored();
    rules(case, &scene, random);
    for kill in kills.iter().skip(2) {
        scene.killed_run(kill);
    }
    end(scene, case)
}

/// Everything of the data folder but the compiled components.
fn forget(scene: &Scene) {
    let data = scene.project.path("data");
    for entry in std::fs::read_dir(data).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("compiled") {
            continue;
        }
        if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap();
        } else {
            std::fs::remove_file(path).unwrap();
        }
    }
}

/// A run that is not killed, though the faults are there.
fn never() -> Kill {
    Kill::At {
        point: Point::BeforeRunEnds,
        nth: u64::MAX,
        micros: 0,
    }
}

fn troubles(case: &Case, scene: &mut Scene, random: &mut Random) {
    if let Some(whole) = case.fault.refuses() {
        scene.refuse(2, whole, random);
    }
    // What breaks a batch has it cut.
    if case.row == Row::At(Point::AfterBisect) && case.fault != Fault::BrokenBatch {
        scene.refuse(1, true, random);
    }
    rules(case, scene, random);
}

/// The column's fault rules, and what this row needs to be come by.
fn rules(case: &Case, scene: &Scene, random: &mut Random) {
    let simulators = &scene.project.simulators;
    simulators.clear_faults();
    let needs = match case.row {
        Row::At(Point::AfterLookup | Point::RecoveryLookedUp) if !case.fault.brings_doubt() => {
            vec![FaultKind::DropAfterApply]
        }
        _ => Vec::new(),
    };
    for kind in needs {
        simulators.add_fault(FaultRule::once("kingdee.BatchSave", kind));
    }
    for rule in case.fault.rules(case.settle_ms, scene.changed_ms(), random) {
        simulators.add_fault(match case.shape {
            Shape::Stepped => on_any_step(rule, random),
            Shape::Plain | Shape::Grouped => rule,
        });
    }
}

/// What was read last comes again in its first version.
fn stale_pages(scene: &Scene) {
    let page = "wangdiantong.stockout_order_query_trade";
    let rule = FaultRule::once(page, FaultKind::StalePage);
    scene.project.simulators.clear_faults();
    scene.project.simulators.add_fault(FaultRule {
        times: None,
        ..rule
    });
}

fn calm(scene: &Scene) {
    scene.project.simulators.clear_faults();
}

/// Nothing disturbs any more: runs succeed and soon have nothing to do, and another one after them writes
/// nothing.
fn end(mut scene: Scene, case: &Case) -> Played {
    calm(&scene);
    let run = ["run", "stockouts", "--json"];
    scene.groups_close();
    // What changed while it was read comes after the last window.
    scene.more_time_passes();
    // A run that finishes a window begun earlier leaves the windows after it to the next one.
    let mut quiet = 0;
    for _ in 0..CALM_RUNS {
        let Some(report) = scene.command(&run) else {
            break;
        };
        let idle = report["read"] == report["unchanged"];
        quiet = if idle { quiet + 1 } else { 0 };
        if quiet == 2 {
            break;
        }
    }
    let before = saves(&scene);
    scene.command(&run);
    for (document, times) in saves(&scene) {
        let earlier = before.get(&document).copied().unwrap_or_default();
        if times != earlier {
            let what = format!("{document} was written again though nothing had changed");
            scene.found.push(Finding::new(Sort::Wrong, what));
        }
    }
    scene.project.simulators.finish_late();
    let waiting = scene.waiting();
    scene.compare(&waiting);
    if !scene.found.is_empty() {
        scene.tell_requests();
    }
    Played {
        killed: scene.killed,
        runs: scene.runs,
        documents: case.documents,
        story: scene.story,
        found: scene.found,
    }
}

/// How often each document was saved, by number and id.
fn saves(scene: &Scene) -> BTreeMap<String, u32> {
    let documents = scene.project.simulators.documents().into_iter();
    let name = |bill_no, fid| format!("{bill_no} ({fid})");
    documents
        .map(|document| (name(document.bill_no, document.fid), document.saves))
        .collect()
}
