//! Sources whose rows come again until each was acknowledged, through the real host: what arrived is told to
//! the system, once killed or not, and nothing arrives twice.

use duijie_e2e::{End, Trial, Vendor, orders};
use duijie_sim::{FaultKind, FaultRule, Simulators};

const QUEUES: [(&str, &str); 2] = [
    ("logistics_sync_query", "logistics_sync_ack"),
    ("api_goods_stock_change_query", "api_goods_stock_change_ack"),
];

const VENDOR: Vendor = Vendor {
    name: "wangdiantong",
    dialect: None,
    system: Simulators::wangdiantong_system,
    source: |_, _| Vec::new(),
    target: |_| Vec::new(),
    key: |_| None,
    call: |collection, _| collection.to_owned(),
    secrets: &["WDT_APPSECRET"],
};

fn trial(query: &'static str, rows: usize) -> (Trial, Vec<u64>) {
    let trial = Trial::new(VENDOR, query, End::Source { page: None }, orders(0, 71));
    let queued = trial.simulators.queue_wangdiantong(query, rows);
    (trial, queued)
}

/// Every row arrived once, and the system was told of each.
#[track_caller]
fn check_told(trial: &Trial, query: &'static str, queued: &[u64]) {
    assert_eq!(trial.arrived().len(), queued.len(), "{query}");
    let mut told: Vec<u64> = trial
        .simulators
        .acknowledged_wangdiantong(query)
        .into_iter()
        .map(|(rec_id, _, _)| rec_id)
        .collect();
    told.sort_unstable();
    told.dedup();
    assert_eq!(told, queued, "{query}");
}

#[test]
fn every_row_of_a_queue_arrives_and_is_acknowledged() {
    for (query, _) in QUEUES {
        let (trial, queued) = trial(query, 30);
        let report = trial.run().expect(0).data();
        assert_eq!(report["applied"], 30, "{query}");
        check_told(&trial, query, &queued);
        let again = trial.run().expect(0).data();
        assert_eq!((&again["read"], &again["applied"]), (&0.into(), &0.into()));
    }
}

#[test]
fn an_acknowledgement_that_is_not_answered_is_given_again() {
    for (query, acknowledge) in QUEUES {
        let (trial, queued) = trial(query, 12);
        for kind in [FaultKind::Status502Before, FaultKind::DropAfterApply] {
            let operation = format!("wangdiantong.{acknowledge}");
            trial
                .simulators
                .add_fault(FaultRule::once(&operation, kind));
        }
        trial.run().expect(0);
        check_told(&trial, query, &queued);
    }
}

#[test]
fn a_run_that_is_killed_around_its_acknowledgements_is_gone_on_with() {
    for (query, _) in QUEUES {
        let (trial, queued) = trial(query, 30);
        let mut kills = 0;
        for point in [
            "AfterSend",
            "AfterOutcome",
            "BeforeAcknowledge",
            "AfterAcknowledge",
            "BeforeAcknowledge",
        ] {
            kills += u32::from(trial.run_and_kill(point, 1).code == 137);
        }
        assert!(kills >= 3, "{query}: {kills} kills");
        trial.run().expect(0);
        check_told(&trial, query, &queued);
    }
}
