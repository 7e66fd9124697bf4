//! `duijie plan`: what a run would do. Reads, logs in, writes nothing.

use std::fmt::Write as _;
use std::sync::Arc;

use duijie_admin::Request;
use duijie_contract::{Mode, Preview};
use duijie_pipeline::{
    Options, PreviewRecord, PreviewReport, Purpose, Silent, SystemClock, Would, preview,
};
use duijie_plan::{Plan, explain, explain_json, told};
use duijie_project::{Project, granted, state, wire};
use duijie_record::RunId;
use duijie_store::{Change, Checkpoint, Embedded, Memory, Store};
use serde_json::{Value, json};

use crate::args::Global;
use crate::command::forecast::Forecast;
use crate::command::{checkpoints, forecast, tables};
use crate::exit::Failure;
use crate::layout::indent;
use crate::output::Output;

/// A mapped document or a request is cut here on a page for people.
const SHOWN: usize = 4_000;

/// How much of it.
pub(crate) struct Shown {
    /// As they would be written.
    pub(crate) records: usize,
    /// How many a forecast is asked for.
    pub(crate) forecast: Option<u64>,
}

pub(crate) async fn plan(
    global: &Global,
    named: &str,
    shown: Shown,
    output: &Output,
) -> Result<(), Failure> {
    let Shown { records, forecast } = shown;
    let mut project = Project::open(&global.folders())?;
    let document = project.pipeline(named)?;
    let launcher = wire::launcher(&project, Mode::Preview)?;
    let (plan, warnings) = wire::plan(&project, &launcher, &document, None).await?;
    if !warnings.is_empty() && !output.is_json() {
        output.problems(&warnings, &project.sources);
    }
    let store = known(&project, &plan, output).await?;
    let options = Options {
        plan: Arc::new(plan.clone()),
        launch: launcher.clone(),
        store,
        clock: Arc::new(SystemClock),
        observer: Arc::new(Silent),
        seed: 0,
        checkpoint_every: 1,
        purpose: Purpose::Live,
    };
    let limit = u32::try_from(records.max(1)).unwrap_or(u32::MAX);
    let report = preview(&options, limit.min(plan.policy.page_records)).await?;
    let mut text = explain(&plan, &report.outline);
    let asked = granted::asked(&launcher, &plan).await?;
    let lock = granted::read(&project)?;
    let at = lock
        .as_ref()
        .and_then(|lock| lock.pipelines.get(plan.name.as_str()));
    text.push_str(&match at {
        Some(granted) => format!("\ngrants, as in the lock since {}\n", granted.at),
        None => format!("\ngrants, in no lock yet (`duijie grant {}`)\n", plan.name),
    });
    text.push_str(&indent(&told(&asked), 2));
    tell(&mut text, &report, records);
    let mut data = explain_json(&plan, &report.outline);
    if let Value::Object(fields) = &mut data {
        fields.insert("preview".to_owned(), as_data(&report, records));
        let grants = json!({ "uses": asked, "granted_at": at.map(|granted| &granted.at) });
        fields.insert("grants".to_owned(), grants);
    }
    if let Some(records) = forecast {
        let ends = forecast::forecast(&plan, records);
        writeln!(text, "\n{records} records, at least").ok();
        for end in &ends {
            writeln!(text, "  {}", end.text()).ok();
        }
        if let Value::Object(fields) = &mut data {
            let ends = ends.iter().map(Forecast::data).collect();
            fields.insert("forecast".to_owned(), Value::Array(ends));
        }
    }
    output.data(&text, data);
    Ok(())
}

/// What earlier runs left, without making a store where there is none. Of
/// a store that another process owns only checkpoint and tables are known here.
async fn known(project: &Project, plan: &Plan, output: &Output) -> Result<Arc<dyn Store>, Failure> {
    let scope = &plan.scope;
    if !Embedded::exists(&project.data) {
        return Ok(Arc::new(Memory::default()));
    }
    match wire::store(project) {
        Err(duijie_store::Error::InUse { .. }) => {}
        opened => return Ok(opened?),
    }
    let request = Request::Checkpoint {
        scope: scope.0.clone(),
    };
    let found = state::query(project, request).await?;
    output.note(
        "a run owns the data folder: what it wrote is not known here, so that a document it \
         knows may be shown as new",
    );
    let memory = Memory::default();
    let claim = memory.claim(scope).await?;
    tables::copy(project, plan, &memory, &claim).await?;
    if let Some(position) = checkpoints::position(&found) {
        let checkpoint = Checkpoint {
            lane: String::new(),
            position,
            run: RunId::from("known"),
            at_ms: 0,
        };
        memory
            .commit(&claim, vec![Change::Checkpoint(checkpoint)])
            .await?;
    }
    Ok(Arc::new(memory))
}

fn tell(text: &mut String, report: &PreviewReport, limit: usize) {
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    if report.open_intents > 0 {
        line(format!(
            "\nfirst: {} intents of an earlier run would be settled",
            report.open_intents
        ));
    }
    line(format!(
        "\nfirst batch: {} documents, {} shown",
        report.records.len(),
        report.records.len().min(limit)
    ));
    for record in report.records.iter().take(limit) {
        let key = record.target_key.as_ref().map_or("-", |key| key.as_str());
        line(format!(
            "  {} -> {key}: {}",
            record.source_key,
            would(record)
        ));
        if let Some(document) = &record.document {
            line(format!("  {}", cut(document)));
        }
    }
    for request in &report.requests {
        line(format!(
            "\nfirst write, kept here: {} {}",
            request.method, request.url
        ));
        for (name, value) in &request.headers {
            line(format!("  {name}: {value}"));
        }
        line(format!("  {}", cut(&request.body)));
    }
    if let Some(fault) = &report.write_fault {
        line(format!("\nthe first write could not be prepared: {fault}"));
    }
    line("\nnothing was written".to_owned());
}

fn would(record: &PreviewRecord) -> String {
    match &record.would {
        Would::Create => "create".to_owned(),
        Would::Update => "update".to_owned(),
        Would::Cancel => "cancel".to_owned(),
        Would::Unchanged => "unchanged".to_owned(),
        Would::Stale => "older than what is known".to_owned(),
        Would::Drop => "left out".to_owned(),
        Would::Hold(reason) => format!("hold: {reason}"),
        Would::DeadLetter { code, message } => format!("dead letter: {code} {message}"),
    }
}

fn as_data(report: &PreviewReport, limit: usize) -> Value {
    let records: Vec<_> = report
        .records
        .iter()
        .take(limit)
        .map(|record| {
            json!({
                "source_key": record.source_key.as_str(),
                "target_key": record.target_key.as_ref().map(|key| key.as_str()),
                "would": would(record),
                "document": record.document,
            })
        })
        .collect();
    let request = |request: &Preview| {
        json!({
            "method": request.method,
            "url": request.url,
            "headers": request.headers,
            "body": request.body,
        })
    };
    json!({
        "open_intents": report.open_intents,
        "records": records,
        "requests": report.requests.iter().map(request).collect::<Vec<_>>(),
        "write_fault": report.write_fault.as_ref().map(ToString::to_string),
    })
}

fn cut(text: &str) -> String {
    let end = text.floor_char_boundary(SHOWN);
    match text.get(..end) {
        Some(start) if end < text.len() => format!("{start}… ({} bytes in all)", text.len()),
        _ => text.to_owned(),
    }
}
