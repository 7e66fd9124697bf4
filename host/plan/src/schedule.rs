//! When runs begin: `every 5m`, or rules, checked and with their defaults.

use std::collections::BTreeMap;
use std::time::Duration;

use duijie_diagnostic::{Code, Diagnostic};
use duijie_manifest::{self as low, Document, Pipeline, ScheduleRules};
use duijie_record::PipelineName;
use duijie_schedule::{CatchUp, Cron, Error, Missed, OnlyIf, Schedule, When, Zone};

use crate::{Inputs, code, duration, resolve::Check};

const SHORTEST: Duration = Duration::from_secs(1);
/// Where the manifest names no zone: the one of the systems' own clocks.
const ZONE: &str = "Asia/Shanghai";
const MOST_MISSED: u32 = 100;

/// When a manifest's runs begin, without a look at anything else; its problems
/// are among those that [`crate::resolve`] tells.
pub fn schedule_of(pipeline: &Document<Pipeline>) -> (Option<Schedule>, Vec<Diagnostic>) {
    let inputs = Inputs {
        pipeline,
        connections: &[],
        descriptions: &BTreeMap::new(),
        installed: &[],
        has_secret: &|_| false,
        window: None,
        any_settle: false,
    };
    let mut check = Check {
        inputs: &inputs,
        problems: Vec::new(),
        used: Vec::new(),
    };
    let schedule = check.schedule();
    (schedule, check.problems)
}

impl Check<'_> {
    pub(crate) fn schedule(&mut self) -> Option<Schedule> {
        match self.inputs.pipeline.low.schedule.clone()? {
            low::Schedule::Text(text) => self.interval(&text),
            low::Schedule::Rules(rules) => self.rules(&rules),
        }
    }

    fn interval(&mut self, text: &str) -> Option<Schedule> {
        let every = text.trim().strip_prefix("every ").and_then(duration::parse);
        let Some(every) = every.filter(|every| *every >= SHORTEST) else {
            let message = format!("`schedule` is `{text}`, expected `every` and a length of time");
            let hint = "such as `every 5m` or `every 1h30m`, a second at least; a time of the day \
                        is written as `{ cron: \"0 6 * * *\" }`";
            self.wrong(code::BAD_SCHEDULE, "", message, hint);
            return None;
        };
        let zone = Zone::named(ZONE).ok()?;
        Some(Schedule::new(When::Every(every), zone))
    }

    fn rules(&mut self, rules: &ScheduleRules) -> Option<Schedule> {
        let zone = self.zone(rules.zone.as_deref());
        let when = self.when(rules, zone.as_ref());
        let jitter = self.jitter(rules, when.as_ref());
        let missed = self.missed(rules);
        let only_if = rules.only_if.clone().unwrap_or_default();
        let catch_up = rules.catch_up.as_ref();
        let catch_up = catch_up.map(|it| self.catch_up(it, zone.as_ref()));
        Some(Schedule {
            when: when?,
            zone: zone?,
            jitter: jitter?,
            missed: missed?,
            only_if: OnlyIf {
                finished_today: names(only_if.finished_today.as_deref()),
            },
            catch_up: match catch_up {
                Some(catch_up) => Some(catch_up?),
                None => None,
            },
        })
    }

    fn zone(&mut self, name: Option<&str>) -> Option<Zone> {
        let name = name.unwrap_or(ZONE);
        let zone = Zone::named(name);
        if zone.is_err() {
            let known = Zone::names();
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let message = format!("there is no time zone `{name}`");
            let problem = Diagnostic::error(code::UNKNOWN_ZONE, message)
                .at(self.inputs.pipeline.place("/schedule/zone"));
            let near = duijie_diagnostic::suggest(name, known.iter().copied());
            self.tell(match near {
                Some(near) => problem.nearest(name, &[near], ""),
                None => problem.hint("write its IANA name, such as `Asia/Shanghai`"),
            });
        }
        zone.ok()
    }

    fn when(&mut self, rules: &ScheduleRules, zone: Option<&Zone>) -> Option<When> {
        let given = [
            ("every", rules.every.is_some()),
            ("cron", rules.cron.is_some()),
            ("after", rules.after.is_some()),
        ];
        let given = given.iter().filter(|(_, is_given)| *is_given);
        let given: Vec<String> = given.map(|(name, _)| format!("`{name}`")).collect();
        if given.len() != 1 {
            let found = match given.as_slice() {
                [] => "says nothing of when".to_owned(),
                _ => format!("has {}", given.join(" and ")),
            };
            let message =
                format!("`schedule` {found}, expected one of `every`, `cron` and `after`");
            let hint = "write exactly one; what else is to start it needs a pipeline of its own";
            self.wrong(code::BAD_SCHEDULE, "", message, hint);
            return None;
        }
        if let Some(text) = &rules.every {
            let every = self.length("schedule", "every", text)?;
            if every >= SHORTEST {
                return Some(When::Every(every));
            }
            let message = format!("`schedule.every` is `{text}`, expected a second at least");
            self.wrong(code::BAD_SCHEDULE, "/every", message, "such as `5m`");
            return None;
        }
        match &rules.cron {
            Some(text) => Some(When::At(self.cron("cron", text, zone?)?)),
            None => Some(When::After(names(rules.after.as_deref()))),
        }
    }

    fn cron(&mut self, name: &str, text: &str, zone: &Zone) -> Option<Cron> {
        let at = format!("/{}", name.replace('.', "/"));
        match Cron::parse(text, zone.clone()) {
            Ok(cron) => Some(cron),
            Err(error) => {
                let message = match error {
                    Error::Cron { reason, .. } => {
                        format!(
                            "`schedule.{name}` is `{text}`, no pattern of five fields: {reason}"
                        )
                    }
                    other => format!("`schedule.{name}`: {other}"),
                };
                let hint = "minute, hour, day of the month, month, day of the week: `0 6 * * 1-5`";
                self.wrong(code::BAD_CRON, &at, message, hint);
                None
            }
        }
    }

    fn jitter(&mut self, rules: &ScheduleRules, when: Option<&When>) -> Option<Duration> {
        let Some(text) = rules.jitter.as_deref() else {
            return Some(Duration::ZERO);
        };
        let jitter = self.length("schedule", "jitter", text)?;
        let shorter_than = match when {
            Some(When::Every(every)) => *every,
            // A pattern may name every minute.
            Some(When::At(_)) => Duration::from_secs(3600),
            Some(When::After(_)) => Duration::ZERO,
            None => return Some(jitter),
        };
        if jitter < shorter_than {
            return Some(jitter);
        }
        let hint = match when {
            Some(When::After(_)) => "leave it out: `after` has no times to spread".to_owned(),
            _ => format!("write less than {}", duration::write(shorter_than)),
        };
        let message = format!("`schedule.jitter` is `{text}`, too long for this schedule");
        self.wrong(code::BAD_SCHEDULE, "/jitter", message, &hint);
        None
    }

    fn missed(&mut self, rules: &ScheduleRules) -> Option<Missed> {
        if let (Some(most), Some(low::Missed::All)) = (rules.most_missed, rules.missed) {
            return Some(Missed::All(most));
        }
        if rules.most_missed.is_some() {
            let message = "`schedule.most_missed` counts only with `missed: all`".to_owned();
            let hint = "leave it out, or write `missed: all`";
            self.wrong(code::BAD_SCHEDULE, "/most_missed", message, hint);
            return None;
        }
        Some(match rules.missed {
            Some(low::Missed::Skip) => Missed::Skip,
            None | Some(low::Missed::Once) => Missed::Once,
            Some(low::Missed::All) => Missed::All(MOST_MISSED),
        })
    }

    fn catch_up(&mut self, low: &low::CatchUp, zone: Option<&Zone>) -> Option<CatchUp> {
        let text = low.cron.as_deref();
        let at = text.and_then(|text| self.cron("catch_up.cron", text, zone?));
        let text = low.window.as_deref().unwrap_or_default();
        let window = duration::parse(text).filter(|window| !window.is_zero());
        if window.is_none() && low.window.is_some() {
            let message =
                format!("`schedule.catch_up.window` is `{text}`, expected a length of time");
            self.wrong(
                code::BAD_DURATION,
                "/catch_up/window",
                message,
                "such as `3d`",
            );
        }
        self.needs_window();
        Some(CatchUp {
            at: at?,
            window: window?,
        })
    }

    fn wrong(&mut self, code: Code, at: &str, message: String, hint: &str) {
        let place = self.inputs.pipeline.place(&format!("/schedule{at}"));
        self.tell(Diagnostic::error(code, message).at(place).hint(hint));
    }
}

