//! A hostile connector in a pipeline: what contradicts the protocol and what
//! goes beyond the bounds of a run ends that run with words for it, and what
//! others have in the same folder goes on.

use duijie_e2e::{Bare, connectors};

const GOOD: &str = "pipeline: good
scope: good
source: {connector: plain, connection: plain, collection: orders}
target: {connector: plain, connection: plain, collection: documents, key: number}
";

/// A folder with the sinner in it, and a pipeline between it and the plain
/// system.
fn sinning(pipeline: &str, more: &str) -> Bare {
    let bare = Bare::new(&[("good", GOOD)]);
    let sinner = connectors().parent().unwrap().join("fixtures/sinner.wasm");
    let place = bare.path("connectors/sinner.wasm");
    std::os::unix::fs::symlink(sinner, place).unwrap();
    let url = bare.plain.url();
    let connection = format!(
        "connection: sin\nconnector: sinner\nsettings: {{token: \"${{secret:PLAIN_TOKEN}}\"}}\nallow: [\"{url}\"]\n"
    );
    std::fs::write(bare.path("connections/sin.yaml"), connection).unwrap();
    let text = pipeline.replace("URL", &url);
    bare.write("sin", &format!("pipeline: sin\nscope: sin\n{text}{more}"));
    bare.plain.offer("orders", "A1", None, r#"{"number":"A1"}"#);
    bare
}

fn source(sin: &str) -> String {
    format!(
        "source: {{connector: sinner, connection: sin, collection: sins, settings: {{sin: {sin}, url: \"URL\"}}}}
target: {{connector: plain, connection: plain, collection: documents, key: number}}
"
    )
}

#[track_caller]
fn ends(bare: &Bare, says: &[&str]) {
    bare.run("sin").expect(1).says(says);
    bare.run("good").expect(0);
    assert_eq!(
        bare.plain.documents("documents").len(),
        1,
        "the other goes on"
    );
}

#[test]
fn a_source_that_gives_a_position_again_is_ended() {
    for sin in ["repeat", "back"] {
        let bare = sinning(&source(sin), "");
        ends(&bare, &["sinner 0.1.0", "gave the same position twice"]);
    }
}

#[test]
fn a_run_that_passes_its_bounds_is_ended_and_told_what_to_raise() {
    let bare = sinning(&source("poll"), "limits: {run: {calls: 3}}\n");
    let says = "over 3 requests in this run: raise `limits.run.calls`";
    ends(&bare, &["sinner 0.1.0", says]);
}

#[test]
fn a_target_that_answers_for_what_it_was_not_given_is_not_believed() {
    let target = "source: {connector: plain, connection: plain, collection: orders}
target: {connector: sinner, connection: sin, collection: sins, key: number, settings: {sin: extra, url: \"URL\"}}
on_unknown: hold
";
    let bare = sinning(target, "");
    bare.run("sin").expect(0);
    let holds = bare.command(&["holds", "list", "--json"]).expect(0);
    holds.says(&["gave 2 outcomes for 1 documents"]);
}
