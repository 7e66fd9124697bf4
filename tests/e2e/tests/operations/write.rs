//! What is asked of an operation that is written.

use crate::Answer;
use crate::operations::table::Question;
use crate::operations::vendors::{config, is_first};
use duijie_e2e::{End, Trial, Vendor};
use duijie_sim::{FaultKind, FaultRule};

pub(crate) const QUESTIONS: &[Question] = &[
    ("request", request),
    ("signature", signature),
    ("errors", errors),
    ("outcome", outcome),
    ("crash", crash),
];

const DOCUMENTS: usize = 12;

fn trial(vendor: Vendor, collection: &str) -> Trial {
    Trial::new(vendor, collection, End::Target, config())
}

/// The others are offered when two stand already: where a system shows no document at all, that one is missing
/// proves nothing.
fn at_work(vendor: Vendor, collection: &str) -> Trial {
    let trial = trial(vendor, collection);
    trial.offer_samples(0, 2);
    trial.run().expect(0);
    trial.offer_samples(2, DOCUMENTS - 2);
    trial
}

/// How the effects of all documents have to be counted, by the operation's guarantee.
enum Class {
    /// Each once.
    Once,
    /// Each at least once: again is the same.
    Upsert,
    /// Each at most once; what is in doubt waits for a person.
    AtMostOnce,
}

fn class(trial: &Trial) -> Class {
    let plan = trial.command(&["plan", "trial", "--json"]).expect(0).data();
    match plan["target"]["guarantee"].as_str() {
        Some("none") => Class::AtMostOnce,
        Some("natural-upsert") => Class::Upsert,
        Some(_) => Class::Once,
        None => panic!("the plan tells no guarantee: {plan}"),
    }
}

fn check(trial: &Trial, held: u64) -> Answer {
    let held_by_nature = held > 0 && is_blind(trial);
    let effects = trial.effects();
    let most = effects.values().copied().max().unwrap_or_default();
    let count = effects.len();
    let told =
        || format!("{count} documents, the most often written one {most} times, {held} held");
    match class(trial) {
        Class::Once if count == DOCUMENTS && most == 1 && held == 0 => Ok("once"),
        Class::Upsert if count == DOCUMENTS && held == 0 => Ok("upsert"),
        Class::Once if held_by_nature && most <= 1 && count as u64 + held >= DOCUMENTS as u64 => {
            Ok("held")
        }
        Class::AtMostOnce
            if most <= 1 && count <= DOCUMENTS && count as u64 + held >= DOCUMENTS as u64 =>
        {
            Ok("held")
        }
        _ => Err(format!(
            "{}; {}",
            told(),
            trial.command(&["holds", "list"]).stdout
        )),
    }
}

/// Where a dialect has no query that finds what was pushed, everything that is held says so.
fn is_blind(trial: &Trial) -> bool {
    let holds = trial.command(&["holds", "list", "--json"]).expect(0).data();
    let mut holds = holds["holds"].as_array().unwrap().iter();
    holds.all(|hold| hold.to_string().contains("no query of dialect"))
}

/// The strict simulator takes every document, once.
fn request(vendor: Vendor, collection: &str) -> Answer {
    let trial = trial(vendor, collection);
    trial.offer_samples(0, DOCUMENTS);
    let report = trial.run().expect(0).data();
    if report["applied"] != DOCUMENTS {
        return Err(report.to_string());
    }
    check(&trial, 0).map(|_| "yes")
}

/// With another secret nothing is written, and the run says whose it is; a request left, though, so that
/// where nothing can be looked up the documents wait for a person.
fn signature(vendor: Vendor, collection: &str) -> Answer {
    let mut word = "yes";
    for secret in vendor.secrets {
        let trial = trial(vendor, collection);
        trial.offer_samples(0, 2);
        trial.spoil_secret(secret);
        let ended = trial.run();
        let some = trial.effects().len();
        if some > 0 {
            return Err(format!(
                "{some} documents were written under a wrong {secret}"
            ));
        }
        match (ended.code, class(&trial)) {
            (0, Class::AtMostOnce) if held(&trial) == 2 => word = "held",
            _ => {
                ended.expect(1).says(&[vendor.name]);
            }
        }
    }
    Ok(word)
}

