//! Kingdee as a source: forms of the simulator read by the real component in pages of any size, while documents
//! are added and changed, and written into another form, where they are compared with the simulator's truth.

use duijie_e2e::{Ended, start_in};
use duijie_sim::{Config, FaultKind, FaultRule, Simulators};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::time::Duration;
use tempfile::TempDir;

const QUERY: &str = "kingdee.ExecuteBillQuery";

/// Later than the first windows end, and earlier than windows that end now.
const JUST_NOW_MS: i64 = 5_000;

pub(crate) struct Project {
    pub(crate) simulators: Simulators,
    folder: TempDir,
}

/// What is read, where it goes, and the rules between.
pub(crate) struct Wish<'w> {
    pub(crate) scope: &'w str,
    pub(crate) form: &'w str,
    pub(crate) settings: String,
    pub(crate) target: &'w str,
    pub(crate) target_settings: &'w str,
    pub(crate) rules: &'w str,
}

impl Project {
    pub(crate) fn new(config: Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let simulators = Simulators::start_blocking(config).unwrap();
        duijie_sim::write_connections(&simulators, folder.path()).unwrap();
        // The same account again, since a pipeline reads and writes different connections or collections.
        let connections = folder.path().join("connections");
        let text = std::fs::read_to_string(connections.join("kingdee.yaml")).unwrap();
        let text = text.replace("connection: kingdee", "connection: reader");
        std::fs::write(connections.join("reader.yaml"), text).unwrap();
        Self { simulators, folder }
    }

    pub(crate) fn write(&self, wish: &Wish<'_>) {
        let pipelines = self.folder.path().join("pipelines");
        std::fs::create_dir_all(&pipelines).unwrap();
        let Wish {
            form,
            settings,
            target,
            target_settings,
            rules,
            scope,
        } = wish;
        let text = format!(
            "pipeline: forms\nscope: {scope}\nenabled: true\nschedule: every 5m\n\
             source:\n  connector: kingdee\n  connection: reader\n  collection: {form}\n  settings: {settings}\n\
             transform:\n  - connector: map\n    settings:\n      rules:\n{rules}\
             target:\n  connector: kingdee\n  connection: kingdee\n  collection: {target}\n  settings: {target_settings}\n\
             on_change: update\n\
             retries: {{ attempts: 5, first_wait: 10ms, longest_wait: 50ms }}\n\
             limits: {{ batch_records: 50, writers: 2 }}\n"
        );
        std::fs::write(pipelines.join("forms.yaml"), text).unwrap();
    }

    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        start_in(self.folder.path(), arguments).end()
    }

    fn count(&self, operation: &str) -> u64 {
        self.simulators
            .counts()
            .get(operation)
            .copied()
            .unwrap_or_default()
    }
}

/// Materials become materials of a second name; digits are carried in the description.
const MATERIALS: &str = "        - { field: FNumber, type: string, value: \"M-{{FMATERIALID}}\", required: true }\n\
    \x20       - { field: FName, type: string, value: \"{{FName}}\" }\n\
    \x20       - { field: FDescription, type: string, value: \"{{FNumber}}|{{FGROSSWEIGHT}}|{{FModifyDate}}\" }\n";

/// Orders become outbound bills with the same rows.
const ORDERS: &str = "        - { field: FBillNo, type: string, value: \"C-{{FID}}\", required: true }\n\
    \x20       - { field: FBillTypeID, type: string, value: XSCKD01_SYS }\n\
    \x20       - { field: FDate, type: string, value: \"{{FDate}}\" }\n\
    \x20       - { field: FSaleOrgId, type: string, value: \"{{FSaleOrgId_FNumber}}\" }\n\
    \x20       - { field: FCustomerID, type: string, value: \"{{FCustId_FNumber}}\" }\n\
    \x20       - { field: FStockOrgId, type: string, value: \"{{FSaleOrgId_FNumber}}\" }\n\
    \x20       - { field: FNote, type: string, value: \"{{FNote}}\" }\n\
    \x20       - { field: FEntity, type: array, value: FSaleOrderEntry, required: true }\n\
    \x20       - { field: FEntity.FMaterialID, type: string, value: \"{{FSaleOrderEntry.FMaterialId_FNumber}}\" }\n\
    \x20       - { field: FEntity.FRealQty, type: string, value: \"{{FSaleOrderEntry.FQty}}\" }\n\
    \x20       - { field: FEntity.FTaxPrice, type: string, value: \"{{FSaleOrderEntry.FTaxPrice}}\" }\n";

/// Members of a document as the text that they came in, so that every digit counts.
type Raw = BTreeMap<String, Box<RawValue>>;

fn raw(json: &str) -> Raw {
    serde_json::from_str(json).unwrap()
}

fn rows(json: &RawValue) -> Vec<Raw> {
    serde_json::from_str(json.get()).unwrap()
}

/// Documents of a form by number.
fn documents(simulators: &Simulators, form: &str) -> BTreeMap<String, Raw> {
    let all = simulators.documents_of(form).into_iter();
    all.map(|document| (document.bill_no, raw(&document.json)))
        .collect()
}

