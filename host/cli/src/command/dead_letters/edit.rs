//! Another text in the place of what a dead letter would send: from a file,
//! from standard input, or from the person's editor.

use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use duijie_admin::Request;
use duijie_project::{Project, state, state::waiting::Waiting};
use serde::de::IgnoredAny;
use serde_json::json;

use crate::args::Filter;
use crate::command::waiting;
use crate::exit::Failure;
use crate::layout::pretty;
use crate::output::Output;

pub(super) async fn edit(
    project: &mut Project,
    number: &str,
    filter: &Filter,
    from: Option<&Path>,
    output: &Output,
) -> Result<(), Failure> {
    let mut wanted = waiting::wanted(project, filter, &[number.to_owned()])?;
    wanted.bodies = true;
    let rows = waiting::rows(project, waiting::LETTERS, wanted).await?;
    let row = match rows.as_slice() {
        [] => return Err(waiting::nothing(super::WORDS)),
        [only] => only,
        several => return Err(several_of(several)),
    };
    let text = match from {
        Some(from) => read(from)?,
        None => match in_editor(row)? {
            Some(text) => text,
            None => {
                output.data("nothing was changed", json!({ "edited": false }));
                return Ok(());
            }
        },
    };
    if let Err(error) = serde_json::from_str::<IgnoredAny>(&text) {
        return Err(Failure::Argument(format!(
            "the text is not JSON: {error}\n\nhint: the dead letter is as it was; \
             `duijie dead-letters show {number} --json` gives the text to start from"
        )));
    }
    let request = Request::Edit {
        scope: row.scope.clone(),
        item: row.item(),
        text,
    };
    state::query(project, request).await?;
    let text = format!(
        "{} is edited\n\nhint: `duijie dead-letters replay {number}` sends it",
        waiting::name(row)
    );
    output.data(&text, json!({ "edited": true }));
    Ok(())
}

fn several_of(rows: &[Waiting]) -> Failure {
    let names: Vec<String> = rows
        .iter()
        .map(|row| format!("{} of scope {}", waiting::name(row), row.scope))
        .collect();
    Failure::Argument(format!(
        "the number is that of {} dead letters: {}\n\nhint: name one with --part or --pipeline",
        rows.len(),
        names.join(", ")
    ))
}

fn read(from: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = match from.as_os_str() == "-" {
        true => std::io::stdin().read_to_string(&mut text).map(|_| ()),
        false => std::fs::read_to_string(from).map(|read| text = read),
    };
    match read {
        Ok(()) => Ok(text),
        Err(error) => Err(Failure::Argument(format!(
            "cannot read {}: {error}",
            from.display()
        ))),
    }
}

/// `None` where the person left it as it was.
fn in_editor(row: &Waiting) -> Result<Option<String>, Failure> {
    let bodies = row.bodies.clone().unwrap_or_default();
    let text = bodies.edited_text.or(bodies.document).or(bodies.record);
    let before = pretty(&text.unwrap_or_default()) + "\n";
    let editor = ["VISUAL", "EDITOR"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.trim().is_empty());
    let Some(editor) = editor else {
        return Err(Failure::Argument(
            "there is no editor to open: $EDITOR is not set\n\nhint: name a file with --document, \
             or `--document -` and give the text on standard input"
                .to_owned(),
        ));
    };
    let aside = Aside::new(&before)?;
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or_default();
    let ended = Command::new(program).args(words).arg(&aside.0).status();
    let ended = ended.map_err(|error| {
        Failure::Environment(format!("the editor `{editor}` does not start: {error}"))
    })?;
    if !ended.success() {
        return Err(Failure::Run(format!(
            "the editor `{editor}` ended with {ended}\n\nhint: the dead letter is as it was"
        )));
    }
    let after = read(&aside.0)?;
    Ok((after != before).then_some(after))
}

/// A file that only its owner may read, gone when dropped: it holds names and
/// addresses of people.
struct Aside(PathBuf);

impl Aside {
    fn new(text: &str) -> Result<Self, Failure> {
        use std::io::Write as _;
        let name = format!("duijie-edit-{}.json", std::process::id());
        let path = std::env::temp_dir().join(name);
        let failed = |error: std::io::Error| {
            Failure::Environment(format!("cannot write {}: {error}", path.display()))
        };
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        let aside = Self(path.clone());
        file.write_all(text.as_bytes()).map_err(failed)?;
        Ok(aside)
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}
