//! The ways to the same systems: every dialect of the source, every way to log in to the target.

use duijie_e2e::{Auth, Project, arrived_bill, check_exactly_once, orders};
use duijie_sim::Dialect;
use serde_json::Value;
use std::collections::BTreeMap;

#[test]
fn every_dialect_and_every_login_writes_the_same_bills() {
    let config = orders(130, 31);
    let mut first: Option<BTreeMap<String, Value>> = None;
    for dialect in [Dialect::Direct, Dialect::Qimen] {
        for auth in [
            Auth::Password,
            Auth::AppSecret,
            Auth::Sign,
            Auth::SignedHeaders,
        ] {
            let project = Project::speaking(config.clone(), dialect, auth);
            assert_eq!(
                project.run().expect(0).data()["applied"],
                130,
                "{dialect:?} {auth:?}"
            );
            check_exactly_once(&project.simulators);
            let asked = project.simulators.counts();
            check_login(auth, &asked);
            let documents = project.simulators.documents();
            let bills = documents
                .iter()
                .map(|one| (one.bill_no.clone(), arrived_bill(one).0));
            let bills: BTreeMap<String, Value> = bills.collect();
            assert_eq!(first.get_or_insert_with(|| bills.clone()), &bills);
        }
    }
}

#[test]
fn the_flagship_edition_gives_the_same_orders_both_ways() {
    let mut config = orders(130, 33);
    // An hour is the longest window; what reads them begins days before.
    config.period = std::time::Duration::from_secs(3 * 3_600);
    let numbers = [Dialect::Direct, Dialect::Flagship, Dialect::FlagshipQimen].map(|dialect| {
        let project = Project::speaking(config.clone(), dialect, Auth::AppSecret);
        let report = project.run().expect(0).data();
        assert_eq!(report["applied"], 130, "{dialect:?}: {report}");
        let documents = project.simulators.documents();
        let bills = documents
            .iter()
            .map(|one| (one.bill_no.clone(), arrived_bill(one).0));
        bills.collect::<BTreeMap<String, Value>>()
    });
    assert_eq!(numbers[0], numbers[1]);
    assert_eq!(numbers[0], numbers[2]);
}

#[track_caller]
fn check_login(auth: Auth, asked: &BTreeMap<String, u64>) {
    let wanted = match auth {
        Auth::Password => Some("kingdee.ValidateUser"),
        Auth::AppSecret => Some("kingdee.LoginByAppSecret"),
        Auth::Sign => Some("kingdee.LoginBySign"),
        Auth::SignedHeaders => None,
    };
    let logins: Vec<_> = asked
        .keys()
        .map(String::as_str)
        .filter(|name| name.contains("Login") || name.contains("Validate"))
        .collect();
    assert_eq!(logins, Vec::from_iter(wanted));
}