/// A body that breaks a rule is refused before anything is sent, becomes a dead letter that names the field,
/// and holds up nobody.
fn errors(vendor: Vendor, collection: &str) -> Answer {
    let trial = trial(vendor, collection);
    let broken = trial.system().broken(collection);
    for (n, one) in broken.iter().enumerate() {
        trial.offer(&format!("broken-{n}"), &one.json);
    }
    if !broken.is_empty() {
        trial.run().expect(0);
        let counts = trial.simulators.counts();
        if let Some(sent) = counts.get(&trial.operation()) {
            return Err(format!("{sent} requests were sent with broken bodies"));
        }
        let letters = trial.command(&["dead-letters", "list", "--json"]).expect(0);
        let letters = letters.data();
        for (n, one) in broken.iter().enumerate() {
            let key = format!("broken-{n}");
            let rows = letters["dead_letters"].as_array().unwrap();
            let letter = rows.iter().find(|row| row["source_key"] == key.as_str());
            let word = |name: &str| letter.and_then(|row| row[name].as_str());
            // The host asks for the field that is the document's number before the connector does.
            let is_named = word("field") == Some(&one.field);
            if !is_named && word("code") != Some("pipeline.key_missing") {
                return Err(format!("`{}` broken: {letter:?}", one.field));
            }
        }
    }
    trial.offer_samples(0, DOCUMENTS);
    let report = trial.run().expect(0).data();
    match (&report["applied"], broken.len()) {
        (applied, 0) if *applied == DOCUMENTS => Ok("no rule"),
        (applied, _) if *applied == DOCUMENTS => Ok("yes"),
        _ => Err(report.to_string()),
    }
}

const DOUBTFUL: [FaultKind; 7] = [
    FaultKind::DropAfterApply,
    FaultKind::Status502After,
    FaultKind::TruncatedJson,
    FaultKind::Html200,
    FaultKind::WrongEnvelope,
    FaultKind::Status502Before,
    FaultKind::DropBefore,
];

/// No answer, or one that cannot be understood, is doubt: looked up, sent again or held as the class says.
fn outcome(vendor: Vendor, collection: &str) -> Answer {
    let trial = at_work(vendor, collection);
    for (skip, kind) in (0..).zip(DOUBTFUL) {
        trial.simulators.add_fault(FaultRule {
            skip,
            ..FaultRule::once(&trial.operation(), kind)
        });
    }
    finish(&trial)?;
    check(&trial, held(&trial))
}

fn held(trial: &Trial) -> u64 {
    let holds = trial.command(&["holds", "list", "--json"]).expect(0).data();
    holds["holds"]
        .as_array()
        .map_or(0, |holds| holds.len() as u64)
}

/// Runs until one ends well.
fn finish(trial: &Trial) -> Result<(), String> {
    let mut last = String::new();
    for _ in 0..6 {
        let ended = trial.run();
        if ended.code == 0 {
            return Ok(());
        }
        last = format!("{}{}", ended.stdout, ended.stderr);
    }
    Err(format!("no run ends well: {last}"))
}

/// Killed around every send.
fn crash(vendor: Vendor, collection: &str) -> Answer {
    let trial = at_work(vendor, collection);
    let mut kills = 0;
    let points = [
        "AfterIntent",
        "DuringSend",
        "AfterSend",
        "BeforeOutcome",
        "AfterOutcome",
    ];
    let points = if is_first(vendor) {
        &points[..]
    } else {
        &points[1..3]
    };
    for point in points {
        kills += u32::from(trial.run_and_kill(point, 1).code == 137);
    }
    finish(&trial)?;
    match kills {
        0 => Err("no run was killed".to_owned()),
        _ => check(&trial, held(&trial)),
    }
}
