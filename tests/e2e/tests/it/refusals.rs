//! Input that cannot work: told with its place and what to write instead, before anything is asked of a system.

use duijie_e2e::{Ended, Manifest, Project, orders};

/// Checks a changed manifest, which must be refused by `check`, `plan` and `run` alike.
fn refused(change: impl FnOnce(&Manifest) -> Manifest) -> (Project, Ended) {
    let project = Project::new(orders(1, 81)).changed(change);
    for command in ["plan", "run"] {
        project.command(&[command, "stockouts"]).expect(2);
    }
    assert!(project.simulators.counts().is_empty());
    let ended = project.command(&["check"]).expect(2);
    (project, ended)
}

/// Asserts that the text points at `words`: the line with its number, and a caret under it.
#[track_caller]
fn points_at(ended: &Ended, project: &Project, words: &str) {
    let manifest = std::fs::read_to_string(project.path("pipelines/stockouts.yaml")).unwrap();
    let (index, line) = manifest
        .lines()
        .enumerate()
        .find(|(_, line)| line.contains(words))
        .unwrap();
    let column = line[..line.find(words).unwrap()].chars().count() + 1;
    let text = &ended.stderr;
    let place = format!("pipelines/stockouts.yaml:{}:{column}", index + 1);
    assert!(text.contains(&place), "`{place}` in {text}");
    let number = format!("{} |", index + 1);
    let mut lines = text.lines().skip_while(|shown| !shown.starts_with(&number));
    let shown = lines.next().unwrap();
    let carets = lines.next().unwrap();
    let start = width(&shown[..shown.find(words).unwrap()]);
    assert_eq!(
        carets.find('^'),
        Some(start),
        "no caret under `{words}`: {text}"
    );
    assert_eq!(carets.matches('^').count(), words.len(), "{text}");
    assert!(text.contains("hint: "), "{text}");
}

/// Columns of a terminal.
fn width(text: &str) -> usize {
    text.chars()
        .map(|char| if char.is_ascii() { 1 } else { 2 })
        .sum()
}

#[test]
fn a_rule_that_reads_an_unknown_list_is_refused_where_it_stands() {
    let (project, ended) =
        refused(|manifest| manifest.with("{{batch_details.spec_no}}", "{{batch_detials.spec_no}}"));
    points_at(&ended, &project, "\"{{batch_detials.spec_no}}\"");
    ended.says(&["unknown list `batch_detials`", "batch_details"]);
}

#[test]
fn a_rule_with_an_unknown_pipe_is_refused_where_it_stands() {
    let (project, ended) =
        refused(|manifest| manifest.with("{{consign_time}}", "{{consign_time|datetme}}"));
    points_at(&ended, &project, "\"{{consign_time|datetme}}\"");
    ended.says(&["datetme", "datetime"]);
}

#[test]
fn every_problem_is_told_at_once_and_as_data_too() {
    let (project, ended) = refused(|manifest| {
        manifest
            .with("{{consign_time}}", "{{consign_time|datetme}}")
            .with("{{batch_details.spec_no}}", "{{batch_detials.spec_no}}")
    });
    ended.says(&["datetme", "batch_detials"]);
    let told = project.command(&["check", "--json"]).expect(2).json();
    let problems = told["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 2, "{told}");
    for problem in problems {
        assert_eq!(problem["place"]["file"], "pipelines/stockouts.yaml");
        assert!(problem["place"]["line"].as_u64().unwrap() > 1, "{problem}");
        assert!(
            problem["code"].is_string() && problem["hint"].is_string(),
            "{problem}"
        );
    }
}

#[test]
fn a_missing_secret_is_refused_with_the_way_to_set_it() {
    let project = Project::new(orders(1, 82));
    let secrets = project.path("secrets.env");
    let text = std::fs::read_to_string(&secrets).unwrap();
    let rest: Vec<_> = text
        .lines()
        .filter(|line| !line.starts_with("WDT_SECRET"))
        .collect();
    std::fs::write(&secrets, rest.join("\n")).unwrap();
    for command in [
        &["check"][..],
        &["plan", "stockouts"],
        &["run", "stockouts"],
    ] {
        let ended = project.command(command).expect(2);
        ended.says(&[
            "WDT_SECRET",
            "hint: ",
            "secrets.env",
            "connections/wangdiantong.yaml:",
        ]);
    }
    assert!(project.simulators.counts().is_empty());
}

#[test]
fn an_unknown_pipeline_is_refused_with_the_known_ones() {
    let project = Project::new(orders(1, 83));
    for command in [
        &["check", "other"][..],
        &["plan", "other"],
        &["run", "other"],
    ] {
        let ended = project.command(command).expect(2);
        ended.says(&["there is no pipeline `other`", "hint: it has: stockouts"]);
    }
}
