//! Starts the fakes: the source and the transform are here.

use std::sync::Arc;

use async_trait::async_trait;
use duijie_contract::{
    Description, Fault, FaultKind, Launch, Lookup, Preview, Problem, Source, Steps, Tables, Target,
    Transform, Use,
};
use duijie_record::{
    Change, Lines, MappedBatch, MappedLine, Position, RecordBatch, RecordEntry, Rejection, Retry,
    SourceKey, Verdict, Version,
};

use super::chaos::alive;
use super::steps::Walks;
use super::store::Slow;
use super::target::{Finds, Writes};
use super::world::{Fate, World, Written, fault, unavailable};

pub(crate) struct Fakes {
    pub(crate) world: Arc<World>,
    pub(crate) store: Arc<Slow>,
}

#[async_trait]
impl Launch for Fakes {
    async fn describe(&self, _connector: &str) -> Result<Description, Fault> {
        Err(fault(FaultKind::Other, "never asked"))
    }

    async fn check(&self, _usage: &Use) -> Result<Vec<Problem>, Fault> {
        Ok(Vec::new())
    }

    async fn outline(&self, _: &Use, position: Option<&Position>) -> Result<Vec<String>, Fault> {
        Ok(vec![format!("from {}", start(position))])
    }

    async fn source(
        &self,
        _usage: &Use,
        position: Option<&Position>,
    ) -> Result<Box<dyn Source>, Fault> {
        // Windows overlap: a few records are read again.
        let overlap = self.world.below(3) as usize;
        Ok(Box::new(Reads {
            world: Arc::clone(&self.world),
            next: start(position).saturating_sub(overlap),
            given: Vec::new(),
        }))
    }

    async fn transform(
        &self,
        _usage: &Use,
        _: &Arc<dyn Tables>,
    ) -> Result<Box<dyn Transform>, Fault> {
        Ok(Box::new(Maps))
    }

    async fn target(&self, _usage: &Use) -> Result<Box<dyn Target>, Fault> {
        Ok(Box::new(Writes {
            world: Arc::clone(&self.world),
            store: Arc::clone(&self.store),
        }))
    }

    async fn lookup(&self, _usage: &Use) -> Result<Option<Box<dyn Lookup>>, Fault> {
        Ok(Some(Box::new(Finds {
            world: Arc::clone(&self.world),
        })))
    }

    async fn steps(&self, _usage: &Use) -> Result<Option<Box<dyn Steps>>, Fault> {
        Ok(Some(Box::new(Walks {
            world: Arc::clone(&self.world),
            store: Arc::clone(&self.store),
        })))
    }

    fn take_previews(&self) -> Vec<Preview> {
        Vec::new()
    }
}

fn start(position: Option<&Position>) -> usize {
    position.map_or(0, |position| {
        String::from_utf8_lossy(&position.0).parse().unwrap()
    })
}

struct Reads {
    world: Arc<World>,
    next: usize,
    given: Vec<Position>,
}

#[async_trait]
impl Source for Reads {
    async fn next(&mut self, limit: u32, _ahead: u32) -> Result<Option<RecordBatch>, Fault> {
        self.world.pause(5).await;
        alive().await;
        if self.world.trouble(30) {
            return Err(unavailable());
        }
        let (end, page) = {
            let ground = self.world.ground();
            let most = 1 + self.world.below(u64::from(limit)) as usize;
            let end = (self.next + most).min(ground.source.len());
            if end <= self.next {
                return Ok(None);
            }
            (end, ground.source[self.next..end].to_vec())
        };
        self.next = end;
        let mut batch = RecordBatch {
            data: Vec::new(),
            entries: Vec::new(),
            position: None,
        };
        for written in &page {
            batch.data.extend_from_slice(written.line().as_bytes());
            batch.data.push(b'\n');
            batch.entries.push(RecordEntry {
                key: SourceKey(written.key.clone()),
                version: Some(Version(written.version())),
                change: if written.fate == Fate::Delete {
                    Change::Delete
                } else {
                    Change::Upsert
                },
                ack_token: None,
            });
        }
        let last = end == self.world.ground().source.len();
        if last || self.world.below(5) > 0 {
            let position = Position(end.to_string().into_bytes());
            self.given.push(position.clone());
            batch.position = Some(position);
        }
        Ok(Some(batch))
    }

    async fn committed(&mut self, position: &Position) -> Result<(), Fault> {
        let place = self.given.iter().position(|given| given == position);
        match place {
            Some(place) => drop(self.given.drain(..=place)),
            None => {
                let wrong = format!("{position:?} was committed out of order");
                self.world.ground().wrongs.push(wrong);
            }
        }
        self.world.pause(1).await;
        if self.world.trouble(10) {
            return Err(unavailable());
        }
        Ok(())
    }
}

pub(crate) struct Maps;

#[async_trait]
impl Transform for Maps {
    async fn apply(&mut self, batch: &RecordBatch) -> Result<MappedBatch, Fault> {
        let mut mapped = MappedBatch {
            data: Vec::new(),
            lines: Vec::new(),
            verdicts: Vec::new(),
        };
        for (index, line) in Lines::new(&batch.data).enumerate() {
            let written = parse(line);
            for (part, _, content) in written.documents() {
                mapped.data.extend_from_slice(content.as_bytes());
                mapped.data.push(b'\n');
                mapped.lines.push(MappedLine {
                    sources: vec![index as u32],
                    part,
                });
            }
            mapped.verdicts.push(match written.fate {
                Fate::Drop => Verdict::Drop("not wanted".to_owned()),
                Fate::Reject => Verdict::Reject(Rejection {
                    code: "map.bad".to_owned(),
                    message: "cannot be mapped".to_owned(),
                    field: None,
                    retry: Retry::Never,
                }),
                _ => Verdict::Keep,
            });
        }
        Ok(mapped)
    }
}

fn parse(line: &[u8]) -> Written {
    let value: serde_json::Value = serde_json::from_slice(line).unwrap();
    let fates = [
        Fate::Keep,
        Fate::Drop,
        Fate::Reject,
        Fate::Poison,
        Fate::Delete,
    ];
    let named = |fate: &&Fate| value["fate"] == format!("{fate:?}");
    Written {
        key: value["no"].as_str().unwrap().to_owned(),
        version: value["v"].as_u64().unwrap() as u32,
        parts: value["parts"].as_u64().unwrap() as u32,
        fate: *fates.iter().find(named).unwrap(),
    }
}
