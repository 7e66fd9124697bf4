//! Schemes in, manifests and reports out, as files of `tests/golden/import`:
//! beside each scheme its manifest and, a line each, what became of it.
//! `BLESS=1` writes both. The mapping's judgement is a matter of the end-to-end
//! tests, which have the real component.

use std::fmt::Write as _;
use std::path::PathBuf;

use duijie_contract::{CollectionInfo, Description, Guarantee, Role, Title};
use duijie_manifest::Document;

use crate::{Draft, Error, Wish, article, qeasy};

mod offers;

fn file(name: &str) -> PathBuf {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");
    PathBuf::from(root).join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(file(name)).unwrap()
}

fn described(name: &str, role: Role, schema: &str, collection: &str, key: &str) -> Description {
    let title = Title {
        en: String::new(),
        zh: String::new(),
    };
    Description {
        name: name.to_owned(),
        version: String::from("0.1.0"),
        digest: String::new(),
        title: title.clone(),
        roles: vec![role],
        imports: Vec::new(),
        lookup: false,
        steps: Vec::new(),
        connection_schema: String::from("{}"),
        pipeline_schemas: vec![(role, text(schema))],
        collections: vec![CollectionInfo {
            name: collection.to_owned(),
            role,
            title,
            key: vec![key.to_owned()],
            guarantee: Guarantee::UniqueKey,
            settle_ms: 0,
            max_records: 0,
            max_bytes: 0,
            draining: false,
        }],
        other_collections: true,
        recipes: Vec::new(),
        egress: Vec::new(),
        sessions: 0,
        calls_per_minute: 0,
    }
}

/// The connectors' own schemas, with what they say of schemes.
fn known() -> Vec<Description> {
    vec![
        described(
            "wangdiantong",
            Role::Source,
            "connectors/wangdiantong/settings/source.schema.json",
            "stockout_order_query_trade",
            "stockout_id",
        ),
        described(
            "kingdee",
            Role::Target,
            "connectors/kingdee/schema/pipeline.json",
            "SAL_OUTSTOCK",
            "FBillNo",
        ),
    ]
}

fn wish() -> Wish {
    Wish {
        today: String::from("2025-10-01 00:00:00"),
        connections: vec![("kingdee".to_owned(), "kd-main".to_owned())],
        ..Wish::default()
    }
}

fn draft(scheme: &str) -> Result<Draft, Error> {
    qeasy(
        &[(String::from("scheme"), scheme.to_owned())],
        &known(),
        &wish(),
    )
}

fn report(draft: &Draft) -> String {
    let mut told = String::new();
    for line in draft.report() {
        writeln!(
            told,
            "{}: {}: {}",
            line.outcome.as_str(),
            line.place,
            line.what
        )
        .unwrap();
        for (word, said) in [("because", &line.why), ("hint", &line.todo)] {
            if !said.is_empty() {
                writeln!(told, "  {word}: {said}").unwrap();
            }
        }
    }
    told
}

fn golden(path: &str, found: &str) {
    let path = file(path);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    assert_eq!(
        found,
        std::fs::read_to_string(&path).unwrap(),
        "{}",
        path.display()
    );
}

fn check(name: &str) -> Draft {
    let (stem, _) = name.split_once('.').unwrap();
    let draft = draft(&text(&format!("tests/golden/import/{name}"))).unwrap();
    let manifest = draft.manifest();
    golden(&format!("tests/golden/import/{stem}.yaml"), &manifest);
    golden(
        &format!("tests/golden/import/{stem}.report"),
        &report(&draft),
    );
    let (document, _) = Document::pipeline("imported.yaml", &manifest);
    let node = document.unwrap().node;
    let written = node.pointer("/transform/0/settings").unwrap().to_value();
    let judged: serde_json::Value = serde_json::from_str(&draft.mapping()).unwrap();
    assert_eq!(written, judged, "what is judged is what is written");
    draft
}

