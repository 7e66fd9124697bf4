//! What is done with documents of Kingdee that stand, chosen by settings: each once, whatever happens to the
//! answers.

use super::kingdee_source::{Project, Wish};
use duijie_sim::{Config, FaultKind, FaultRule};
use serde_json::Value;
use std::collections::BTreeMap;

const ORDERS: usize = 12;

fn project() -> Project {
    let project = Project::new(Config::new(0, 9));
    let at_ms = project.simulators.clock().now_ms() - 600_000;
    let simulators = &project.simulators;
    simulators.add_documents("SAL_SaleOrder", ORDERS, at_ms - 1_000, at_ms);
    project
}

/// Does something with every order, while answers of that operation are lost.
#[track_caller]
fn operate(project: &Project, operation: &str, settings: &str) {
    let scope = format!("orders-{}", operation.to_lowercase());
    project.write(&Wish {
        scope: &scope,
        form: "SAL_SaleOrder",
        settings: "{ fields: [FBillNo], page_size: 5 }".to_owned(),
        target: "SAL_SaleOrder",
        target_settings: settings,
        rules: "        - { field: FBillNo, type: string, value: \"{{FBillNo}}\", required: true }\n",
    });
    for kind in [
        FaultKind::Status502After,
        FaultKind::TruncatedJson,
        FaultKind::LateApply,
        FaultKind::SessionLost,
    ] {
        project.simulators.add_fault(FaultRule {
            ms: 100,
            ..FaultRule::once(&format!("kingdee.{operation}"), kind)
        });
    }
    let report = project.run(&["run", "forms", "--json"]).expect(0).data();
    let told = (&report["applied"], &report["held"], &report["rejected"]);
    assert_eq!(
        told,
        (&ORDERS.into(), &0.into(), &0.into()),
        "{operation}: {report}"
    );
    project.simulators.clear_faults();
    let again = project.run(&["run", "forms", "--json"]).expect(0).data();
    assert_eq!(again["applied"], 0, "{operation}");
}

fn states(project: &Project) -> String {
    let orders = project.simulators.documents_of("SAL_SaleOrder");
    orders.iter().map(|order| order.status).collect()
}

#[test]
fn orders_go_through_their_life() {
    let project = project();
    operate(&project, "Submit", "{ operation: Submit }");
    assert_eq!(states(&project), "CBBCBBCBBCBB");
    operate(&project, "Audit", "{ operation: Audit }");
    assert_eq!(states(&project), "C".repeat(ORDERS));
    operate(
        &project,
        "Push",
        "{ operation: Push, options: { TargetFormId: SAL_OUTSTOCK, IsEnableDefaultRule: true } }",
    );
    let mut pushed: BTreeMap<String, usize> = BTreeMap::new();
    for bill in project.simulators.documents() {
        let bill: Value = serde_json::from_str(&bill.json).unwrap();
        let source = bill["FEntity"][0]["FSrcBillNo"].as_str().unwrap();
        *pushed.entry(source.to_owned()).or_default() += 1;
    }
    let once = pushed.values().all(|times| *times == 1);
    assert_eq!((pushed.len(), once), (ORDERS, true), "{pushed:?}");
    operate(
        &project,
        "ExcuteOperation",
        "{ operation: ExcuteOperation, options: { opNumber: BillClose } }",
    );
    operate(&project, "UnAudit", "{ operation: UnAudit }");
    assert_eq!(states(&project), "D".repeat(ORDERS));
    operate(&project, "Delete", "{ operation: Delete }");
    assert_eq!(states(&project), "");
}
