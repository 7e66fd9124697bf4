//! One case's project and simulators, and the runs on them: each killed somewhere or let be.

use crate::case::{Case, Class, Kill};
use crate::grouped::{self, Grouping};
use crate::model::{Finding, People, Sort, Waiting, WaitingGroup, compare, orders};
use crate::random::Random;
use crate::shape::Shape;
use crate::stepped;
use duijie_e2e::{Ended, Project, arrived_bill, expected};
use duijie_sim::{OrderChange, Refusal, Simulators};
use duijie_store::chaos::Point;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// As a shell tells a process that SIGKILL ended.
const KILLED: i32 = 137;
/// A run that failed and may be gone on with.
const FAILED: i32 = 1;
/// There was nothing to be done something about.
const NOTHING: i32 = 2;
/// A kill from outside that comes too late is given up after this.
const PATIENCE: Duration = Duration::from_secs(2);
const SAVE: &str = "kingdee.BatchSave";

pub(crate) struct Scene {
    pub(crate) project: Project,
    pub(crate) people: People,
    shape: Shape,
    is_restored: bool,
    grouping: Option<Grouping>,
    pub(crate) batches: u64,
    /// Seconds before now that the source's windows end.
    ends_s: u64,
    environment: Vec<(&'static str, String)>,
    /// Points at which a run was killed indeed; none for a kill from outside.
    pub(crate) killed: Vec<Option<Point>>,
    pub(crate) runs: u64,
    /// What happened, for whoever reads of a failure.
    pub(crate) story: Vec<String>,
    pub(crate) found: Vec<Finding>,
}

impl Scene {
    pub(crate) fn new(case: &Case, on_change: &str, random: &mut Random) -> Self {
        let mut config = duijie_e2e::orders(case.documents, case.seed);
        config.kingdee.unique_numbers = case.class == Class::UniqueKey;
        config.lines = 1..=3;
        // A batch that is cut waits the settle time twice at each cut.
        let largest = if case.settle_ms > 1_000 && case.cuts() {
            4
        } else {
            100
        };
        let portion = (case.documents as u64 / random.between(5, 9)).clamp(4, largest);
        let portion = u32::try_from(portion).unwrap();
        let writers = random.pick(&[1, 2, 4]);
        let attempts = random.pick(&[3, 4, 5]);
        // With fewer, the tries of a batch may be used up before it is cut.
        let attempts = if case.cuts() { 5 } else { attempts };
        let guarantee = case.class.name();
        let settle = case.settle_ms;
        let mut project = Project::chaotic(config).changed(|manifest| {
            manifest
                .with_on_change(on_change)
                .with_portions(portion)
                .with_attempts(attempts)
                .with_source_setting("is_by_modified: true")
                .with("writers: 4", &format!("writers: {writers}"))
                .with(
                    "  guarantee: unique-key #",
                    &format!("  settle: {settle}ms\n  guarantee: {guarantee} #"),
                )
        });
        let grouping = case.shape.given(&mut project, portion, random);
        let mut environment = Vec::new();
        if let Some(guard) = case.off {
            environment.push(("DUIJIE_CHAOS_OFF", format!("{guard:?}")));
        }
        environment.push(("DUIJIE_CHAOS_FRESH", case.fresh_rows(random).to_string()));
        // A bill is written and goes two steps.
        let calls = if case.shape == Shape::Stepped { 3 } else { 1 };
        Self {
            project,
            people: People::default(),
            shape: case.shape,
            is_restored: false,
            grouping,
            ends_s: 3_000,
            batches: calls * case.documents as u64 / u64::from(portion),
            environment,
            killed: Vec::new(),
            runs: 0,
            story: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Some orders are refused from now on.
    pub(crate) fn refuse(&mut self, count: usize, whole: bool, random: &mut Random) {
        let numbers = match &self.grouping {
            Some(grouping) => grouping.first_numbers(&self.project.simulators),
            None => self.numbers(),
        };
        for bill_no in random.some(&numbers, count) {
            self.people.refused.insert(bill_no.clone());
            self.project.simulators.refuse(Refusal { bill_no, whole });
        }
    }

    pub(crate) fn accept_all(&mut self) {
        self.people.refused.clear();
        self.project.simulators.accept_all();
    }

    /// Time passes, some orders change in it, and the next runs see it. Of those, `audited` are audited in the
    /// target before, where they stand there.
    pub(crate) fn time_passes(&mut self, count: usize, audited: usize, random: &mut Random) {
        let (from, to) = self.more_time_passes();
        let orders = orders(&self.project.simulators);
        let mut documents = BTreeMap::new();
        for document in self.project.simulators.documents() {
            documents.insert(document.bill_no.clone(), document);
        }
        let changed = random.some(&self.numbers(), count);
        for (at, number) in changed.iter().enumerate() {
            if at < audited
                && self.grouping.is_none()
                && let Some(document) = documents.get(number)
            {
                assert!(self.project.simulators.audit(number));
                // With steps, what is locked is told by what is held in the end.
                if self.shape == Shape::Plain {
                    let stands = arrived_bill(document).0;
                    self.people.locked.insert(number.clone(), stands);
                }
            }
            let stockout_no = orders[number]["stockout_no"].as_str().unwrap().to_owned();
            let at = i64::try_from(random.below((to - from).unsigned_abs())).unwrap();
            assert!(self.project.simulators.change_order(&OrderChange {
                stockout_no,
                more_pieces: true,
                at: Some(from + at),
                ..OrderChange::default()
            }));
        }
        if self.grouping.is_some() {
            // Of groups that were sent, perhaps.
            self.project.simulators.add_orders(count, from, to);
            let numbers: Vec<String> = documents.keys().cloned().collect();
            for number in random.some(&numbers, audited) {
                assert!(self.project.simulators.audit(&number));
            }
        }
    }

    /// Time passes and new orders come, of groups that were sent, perhaps.
    pub(crate) fn orders_come(&mut self, count: usize) {
        let (from, to) = self.more_time_passes();
        self.project.simulators.add_orders(count, from, to);
    }

    /// Gives the bounds (unix seconds) of a time that the next runs see and earlier ones did not.
    pub(crate) fn more_time_passes(&mut self) -> (i64, i64) {
        self.ends_s -= 600;
        self.project.ten_minutes_pass()
    }

    /// How long ago an order changed that changes while it is read: after the end of the window, so that the
    /// change comes in a later one, as it does when it happens now.
    pub(crate) fn changed_ms(&self) -> u64 {
        (self.ends_s - 300) * 1_000
    }

    /// State was restored: what changed before counts as applied in the version that stands.
    pub(crate) fn restored(&mut self) {
        self.is_restored = true;
        unsure(&mut self.people, &self.project.simulators);
    }

    fn numbers(&self) -> Vec<String> {
        orders(&self.project.simulators).into_keys().collect()
    }

    /// `run stockouts`, killed.
    pub(crate) fn killed_run(&mut self, kill: &Kill) -> Ended {
        self.killed_command(&["run", "stockouts", "--json"], kill)
    }

    /// Any command, killed somewhere. It may as well end before, or fail.
    pub(crate) fn killed_command(&mut self, arguments: &[&str], kill: &Kill) -> Ended {
        let mut environment = self.environment.clone();
        environment.extend(kill.text().map(|text| ("DUIJIE_CHAOS_KILL", text)));
        self.runs += 1;
        let before = self.project.count(SAVE);
        let running = self.project.start_with(arguments, &environment);
        if let Kill::Outside { saves } = kill {
            let simulators = &self.project.simulators;
            simulators.wait_for_count(SAVE, before + saves, PATIENCE);
            running.kill();
        }
        let ended = running.end();
        self.tell(arguments, kill.text().unwrap_or_default(), &ended);
        match ended.code {
            KILLED => self.killed.push(match kill {
                Kill::At { point, .. } => Some(*point),
                Kill::Outside { .. } => None,
            }),
            0 | FAILED => {}
            NOTHING if arguments.first() != Some(&"run") => {}
            _ => self.broke(arguments, &ended),
        }
        self.no_panic(&ended);
        ended
    }

    /// Sends what waits, undisturbed. It may be that nothing waits any more, since recovery did it; the model
    /// tells whether that is so.
    pub(crate) fn mend(&mut self, arguments: &[&str]) {
        self.runs += 1;
        let ended = self.project.start_with(arguments, &self.environment).end();
        self.tell(arguments, String::new(), &ended);
        self.no_panic(&ended);
        if !matches!(ended.code, 0 | FAILED | NOTHING) {
            self.broke(arguments, &ended);
        }
    }

    /// Any command that nothing disturbs. It must succeed.
    pub(crate) fn command(&mut self, arguments: &[&str]) -> Option<Value> {
        self.runs += 1;
        let ended = self.project.start_with(arguments, &self.environment).end();
        self.tell(arguments, String::new(), &ended);
        self.no_panic(&ended);
        if ended.code != 0 {
            self.broke(arguments, &ended);
            return None;
        }
        Some(ended.data())
    }

    fn tell(&mut self, arguments: &[&str], kill: String, ended: &Ended) {
        let documents = self.project.simulators.document_count();
        let said = ended.stdout.trim();
        let step = format!(
            "{} {kill} -> {}, {documents} documents {said}",
            arguments.join(" "),
            ended.code
        );
        self.story.push(step);
    }

    fn broke(&mut self, arguments: &[&str], ended: &Ended) {
        let what = format!(
            "{} ended with {}: {} {}",
            arguments.join(" "),
            ended.code,
            ended.stdout.trim(),
            ended.stderr.trim()
        );
        self.found.push(Finding::new(Sort::Broke, what));
    }

    fn no_panic(&mut self, ended: &Ended) {
        if ended.stderr.contains("panicked at") {
            let what = format!("a panic: {}", ended.stderr.trim());
            self.found.push(Finding::new(Sort::Broke, what));
        }
    }

    /// Adds the target's side to the story.
    pub(crate) fn tell_requests(&mut self) {
        for request in self.project.simulators.requests() {
            if request.operation.starts_with("kingdee.") {
                self.story.push(format!(
                    "{} {} {} bytes -> {} {}",
                    request.at_ms,
                    request.operation,
                    request.bytes_in,
                    request.status,
                    request.detail
                ));
            }
        }
    }

    /// What waits for a person now.
    pub(crate) fn waiting(&mut self) -> Waiting {
        let groups = self.grouping.is_some();
        let mut list = |what: &str, member: &str, key: &str| {
            let data = self.command(&[what, "list", "--json"]).unwrap_or_default();
            let rows = data[member].as_array().cloned().unwrap_or_default();
            rows.iter()
                .map(|row| {
                    let why = format!("{}: {}", text(row, "code"), text(row, "message"));
                    (text(row, key), why)
                })
                .collect()
        };
        if !groups {
            return Waiting {
                holds: list("holds", "holds", "target_key"),
                letters: list("dead-letters", "dead_letters", "target_key"),
                ..Waiting::default()
            };
        }
        let holds: BTreeMap<String, String> = list("holds", "holds", "source_key");
        let letters: BTreeMap<String, String> = list("dead-letters", "dead_letters", "source_key");
        Waiting {
            held: self.groups(("holds", "holds"), &holds),
            refused: self.groups(("dead-letters", "dead_letters"), &letters),
            holds,
            letters,
        }
    }

    /// The groups among what waits, by their keys.
    fn groups(
        &mut self,
        (command, member): (&str, &str),
        waiting: &BTreeMap<String, String>,
    ) -> BTreeMap<String, WaitingGroup> {
        let mut groups = BTreeMap::new();
        for (key, why) in waiting.iter().filter(|(key, _)| key.starts_with("group:")) {
            let data = self.command(&[command, "show", key, "--json"]);
            let data = data.unwrap_or_default();
            // Records that are late for a group are found by its key too.
            let rows = data[member].as_array().cloned().unwrap_or_default();
            let row = rows.into_iter().find(|row| row["source_key"] == **key);
            let row = &row.unwrap_or_default();
            let group = WaitingGroup {
                target_key: text(row, "target_key"),
                why: why.clone(),
                record: text(row, "record"),
            };
            groups.insert(key.clone(), group);
        }
        groups
    }

    /// What the target holds against what it must hold.
    pub(crate) fn compare(&mut self, waiting: &Waiting) {
        let simulators = &self.project.simulators;
        let found = match &self.grouping {
            Some(grouping) => {
                let refused = &self.people.refused;
                grouped::compare(grouping, simulators, refused, self.is_restored, waiting)
            }
            None if self.shape == Shape::Stepped => {
                if self.is_restored {
                    unsure(&mut self.people, simulators);
                }
                stepped::lock(simulators, &mut self.people, waiting);
                let mut found = compare(simulators, &self.people, waiting);
                found.extend(stepped::audited(simulators));
                found
            }
            None => compare(simulators, &self.people, waiting),
        };
        self.found.extend(found);
    }

    /// What the rules of groups leave open is closed from now on.
    pub(crate) fn groups_close(&mut self) {
        if self.grouping.is_some() {
            self.command(&["run", "stockouts", "--json"]);
        }
        if let Some(grouping) = &self.grouping {
            self.project
                .change(|manifest| grouping.closed_at_end(manifest));
        }
    }
}

fn text(row: &Value, name: &str) -> String {
    row[name].as_str().unwrap_or_default().to_owned()
}

/// What is found under caution and cannot be written over counts as applied, whichever version it is.
fn unsure(people: &mut People, simulators: &Simulators) {
    for order in simulators.superseded_orders() {
        let number = text(&order, "order_no");
        let older = people.unsure.entry(number).or_default();
        older.push(expected(&order));
    }
}
