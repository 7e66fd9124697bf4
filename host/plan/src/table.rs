//! Value tables: a target that the host itself fills, and what transforms may
//! read.

use std::time::Duration;

use duijie_contract::{Guarantee, Role, Use};
use duijie_diagnostic::Diagnostic;
use duijie_manifest::{Document, Pipeline};
use duijie_record::Collection;

use crate::{Stage, TargetStage, code, policy, resolve::Check};

impl Check<'_> {
    pub(crate) fn table_target(&mut self, table: &str) -> Option<TargetStage> {
        let document = self.inputs.pipeline;
        let target = document.low.target.as_ref()?;
        let foreign = [
            ("connector", target.connector.is_some()),
            ("connection", target.connection.is_some()),
            ("collection", target.collection.is_some()),
            ("guarantee", target.guarantee.is_some()),
            ("settle", target.settle.is_some()),
            ("steps", target.steps.is_some()),
            ("settings", target.settings.is_some()),
        ];
        for (field, _) in foreign.into_iter().filter(|(_, is_there)| *is_there) {
            let message = format!("`target.{field}` stands beside `target.table`");
            let problem = Diagnostic::error(code::TABLE_FIELD, message)
                .at(document.place(&format!("/target/{field}")))
                .label(document.place("/target/table"), "the host itself fills it")
                .hint("a value table takes `table` and `key`: leave the others out");
            self.tell(problem);
        }
        if document.low.sealed == Some(true) {
            let message = "`sealed` stands beside `target.table`".to_owned();
            let problem = Diagnostic::error(code::TABLE_FIELD, message)
                .at(document.place("/sealed"))
                .label(
                    document.place("/target/table"),
                    "its rows lie in the clear, for every pipeline to read",
                )
                .hint("fill no table with what has to be sealed, or leave `sealed` out");
            self.tell(problem);
        }
        Some(TargetStage {
            stage: Stage {
                usage: Use {
                    connector: "table".to_owned(),
                    role: Role::Target,
                    connection: None,
                    connection_settings: "{}".to_owned(),
                    pipeline_settings: "{}".to_owned(),
                    collection: Collection::from(table),
                    secrets: Vec::new(),
                    allow: Vec::new(),
                    calls_per_minute: 0,
                    tables: Vec::new(),
                    grant_place: document.file.clone(),
                },
                version: String::new(),
                digest: String::new(),
            },
            table: Some(table.to_owned()),
            key: target.key.clone(),
            guarantee: Guarantee::NaturalUpsert,
            lookup: false,
            settle: Duration::ZERO,
            max_records: self.batch_records(None),
            max_bytes: policy::BATCH_BYTES,
            steps: Vec::new(),
        })
    }
}

/// A warning for each table that a pipeline may read and that no run has
/// filled to its end; it says which of `pipelines` does.
pub fn unready_tables(
    document: &Document<Pipeline>,
    pipelines: &[Document<Pipeline>],
    is_filled: &dyn Fn(&str) -> bool,
) -> Vec<Diagnostic> {
    let transforms = document.low.transform.iter().flatten().enumerate();
    let named = transforms.flat_map(|(at, transform)| {
        let tables = transform.tables.iter().flatten().enumerate();
        tables.map(move |(index, table)| (format!("/transform/{at}/tables/{index}"), table))
    });
    let unready = named.filter(|(_, table)| !is_filled(table));
    let problem = |(at, table): (String, &String)| {
        let message = format!("the value table `{table}` was never filled");
        let problem = Diagnostic::warning(code::TABLE_NOT_FILLED, message).at(document.place(&at));
        let fills = pipelines.iter().filter_map(|other| {
            let target = other.low.target.as_ref()?;
            Some((target.table.as_deref()?, other.low.pipeline.as_deref()?))
        });
        let fills: Vec<(&str, &str)> = fills.collect();
        match fills.iter().find(|(filled, _)| filled == table) {
            Some((_, pipeline)) => {
                problem.hint(format!("`{pipeline}` fills it: `duijie run {pipeline}`"))
            }
            None if fills.is_empty() => problem.hint(format!(
                "no pipeline here fills it: write one with `target: {{table: {table}, key: …}}`"
            )),
            None => {
                let known: Vec<&str> = fills.iter().map(|(filled, _)| *filled).collect();
                problem.nearest(table, &known, "tables that pipelines here fill")
            }
        }
    };
    unready.map(problem).collect()
}