/// Every order stands as a bill with its rows, digit by digit, once.
#[track_caller]
fn check_orders(simulators: &Simulators) {
    let bills = documents(simulators, "SAL_OUTSTOCK");
    let orders = simulators.kingdee_system().rows("SAL_SaleOrder");
    assert_eq!(bills.len(), orders.len());
    for order in orders {
        let bill = &bills[&format!("C-{}", order.key)];
        let wanted = raw(&order.json);
        assert_eq!(bill["FNote"].get(), wanted["FNote"].get(), "{}", order.key);
        let bill_rows = rows(&bill["FEntity"]).into_iter().map(|row| {
            let material = raw(row["FMaterialID"].get());
            [&material["FNumber"], &row["FRealQty"], &row["FTaxPrice"]].map(|text| text.to_string())
        });
        let order_rows = rows(&wanted["FSaleOrderEntry"]).into_iter().map(|row| {
            ["FMaterialId_FNumber", "FQty", "FTaxPrice"].map(|name| row[name].to_string())
        });
        let (bill_rows, order_rows): (Vec<_>, Vec<_>) = (bill_rows.collect(), order_rows.collect());
        assert_eq!(bill_rows, order_rows, "{}", order.key);
    }
}

/// Orders that changed in the last hours, up to ten minutes ago.
fn with_orders(count: usize) -> Project {
    let project = Project::new(Config::new(0, 9));
    let now_ms = project.simulators.clock().now_ms();
    let (from, to) = (now_ms - 7_200_000, now_ms - 600_000);
    project
        .simulators
        .add_documents("SAL_SaleOrder", count, from, to);
    project
}

fn orders(page_size: u32, settle: u32) -> Wish<'static> {
    Wish {
        scope: "forms",
        form: "SAL_SaleOrder",
        settings: format!("{{ page_size: {page_size}, settle: {settle}s, overlap: 0s }}"),
        target: "SAL_OUTSTOCK",
        target_settings: "{}",
        rules: ORDERS,
    }
}

#[test]
fn bills_with_rows_arrive_whole_in_pages_of_any_size() {
    for page_size in [1, 7, 2000] {
        let project = with_orders(45);
        project.write(&orders(page_size, 60));
        let report = project.run(&["run", "forms", "--json"]).expect(0).data();
        assert_eq!(report["applied"], 45, "{page_size}");
        check_orders(&project.simulators);
    }
}

#[test]
fn what_is_added_and_changed_while_reading_is_not_lost() {
    for page_size in [1, 7] {
        let project = with_orders(40);
        // Each of the first pages changes the document that it gave first.
        project.simulators.add_fault(FaultRule {
            skip: 1,
            times: Some(6),
            ms: JUST_NOW_MS.unsigned_abs(),
            ..FaultRule::once(QUERY, FaultKind::ChangeRows)
        });
        project.write(&orders(page_size, 60));
        let running = start_in(project.folder.path(), &["run", "forms"]);
        assert!(
            project
                .simulators
                .wait_for_count(QUERY, 3, Duration::from_secs(60))
        );
        let at_ms = project.simulators.clock().now_ms() - JUST_NOW_MS;
        project
            .simulators
            .add_documents("SAL_SaleOrder", 5, at_ms, at_ms);
        let ids: Vec<i64> = project
            .simulators
            .documents_of("SAL_SaleOrder")
            .iter()
            .map(|document| document.fid)
            .collect();
        for id in ids.iter().rev().step_by(9) {
            assert!(
                project
                    .simulators
                    .change_document("SAL_SaleOrder", *id, at_ms)
            );
        }
        running.end().expect(0);
        // What changed just now is read once it has settled.
        project.write(&orders(page_size, 0));
        project.run(&["run", "forms"]).expect(0);
        check_orders(&project.simulators);
        assert_eq!(
            project.run(&["run", "forms", "--json"]).expect(0).data()["applied"],
            0
        );
    }
}

#[test]
fn base_data_keeps_its_names_and_digits() {
    let project = Project::new(Config::new(0, 9));
    let before = project.simulators.kingdee_system().rows("BD_MATERIAL");
    project.write(&Wish {
        scope: "forms",
        form: "BD_MATERIAL",
        settings: "{ page_size: 7, filter: \"FNumber<'SKU-9999'\" }".to_owned(),
        target: "BD_Supplier",
        target_settings: "{}",
        rules: MATERIALS,
    });
    let ended = project.run(&["run", "forms", "--json"]).expect(0);
    assert_eq!(ended.data()["applied"], before.len());
    let written = documents(&project.simulators, "BD_Supplier");
    for material in before {
        let wanted = raw(&material.json);
        let supplier = &written[&format!("M-{}", material.key)];
        assert_eq!(supplier["FName"].get(), wanted["FName"].get());
        let text = |name: &str| wanted[name].get().trim_matches('"').to_owned();
        let told = ["FNumber", "FGROSSWEIGHT", "FModifyDate"]
            .map(text)
            .join("|");
        assert_eq!(supplier["FDescription"].get(), format!("\"{told}\""));
    }
}

#[test]
fn trouble_on_the_way_is_read_again() {
    let project = with_orders(30);
    for kind in [
        FaultKind::SessionLost,
        FaultKind::TruncatedJson,
        FaultKind::Html200,
        FaultKind::Status502Before,
        FaultKind::Throttle,
        FaultKind::DropBefore,
        FaultKind::WrongEnvelope,
    ] {
        project.simulators.add_fault(FaultRule::once(QUERY, kind));
    }
    project.write(&orders(5, 60));
    for _ in 0..4 {
        project.run(&["run", "forms"]);
    }
    project.run(&["run", "forms"]).expect(0);
    check_orders(&project.simulators);
}

#[test]
fn a_run_that_is_killed_goes_on_behind_what_it_wrote() {
    let project = with_orders(60);
    project.write(&orders(3, 60));
    for round in 1..4 {
        let saves = project.count("kingdee.BatchSave");
        let running = start_in(project.folder.path(), &["run", "forms"]);
        project.simulators.wait_for_count(
            "kingdee.BatchSave",
            saves + round,
            Duration::from_secs(20),
        );
        running.kill();
        running.end();
    }
    project.run(&["run", "forms"]).expect(0);
    check_orders(&project.simulators);
}