fn names(low: Option<&[String]>) -> Vec<PipelineName> {
    let names = low.unwrap_or_default().iter();
    names.map(|name| name.as_str().into()).collect()
}

/// The lines that say when a pipeline starts, names first.
pub(crate) fn told(schedule: &Schedule) -> Vec<(&'static str, String)> {
    let names = |names: &[PipelineName]| {
        let names: Vec<&str> = names.iter().map(PipelineName::as_str).collect();
        names.join(", ")
    };
    let cron = |cron: &Cron| format!("at {} ({})", cron.text(), cron.zone().name());
    let when = match &schedule.when {
        When::Every(every) => format!("every {}", duration::write(*every)),
        When::At(at) => cron(at),
        When::After(others) => format!("after {}", names(others)),
    };
    let mut lines = vec![("starts", when)];
    if !schedule.jitter.is_zero() {
        let most = duration::write(schedule.jitter);
        lines.push(("jitter", format!("up to {most} later")));
    }
    let only_if = &schedule.only_if.finished_today;
    if !only_if.is_empty() {
        let zone = schedule.zone.name();
        let text = format!("{} finished well that day ({zone})", names(only_if));
        lines.push(("only if", text));
    }
    match schedule.missed {
        Missed::Once => {}
        Missed::Skip => lines.push(("missed", "skipped".to_owned())),
        Missed::All(most) => lines.push(("missed", format!("a run each, {most} at most"))),
    }
    if let Some(catch_up) = &schedule.catch_up {
        let back = duration::write(catch_up.window);
        let text = format!("{}, the last {back}", cron(&catch_up.at));
        lines.push(("catches up", text));
    }
    lines
}