#[test]
fn an_article_becomes_a_manifest() {
    let draft = check("article.txt");
    let lines = draft.report();
    assert!(
        lines
            .iter()
            .all(|line| line.outcome != crate::Outcome::Left)
    );
}

#[test]
fn a_scheme_says_line_by_line_what_became_of_it() {
    check("scheme.json");
}

#[test]
fn flattened_rows_that_are_grouped_again_become_a_group_over_their_list() {
    check("grouped.json");
}

#[test]
fn both_sides_may_come_in_files_of_their_own() {
    let whole: serde_json::Value =
        serde_json::from_str(&text("tests/golden/import/scheme.json")).unwrap();
    let one = |side: &str| (side.to_owned(), whole[side].to_string());
    let parts = [one("target"), one("source")];
    let split = qeasy(&parts, &known(), &wish()).unwrap();
    let joined = draft(&whole.to_string()).unwrap();
    assert_eq!(split.manifest(), joined.manifest());
}

#[test]
fn every_row_of_the_article_is_read() {
    let sides = article::read(&text("tests/golden/import/article.txt"));
    let counts: Vec<_> = sides
        .iter()
        .map(|side| (side.api.as_str(), side.request.len(), side.response.len()))
        .collect();
    assert_eq!(
        counts,
        [
            ("wdt.stockout.order.query.trade", 10, 99),
            ("batchSave", 41, 0)
        ]
    );
    let last = sides[1].request.last().unwrap();
    assert_eq!((last.name(), last.value.as_str()), ("SubSystemId", "21"));
    let flags: Vec<_> = sides[1]
        .request
        .iter()
        .filter(|row| row.kind == "bool")
        .map(|row| (row.label.as_str(), row.value.as_str()))
        .collect();
    assert_eq!(flags, [("提交并审核", "false"), ("验证基础资料", "false")]);
}

#[test]
fn cells_of_an_article_are_told_apart() {
    let table = |cells: &str| {
        let cells = cells.replace(' ', "\n\n");
        let text = format!(
            "甲接口明细\n调用接口\u{ff1a}a\n请求参数\n字段\n字段名称\n类型\n配置值\n{cells}\n响应参数"
        );
        let sides = article::read(&text);
        let rows = sides[0].request.iter();
        rows.map(|row| format!("{}/{}/{}/{}", row.path, row.label, row.kind, row.value))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        table("a 甲 string b 乙 int 3"),
        ["a/甲/string/", "b/乙/int/3"]
    );
    assert_eq!(
        table("a 甲 string x b 乙 string"),
        ["a/甲/string/x", "b/乙/string/"]
    );
    assert_eq!(table("a string x b 乙 date"), ["a//string/x", "b/乙/date/"]);
    assert_eq!(table("a 甲 array list a.b 乙 string {{list.b}}").len(), 2);
    assert_eq!(
        table("FDate date date {{t}} b 乙 string")[0],
        "FDate/date/date/{{t}}"
    );
}

#[test]
fn what_is_no_whole_scheme_is_said_so() {
    let said = |scheme: &str| match draft(scheme) {
        Ok(_) => panic!("it was taken"),
        Err(error) => format!("{error}; {}", error.hint()),
    };
    for (scheme, part) in [
        ("{", "scheme is no JSON"),
        ("{\"a\": 1}", "scheme holds no scheme"),
        ("some text", "scheme holds no scheme"),
        (
            r#"{"api": "batchSave", "type": "EXECUTE", "request": []}"#,
            "no source was found, only a target; name both files",
        ),
        (
            r#"[{"api": "a", "type": "QUERY", "request": []}, {"api": "b", "type": "QUERY", "request": []}]"#,
            "more than one source was found: `a` and `b`",
        ),
        (
            r#"[{"api": "a", "type": "QUERY", "platform": "某系统", "request": []}, {"api": "batchSave", "type": "EXECUTE", "request": []}]"#,
            "no connector here is a source for `某系统` and its call `a`; choose one with --source: wangdiantong",
        ),
    ] {
        assert!(said(scheme).contains(part), "{}", said(scheme));
    }
}
