//! A manifest in the making: what a scheme became, before the mapping has
//! judged its rules.

mod lists;

use duijie_contract::{CollectionInfo, Description, Guarantee, Problem, Role};

use crate::group::{self, Grouped};
use crate::offer::{self, List, Offer};
use crate::report::{Line, Note, Outcome, Report};
use crate::rules::{self, Rule};
use crate::scheme::{Compare, Scheme, Side};
use crate::source::{Reading, Settings};
use crate::unwrapped::unwrapped;
use crate::value::Table;
use crate::{Error, manifest};

/// What the person who imports may say, and what the files cannot know.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// The pipeline's name and scope; made of both collections if not given.
    pub name: Option<String>,
    /// The connector of either side, where its platform does not tell.
    pub source: Option<String>,
    pub target: Option<String>,
    /// Where the first run begins, as the source's settings write times.
    pub start: Option<String>,
    /// The beginning of this day, in the same form.
    pub today: String,
    /// Connections at hand: connector and name. The connector's name is taken
    /// where none is there.
    pub connections: Vec<(String, String)>,
}

/// A scheme as a manifest, and a line for each part of it.
#[derive(Debug)]
pub struct Draft {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) source: Stage,
    pub(crate) target: Stage,
    pub(crate) settings: Settings,
    pub(crate) key: Option<String>,
    pub(crate) guarantee: Guarantee,
    pub(crate) group: Option<Grouped>,
    pub(crate) rules: Vec<Rule>,
    /// By the rules' name.
    pub(crate) lists: Vec<(String, List)>,
    pub(crate) each: Option<String>,
    pub(crate) tables: Vec<Table>,
    pub(crate) condition: Vec<Vec<Compare>>,
    pub(crate) schedule: Option<Timing>,
    /// The crontab of the second look, and how many days it looks back.
    pub(crate) catch_up: Option<(String, u32)>,
    pub(crate) batch_records: Option<u32>,
    report: Report,
}

/// When runs begin.
#[derive(Debug)]
pub(crate) enum Timing {
    /// A length of time.
    Every(String),
    /// A crontab.
    Cron(String),
}

#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) connector: String,
    pub(crate) connection: String,
    pub(crate) collection: String,
    pub(crate) title: String,
}

pub(crate) fn draft(scheme: &Scheme, known: &[Description], wish: &Wish) -> Result<Draft, Error> {
    let (from, to) = (&scheme.source, &scheme.target);
    let (reader, read) = offer::choose(known, Role::Source, from, wish.source.as_deref())?;
    let (writer, written) = offer::choose(known, Role::Target, to, wish.target.as_deref())?;
    let mut report = Report::default();
    let source = stage(&reader, from, read, wish, &mut report);
    let target = stage(&writer, to, written, wish, &mut report);
    let reading = Reading {
        offer: &reader,
        start: &wish.today,
        wished_start: wish.start.as_deref(),
    };
    let settings = reading.settings(from, &mut report);
    let arguments = writer.arguments(&target.collection);
    let to = &unwrapped(to, &arguments, &mut report);
    let formats: Vec<_> = from.format.iter().chain(&to.format).cloned().collect();
    let (rules, tables) = rules::rules(to, &formats);
    let info = writer
        .description
        .collection(Role::Target, &target.collection);
    let mut draft = Draft {
        name: name(wish, &source, &target),
        title: title(from, to),
        source,
        target,
        settings,
        key: None,
        guarantee: info.map_or(Guarantee::None, |info| info.guarantee),
        group: None,
        rules,
        lists: Vec::new(),
        each: None,
        tables,
        condition: both(&from.condition, &to.condition),
        schedule: None,
        catch_up: None,
        batch_records: None,
        report,
    };
    draft.set_key(to, info);
    draft.shape(from, to);
    draft.set_lists(&reader, from);
    draft.others(&reader, from, to);
    Ok(draft)
}

impl Draft {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The settings of the mapping as JSON text, for the connector to judge.
    pub fn mapping(&self) -> String {
        manifest::mapping(self).to_string()
    }

    /// Takes what the mapping refuses out again; false where there was nothing
    /// of it that could be taken out.
    pub fn refuse(&mut self, problems: &[Problem]) -> bool {
        let live = self.rules.iter().enumerate();
        let live = live.filter(|(_, rule)| rule.live);
        let live: Vec<usize> = live.map(|(at, _)| at).collect();
        let mut any = false;
        for problem in problems {
            let pointer = problem.at.trim_start_matches("/pipeline");
            let mut words = pointer.split('/').skip(1);
            let part = words.next().unwrap_or_default();
            let number = words.next().and_then(|number| number.parse::<usize>().ok());
            let todo = problem.hint.clone().unwrap_or_default();
            let rule = number.and_then(|number| live.get(number)).copied();
            if part == "rules"
                && let Some(rule) = rule.and_then(|at| self.rules.get_mut(at))
            {
                rule.leave(Note::new(rule.value.clone(), &problem.message, todo));
                any = true;
            } else if part == "condition" && !self.condition.is_empty() {
                self.condition.clear();
                let note = Note::new("every record would be sent", &problem.message, todo);
                self.report.left("condition", note);
                any = true;
            }
        }
        rules::cascade(&mut self.rules);
        any
    }

