//! Waiqin365 as the built component reads it and writes to it, one collection of each kind: the table of all
//! operations is asked elsewhere.

use duijie_e2e::{End, Trial, WAIQIN365, orders};
use duijie_sim::{FaultKind, FaultRule};

fn reading(collection: &str, page: u32) -> Trial {
    Trial::new(
        WAIQIN365,
        collection,
        End::Source { page: Some(page) },
        orders(0, 17),
    )
}

fn writing(collection: &str) -> Trial {
    Trial::new(WAIQIN365, collection, End::Target, orders(0, 17))
}

#[test]
fn what_is_read_is_what_there_is_and_then_what_is_new() {
    for (collection, page) in [
        ("getDmsPurchaseOrderInfos", 7),
        ("queryOrder", 1000),
        ("carsales", 7),
        ("queryStock", 7),
        ("queryCmQuotaByGroup", 4),
    ] {
        let trial = reading(collection, page);
        assert_eq!(trial.run().expect(0).data()["applied"], 30, "{collection}");
        assert_eq!(trial.arrived(), trial.truth(), "{collection}");
        assert_eq!(trial.run().expect(0).data()["applied"], 0, "{collection}");
        let key = &trial.system().rows(collection)[11].key;
        assert!(trial.system().change_row(collection, key));
        assert_eq!(trial.system().add_rows(collection, 2).len(), 2);
        assert_eq!(trial.run().expect(0).data()["applied"], 3, "{collection}");
        assert_eq!(trial.arrived(), trial.truth(), "{collection}");
    }
}

#[test]
fn what_changes_while_pages_are_read_is_not_lost() {
    let trial = reading("getDmsOrderSentInfos", 3);
    // Behind every page its first record changes; before a day has passed it comes to rest.
    trial.simulators.add_fault(FaultRule {
        times: Some(25),
        ..FaultRule::once(&trial.operation(), FaultKind::ChangeRows)
    });
    trial.run().expect(0);
    trial.run().expect(0);
    assert_eq!(trial.arrived(), trial.truth());
}

#[test]
fn documents_are_written_once_whatever_becomes_of_the_answers() {
    for collection in ["addSent", "addPurchase", "addCoupon", "returnOrder"] {
        let trial = writing(collection);
        trial.offer_samples(0, 8);
        for (skip, kind) in [
            (1, FaultKind::DropAfterApply),
            (2, FaultKind::DropBefore),
            (3, FaultKind::Html200),
        ] {
            trial.simulators.add_fault(FaultRule {
                skip,
                ..FaultRule::once(&trial.operation(), kind)
            });
        }
        trial.run().expect(0);
        let effects = trial.effects();
        assert_eq!(effects.len(), 8, "{collection}");
        assert!(effects.values().all(|times| *times == 1), "{effects:?}");
    }
}

#[test]
fn balances_go_up_in_one_request_and_a_deposit_in_doubt_waits() {
    let trial = writing("receiveCustomerWithBalance");
    trial.offer_samples(0, 5);
    trial.run().expect(0);
    assert_eq!(trial.effects().len(), 5);
    assert_eq!(trial.simulators.counts()[&trial.operation()], 1);
    let trial = writing("savePreDeposit");
    trial.offer_samples(0, 3);
    let lost = FaultRule::once(&trial.operation(), FaultKind::DropAfterApply);
    trial.simulators.add_fault(lost);
    trial.run();
    trial.run();
    let effects = trial.effects();
    assert!(effects.values().all(|times| *times == 1), "{effects:?}");
    let holds = trial.command(&["holds", "list", "--json"]).expect(0).data();
    assert_eq!(holds["holds"].as_array().unwrap().len(), 1, "{holds}");
}

#[test]
fn a_broken_document_is_a_dead_letter_that_names_the_field() {
    let trial = writing("addSent");
    let broken = trial.system().broken("addSent");
    for (n, one) in broken.iter().enumerate() {
        trial.offer(&format!("broken-{n}"), &one.json);
    }
    trial.run().expect(0);
    assert_eq!(trial.simulators.counts().get(&trial.operation()), None);
    let letters = trial.command(&["dead-letters", "list", "--json"]).expect(0);
    let letters = letters.data()["dead_letters"].clone();
    let mut named: Vec<_> = letters
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["field"].as_str().unwrap())
        .collect();
    let mut fields: Vec<_> = broken.iter().map(|one| one.field.as_str()).collect();
    named.sort_unstable();
    fields.sort_unstable();
    assert_eq!(named, fields);
}
