//! How diagnostics look, as whole texts.

use crate::{Code, Diagnostic, Place, Sources, Style, render, suggest, to_json, unmatched_pages};

const EXAMPLE: Code = Code {
    name: "test.example",
    page: "# test.example\n",
};

const FILE: &str = "pipelines/出库.yaml";

fn sources(text: &str) -> Sources {
    let mut sources = Sources::default();
    sources.add(FILE, text);
    sources
}

fn place(text: &str, part: &str) -> Place {
    let start = text.find(part).unwrap();
    Place::new(FILE, start..start + part.len())
}

fn check(diagnostic: Diagnostic, text: &str, expected: &str) {
    let rendered = render(&[diagnostic], &sources(text), Style::PLAIN);
    assert_eq!(
        rendered.trim_end(),
        expected.trim_matches('\n'),
        "\n{rendered}"
    );
}

#[test]
fn carets_stand_under_wide_characters() {
    let text = "标题: a\n规则: 仓库 oops # 说明\n";
    check(
        Diagnostic::error(EXAMPLE, "`oops` is not known")
            .at(place(text, "oops"))
            .hint("remove it"),
        text,
        "
error[test.example]: `oops` is not known
 --> pipelines/出库.yaml:2:8
  |
2 | 规则: 仓库 oops # 说明
  |            ^^^^
  |
  = hint: remove it",
    );
}

#[test]
fn a_second_place_has_its_label() {
    let text = "key: 1\nkey: 2\n";
    check(
        Diagnostic::error(EXAMPLE, "`key` is set twice")
            .at(Place::new(FILE, 7..10))
            .label(Place::new(FILE, 0..3), "first set here"),
        text,
        "
error[test.example]: `key` is set twice
 --> pipelines/出库.yaml:2:1
  |
1 | key: 1
  | --- first set here
2 | key: 2
  | ^^^",
    );
}

#[test]
fn a_hidden_stretch_is_never_shown_by_any_diagnostic() {
    let text = "a: 1\nsecret: 密码hunter2\nb: 2\n";
    let hiding = Diagnostic::error(EXAMPLE, "in the open")
        .at(place(text, "secret"))
        .hide(place(text, "密码hunter2"));
    let other = Diagnostic::error(EXAMPLE, "other").at(place(text, text));
    let rendered = render(&[other, hiding], &sources(text), Style::PLAIN);
    assert!(
        !rendered.contains("hunter2") && !rendered.contains("密码"),
        "{rendered}"
    );
    assert!(rendered.contains("secret: ***"), "{rendered}");
    assert!(rendered.contains("b: 2"), "{rendered}");
}

#[test]
fn terminal_commands_in_a_message_do_not_get_through() {
    let rendered = render(
        &[Diagnostic::error(EXAMPLE, "red \u{1b}[31m").hint("\u{7}bell")],
        &Sources::default(),
        Style::PLAIN,
    );
    assert!(
        !rendered.contains('\u{1b}') && !rendered.contains('\u{7}'),
        "{rendered:?}"
    );
}

#[test]
fn colour_comes_only_when_asked_for() {
    let diagnostic = [Diagnostic::error(EXAMPLE, "x")];
    let coloured = Style {
        colour: true,
        ..Style::PLAIN
    };
    assert!(render(&diagnostic, &Sources::default(), coloured).contains('\u{1b}'));
    assert!(!render(&diagnostic, &Sources::default(), Style::PLAIN).contains('\u{1b}'));
}

#[test]
fn a_place_outside_the_text_does_no_harm() {
    for (start, end) in [(1, 2), (5, 900), (900, 901), (4, 1)] {
        let diagnostic = Diagnostic::error(EXAMPLE, "x").at(Place::new(FILE, start..end));
        let hidden = diagnostic.clone().hide(Place::new(FILE, start..end));
        assert!(!render(&[diagnostic, hidden], &sources("仓库"), Style::PLAIN).is_empty());
    }
}

#[test]
fn data_has_lines_and_columns_in_characters() {
    let text = "标题: a\n规则: 仓库 oops\n";
    let diagnostic = Diagnostic::error(EXAMPLE, "x")
        .at(place(text, "oops"))
        .nearest("oops", &["oop"], "names");
    let expected = serde_json::json!({
        "code": "test.example", "severity": "error", "message": "x",
        "place": { "file": FILE, "start": 25, "end": 29, "line": 2, "column": 8 },
        "hint": "did you mean `oop`?",
        "fix": {
            "place": { "file": FILE, "start": 25, "end": 29, "line": 2, "column": 8 },
            "replacement": "oop",
        },
    });
    assert_eq!(to_json(&diagnostic, &sources(text)), expected);
}

#[test]
fn the_nearest_name_is_suggested_and_a_far_one_is_not() {
    let known = ["on_change", "on_rejected", "source"];
    assert_eq!(suggest("on_chnage", known), Some("on_change"));
    assert_eq!(suggest("On-Rejected", known), Some("on_rejected"));
    assert_eq!(suggest("schedule", known), None);
    assert_eq!(suggest("", known), None);
}

#[test]
fn a_page_without_a_code_is_found() {
    let names = ["test.example.md", "test.gone.md", "other.md"].map(str::to_owned);
    assert_eq!(
        unmatched_pages(&[EXAMPLE], &["test."], &names),
        ["test.gone.md"]
    );
    let untitled = Code {
        name: "test.example",
        page: "nothing",
    };
    assert_eq!(unmatched_pages(&[untitled], &["x."], &names).len(), 1);
}
