//! Records become documents: the transforms in order, and the proof that none
//! of them lost or made up a record.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use duijie_contract::{Fault, Tables, Transform};
use duijie_plan::Stage;
use duijie_record::{MappedBatch, MappedLine, RecordBatch, Rejection, Verdict};

use crate::options::{Context, breach};
use crate::stage::chunk::spans;
use crate::stage::source::Lined;

/// What became of a batch of records.
pub(crate) struct Documents {
    pub(crate) data: Vec<u8>,
    pub(crate) spans: Vec<Range<usize>>,
    /// The origin of line `i`.
    pub(crate) origins: Vec<Origin>,
    pub(crate) rejected: Vec<(Origin, Rejection)>,
}

/// Which record a document was made of, and its name among that one's.
pub(crate) struct Origin {
    pub(crate) record: usize,
    pub(crate) part: String,
}

pub(crate) struct Mapper {
    transforms: Vec<(Stage, Box<dyn Transform>)>,
}

impl Mapper {
    pub(crate) async fn start(context: &Context) -> Result<Self, Fault> {
        let mut transforms = Vec::new();
        let tables: Arc<dyn Tables> = context.tables.clone();
        for stage in &context.plan().transforms {
            let launch = &context.options.launch;
            let transform = launch.transform(&stage.usage, &tables).await?;
            transforms.push((stage.clone(), transform));
        }
        Ok(Self { transforms })
    }

    /// A record with neither document nor rejection was dropped. Without
    /// transforms the data moves out of `batch` as it is.
    pub(crate) async fn map(&mut self, batch: &mut RecordBatch) -> Result<Documents, Fault> {
        let mut rejected = Vec::new();
        let mut made: Option<(Lined, Vec<Origin>)> = None;
        let steps = self.transforms.len();
        for (step, (stage, transform)) in self.transforms.iter_mut().enumerate() {
            let input = made.as_ref().map_or(&*batch, |(made, _)| &made.batch);
            let mapped = transform.apply(input).await?;
            let lines = spans(&mapped.data);
            verify(input.entries.len(), lines.len(), &mapped)
                .map_err(|what| breach(stage, what))?;
            let before = made.as_ref().map(|(_, origins)| origins.as_slice());
            for (index, verdict) in mapped.verdicts.into_iter().enumerate() {
                if let Verdict::Reject(rejection) = verdict {
                    rejected.push((origin(before, index, String::new()), rejection));
                }
            }
            let mut origins = Vec::with_capacity(mapped.lines.len());
            let mut entries = Vec::new();
            for line in mapped.lines {
                let from = only_source(&line).unwrap_or_default();
                if step + 1 < steps {
                    entries.extend(input.entries.get(from).cloned());
                }
                origins.push(origin(before, from, line.part));
            }
            let batch = RecordBatch {
                data: mapped.data,
                entries,
                position: None,
            };
            let lined = Lined {
                batch,
                lines,
                wishes: Vec::new(),
                guard: None,
            };
            made = Some((lined, origins));
        }
        if let Some((Lined { batch, lines, .. }, origins)) = made {
            return Ok(Documents {
                data: batch.data,
                spans: lines,
                origins,
                rejected,
            });
        }
        let records = 0..batch.entries.len();
        let origins = records.map(|index| origin(None, index, String::new()));
        let origins = origins.collect();
        let data = std::mem::take(&mut batch.data);
        let spans = spans(&data);
        Ok(Documents {
            data,
            spans,
            origins,
            rejected,
        })
    }
}

/// The record behind line `index` of an earlier transform's lines, with the
/// names that both transforms gave joined by a slash.
fn origin(before: Option<&[Origin]>, index: usize, part: String) -> Origin {
    match before.and_then(|origins| origins.get(index)) {
        None => Origin {
            record: index,
            part,
        },
        Some(earlier) if earlier.part.is_empty() => Origin {
            record: earlier.record,
            part,
        },
        Some(earlier) if part.is_empty() => Origin {
            record: earlier.record,
            part: earlier.part.clone(),
        },
        Some(earlier) => Origin {
            record: earlier.record,
            part: format!("{}/{part}", earlier.part),
        },
    }
}

fn only_source(line: &MappedLine) -> Option<usize> {
    match line.sources.as_slice() {
        [source] => usize::try_from(*source).ok(),
        _ => None,
    }
}

/// Every record has its verdict, every line its one kept record, every kept
/// record its lines with names of their own.
fn verify(records: usize, lines: usize, mapped: &MappedBatch) -> Result<(), String> {
    if mapped.verdicts.len() != records {
        let given = mapped.verdicts.len();
        return Err(format!("gave {given} verdicts for {records} records"));
    }
    if lines != mapped.lines.len() {
        let named = mapped.lines.len();
        return Err(format!("wrote {lines} lines and named {named}"));
    }
    let mut counts = vec![0_u32; records];
    for (index, line) in mapped.lines.iter().enumerate() {
        let Some(source) = only_source(line) else {
            let sources = line.sources.len();
            return Err(format!(
                "made line {index} of {sources} records, where it must be one"
            ));
        };
        if !matches!(mapped.verdicts.get(source), Some(Verdict::Keep)) {
            return Err(format!(
                "made line {index} of record {source}, which it did not keep"
            ));
        }
        if let Some(count) = counts.get_mut(source) {
            *count += 1;
        }
    }
    let kept = mapped.verdicts.iter().zip(&counts);
    for (index, (verdict, count)) in kept.enumerate() {
        if *count == 0 && matches!(verdict, Verdict::Keep) {
            return Err(format!("kept record {index} and made no line of it"));
        }
    }
    if counts.iter().any(|count| *count > 1) {
        let mut parts = HashSet::new();
        for line in &mapped.lines {
            if !parts.insert((&line.sources, &line.part)) {
                let part = &line.part;
                return Err(format!("gave two lines of one record the part `{part}`"));
            }
        }
    }
    Ok(())
}
