//! Every form of Kingdee that the connector knows: read whole, written once, and refused by the name of the
//! field that it lacks.

use duijie_e2e::{End, Trial, Vendor};
use duijie_sim::{Config, Simulators, System};
use serde_json::Value;
use std::collections::BTreeSet;

const KINGDEE: Vendor = Vendor {
    name: "kingdee",
    dialect: None,
    system,
    source: |_, page| {
        page.map(|page| format!("page_size: {page}"))
            .into_iter()
            .collect()
    },
    target: |_| Vec::new(),
    key: |_| None,
    call: |_, end| match end {
        End::Source { .. } => "ExecuteBillQuery".to_owned(),
        End::Target => "BatchSave".to_owned(),
    },
    secrets: &["KINGDEE_APP_SECRET"],
};

fn system(simulators: &Simulators) -> &dyn System {
    simulators.kingdee_system()
}

/// Some forms at a time.
fn each(forms: &[String], check: impl Fn(&str) + Sync) {
    std::thread::scope(|scope| {
        for start in 0..3 {
            let check = &check;
            scope.spawn(move || {
                forms
                    .iter()
                    .skip(start)
                    .step_by(3)
                    .for_each(|form| check(form))
            });
        }
    });
}

fn forms(of: impl Fn(&dyn System) -> Vec<String>) -> Vec<String> {
    let simulators = Simulators::start_blocking(Config::new(0, 5)).unwrap();
    of(simulators.kingdee_system())
}

#[test]
fn every_form_is_read_as_it_stands() {
    each(&forms(|system| system.sources()), |form| {
        let trial = Trial::new(
            KINGDEE,
            form,
            End::Source { page: Some(7) },
            Config::new(0, 5),
        );
        let at_ms = trial.simulators.clock().now_ms() - 600_000;
        trial
            .simulators
            .add_documents(form, 9, at_ms - 1_000, at_ms);
        trial.run().expect(0);
        assert_eq!(trial.arrived(), trial.truth(), "{form}");
        assert_eq!(trial.run().expect(0).data()["applied"], 0, "{form}");
    });
}

#[test]
fn every_form_is_written_once() {
    each(&forms(|system| system.targets()), |form| {
        let trial = Trial::new(KINGDEE, form, End::Target, Config::new(0, 5));
        trial.offer_samples(1, 7);
        let report = trial.run().expect(0).data();
        assert_eq!(report["applied"], 7, "{form}: {report}");
        let effects = trial.effects();
        assert_eq!(
            (effects.len(), effects.values().sum::<usize>()),
            (7, 7),
            "{form}"
        );
    });
}

#[test]
fn what_a_document_lacks_is_named_before_anything_is_sent() {
    each(&forms(|system| system.targets()), |form| {
        let trial = Trial::new(KINGDEE, form, End::Target, Config::new(0, 5));
        let broken = trial.system().broken(form);
        for (n, broken) in broken.iter().enumerate() {
            trial.offer(&n.to_string(), &broken.json);
        }
        trial.run();
        let listed = trial
            .command(&["dead-letters", "list", "--json"])
            .expect(0)
            .data();
        let letters = listed["dead_letters"].as_array().unwrap().iter();
        let named: BTreeSet<&str> = letters
            .map(|letter: &Value| letter["field"].as_str().unwrap())
            .collect();
        let expected: BTreeSet<&str> = broken.iter().map(|broken| broken.field.as_str()).collect();
        assert_eq!(named, expected, "{form}");
        let counts = trial.simulators.counts();
        assert_eq!(counts.get("kingdee.BatchSave"), None, "{form}");
    });
}
