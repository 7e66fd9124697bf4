//! Schemes of another platform become manifests that plan and run: the real binary reads the scheme, the real
//! connectors say what is what, the real mapping judges the rules.

use duijie_e2e::{Project, check_exactly_once, orders};
use std::fs;
use std::path::PathBuf;

fn scheme(name: &str) -> PathBuf {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/import");
    PathBuf::from(root).join(name)
}

/// Imports into `pipelines/imported.yaml`, as the pipeline `imported`.
fn import(project: &Project, file: &str, more: &[&str]) -> serde_json::Value {
    let (file, out) = (scheme(file), project.path("pipelines/imported.yaml"));
    let file = file.to_str().unwrap();
    let mut arguments = vec!["import", "qeasy", file, "--name", "imported", "--json"];
    arguments.extend(["--out", out.to_str().unwrap()]);
    arguments.extend(more);
    project.command(&arguments).expect(0).data()
}

/// Lines of the report with this outcome, by place.
fn lines<'r>(report: &'r serde_json::Value, outcome: &str) -> Vec<&'r serde_json::Value> {
    let lines = report["report"].as_array().unwrap().iter();
    lines.filter(|line| line["outcome"] == outcome).collect()
}

fn edit(project: &Project, change: impl Fn(String) -> String) {
    let path = project.path("pipelines/imported.yaml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(path, change(text)).unwrap();
}

#[test]
fn the_table_of_an_article_plans_and_runs_as_the_written_pipeline_does() {
    let project = Project::new(orders(12, 91));
    let report = import(&project, "article.txt", &[]);
    assert_eq!(lines(&report, "left out").len(), 0, "{report:#}");
    let plan = project.command(&["plan", "imported"]).expect(0);
    plan.says(&[
        "stockout_order_query_trade",
        "SAL_OUTSTOCK",
        "nothing was written",
    ]);

    // The article's filters are those of one document; without them every order goes.
    let written = fs::read_to_string(project.path("pipelines/stockouts.yaml")).unwrap();
    let setting = |name: &str| {
        let mut lines = written.lines().map(str::trim);
        lines
            .find(|line| line.starts_with(name))
            .unwrap()
            .to_owned()
    };
    let (start, settle) = (setting("start_time:"), setting("settle:"));
    edit(&project, |text| {
        text.replace(
            "start_time: \"2022-10-12 13:40:00\"",
            &format!("{start}\n    {settle}"),
        )
        .replace("status: \"110\"", "status: \"95,105,110,113\"")
        .replace("    stockout_no: \"CK20221012559\"\n", "")
        .replace("    shop_no: \"FENXIAO004\"\n", "")
    });
    let done = project
        .command(&["run", "imported", "--json"])
        .expect(0)
        .data();
    assert_eq!(done["applied"], 12, "{done}");
    check_exactly_once(&project.simulators);
}

#[test]
fn what_a_scheme_has_beyond_the_dialect_is_left_out_and_the_rest_plans() {
    let project = Project::new(orders(3, 92));
    let report = import(&project, "scheme.json", &["--start", "2025-10-01 00:00:00"]);
    let left: Vec<_> = lines(&report, "left out")
        .iter()
        .map(|line| line["place"].as_str().unwrap().to_owned())
        .collect();
    // The mapping refused the field that would be another one at each try.
    assert!(
        left.contains(&"target.request F_now 当前时间".to_owned()),
        "{left:?}"
    );
    assert!(
        left.contains(&"target.request F_old 旧写法".to_owned()),
        "{left:?}"
    );
    let manifest = report["manifest"].as_str().unwrap();
    // What was missed is looked for by the schedule itself.
    assert!(manifest.contains("catch_up: { cron: "), "{manifest}");
    assert!(manifest.contains("enabled: false"), "{manifest}");
    assert!(
        manifest.contains("        # - { field: F_now, label: 当前时间"),
        "{manifest}"
    );
    project.command(&["plan", "imported"]).expect(0);
}

#[test]
fn an_import_overwrites_nothing_and_names_the_connectors_that_could_be_meant() {
    let project = Project::new(orders(1, 93));
    import(&project, "article.txt", &[]);
    let file = scheme("article.txt");
    let file = file.to_str().unwrap();
    let out = project.path("pipelines/imported.yaml");
    let again = ["import", "qeasy", file, "--out", out.to_str().unwrap()];
    project
        .command(&again)
        .expect(2)
        .says(&["is there already"]);
    let wrong = ["import", "qeasy", file, "--source", "nothing"];
    project.command(&wrong).expect(2).says(&[
        "no connector here is a source",
        "choose one with --source: ",
    ]);
    let printed = project.command(&["import", "qeasy", file]).expect(0);
    assert!(printed.stdout.starts_with("# 旺店通"), "{}", printed.stdout);
    assert!(
        printed.stderr.contains("with a change, 0 left out"),
        "{}",
        printed.stderr
    );
}

#[test]
fn a_scheme_that_reads_a_form_and_pushes_documents_runs_as_it_is_imported() {
    let project = Project::new(orders(0, 94));
    let report = import(&project, "goods.json", &["--start", "2020-01-01 00:00:00"]);
    assert_eq!(lines(&report, "left out").len(), 0, "{report:#}");
    let manifest = report["manifest"].as_str().unwrap();
    for line in [
        "collection: BD_MATERIAL",
        "time_field: \"FModifyDate\"",
        "filter: \"FDocumentStatus='C'\"",
        "fields: [\"FNumber\", \"FName\"]",
        "collection: goods_push",
        "key: goods_no",
    ] {
        assert!(manifest.contains(line), "{line}: {manifest}");
    }
    let done = project.command(&["run", "imported", "--json"]);
    let done = done.expect(0).data();
    let materials = project.simulators.kingdee_system().rows("BD_MATERIAL");
    assert!(!materials.is_empty());
    assert_eq!(done["applied"], materials.len(), "{done}");
    let system = project.simulators.wangdiantong_system();
    let pushed = system.written("goods_push");
    let numbers: Vec<&str> = pushed.iter().map(|row| row.key.as_str()).collect();
    for material in &materials {
        let material: serde_json::Value = serde_json::from_str(&material.json).unwrap();
        let number = material["FNumber"].as_str().unwrap();
        assert!(numbers.contains(&number), "{number}");
    }
}