    /// What a person must look at before it runs, first of all.
    pub fn report(&self) -> Vec<Line> {
        let mut lines = self.report.0.clone();
        lines.extend(self.rules.iter().map(|rule| {
            let mut line = rule.line.clone();
            if rule.live && line.outcome == Outcome::Carried && !rule.value.is_empty() {
                line.what.clone_from(&rule.value);
            }
            line
        }));
        lines
    }

    pub fn manifest(&self) -> String {
        manifest::write(self)
    }

    /// Whether something that decides what is sent was left out.
    pub(crate) fn is_whole(&self) -> bool {
        let lines = self.report();
        lines.iter().all(|line| line.outcome != Outcome::Left)
    }

    fn set_key(&mut self, to: &Side, info: Option<&CollectionInfo>) {
        let declared = info.map_or(&[][..], |info| info.key.as_slice());
        let wanted = match declared {
            [one] => one.clone(),
            _ => to.number.clone(),
        };
        let mut rules = self.rules.iter_mut();
        let rule = rules.find(|rule| rule.live && rule.path == wanted);
        let place = format!("target key {wanted}");
        match rule.filter(|_| !wanted.is_empty()) {
            Some(rule) => {
                rule.required = true;
                self.report
                    .carried(place, "target.key; a record without it is rejected");
                self.key = Some(wanted);
            }
            None if declared.is_empty() && wanted.is_empty() => {}
            None => {
                let why = "no rule gives it a value";
                let todo =
                    "write a rule for it; until then numbers are derived from the source's key";
                self.report.changed(place, Note::new("not set", why, todo));
            }
        }
    }

    fn shape(&mut self, from: &Side, to: &Side) {
        let flat = from.beat_flat.first().or(to.beat_flat.first()).cloned();
        let group = from.group.as_ref().or(to.group.as_ref());
        if let Some(group) = group {
            let grouped = group::group(group, flat.as_deref(), self, &from.format);
            group::tell(&grouped, &mut self.report);
            self.lists
                .retain(|(name, _)| grouped.lists.iter().all(|(own, _)| own != name));
            self.lists.extend(grouped.lists.clone());
            self.group = Some(grouped);
        } else if let Some(list) = flat {
            let why = "a document of its own for each row; `{{list_field}}` means that row";
            let todo = format!(
                "name a field that tells rows apart in `each: {{ list: {list}, part: … }}`, else their place does"
            );
            self.report
                .changed("beatFlat", Note::new(format!("each: {list}"), why, todo));
            self.each = Some(list);
        }
        for list in from.beat_flat.iter().skip(1) {
            let why = "one list of a record can become documents";
            let note = Note::new(list, why, "write the fields of the other list as an array");
            self.report.left("beatFlat", note);
        }
    }

    pub(crate) fn report_mut(&mut self) -> &mut Report {
        &mut self.report
    }
}

fn stage(
    offer: &Offer<'_>,
    side: &Side,
    collection: Option<String>,
    wish: &Wish,
    report: &mut Report,
) -> Stage {
    let connector = offer.name().to_owned();
    let place = match offer.role {
        Role::Target => "target api",
        _ => "source api",
    };
    let mut connections = wish.connections.iter();
    let connection = connections.find(|(of, _)| *of == connector);
    let connection = connection.map_or(&connector, |(_, name)| name).clone();
    let collection = match collection {
        Some(collection) => {
            let platform = match side.platform.is_empty() {
                true => side.api.clone(),
                false => format!("{} {}", side.platform, side.api),
            };
            report.carried(place, format!("{platform} is {connector} {collection}"));
            collection
        }
        None => {
            let why = format!("the connector `{connector}` does not say which collection it is");
            let todo = "name the collection yourself; `duijie collections` lists them";
            report.left(place, Note::new(&side.api, why, todo));
            side.api.clone()
        }
    };
    Stage {
        connector,
        connection,
        collection,
        title: side.title.clone(),
    }
}

/// Both must hold: each way of the one with each way of the other.
fn both(one: &[Vec<Compare>], other: &[Vec<Compare>]) -> Vec<Vec<Compare>> {
    match (one.is_empty(), other.is_empty()) {
        (true, _) => other.to_vec(),
        (_, true) => one.to_vec(),
        _ => {
            let pairs = one
                .iter()
                .flat_map(|left| other.iter().map(move |right| (left, right)));
            pairs
                .map(|(left, right)| [left.as_slice(), right].concat())
                .collect()
        }
    }
}

fn name(wish: &Wish, source: &Stage, target: &Stage) -> String {
    let made = || {
        let name = format!("{}-{}", source.collection, target.collection);
        name.replace(
            |char: char| !char.is_ascii_alphanumeric() && char != '_',
            "-",
        )
    };
    wish.name.clone().unwrap_or_else(made)
}

fn title(from: &Side, to: &Side) -> String {
    let end = |side: &Side| {
        format!("{} {}", side.platform, side.title)
            .trim()
            .to_owned()
    };
    format!("{} → {}", end(from), end(to))
}
