//! The target's collection: its key, and how sure a write can be.

use std::time::Duration;

use duijie_contract::{CollectionInfo, Description, Guarantee, Role};
use duijie_diagnostic::Diagnostic;
use duijie_manifest as low;

use crate::{Stage, TargetStage, code, duration, policy, resolve::Check};

impl Check<'_> {
    /// `None` where the manifest did not say enough to go on.
    pub(crate) fn target(&mut self, stage: Stage) -> Option<TargetStage> {
        let inputs = self.inputs;
        let target = inputs.pipeline.low.target.as_ref()?;
        let description = inputs.descriptions.get(&stage.usage.connector)?;
        let name = stage.usage.collection.as_str();
        let info = description.collection(Role::Target, name);
        let given = info.map_or(Guarantee::None, |info| info.guarantee);
        // Asking for less is how a person says that this account gives less,
        // such as a number that its rules do not keep unique.
        let asked = target.guarantee.map(class);
        let guarantee = asked.map_or(given, |asked| asked.min(given));
        let declared_key = match info.map(|info| info.key.as_slice()) {
            Some([only]) => Some(only.clone()),
            _ => None,
        };
        let key = target.key.clone().or(declared_key);
        if (info.is_some() || description.other_collections) && !inputs.pipeline.is_bad("/target") {
            self.guarantee(name, given, info);
        }
        let declared = Duration::from_millis(info.map_or(0, |info| info.settle_ms));
        let settle = self.settle(target.settle.as_deref(), name, declared);
        let max_records = self.batch_records(info);
        let max_bytes = info.map_or(0, |info| info.max_bytes);
        Some(TargetStage {
            table: None,
            key,
            guarantee,
            lookup: description.lookup,
            settle,
            max_records,
            max_bytes: match usize::try_from(max_bytes).unwrap_or(0) {
                0 => policy::BATCH_BYTES,
                most => most,
            },
            steps: self.steps(description),
            stage,
        })
    }

    /// What the collection declares, or longer where the manifest wants it so.
    fn settle(&mut self, asked: Option<&str>, name: &str, declared: Duration) -> Duration {
        let asked = asked.and_then(|text| self.length("target", "settle", text));
        let Some(asked) = asked else {
            return declared;
        };
        if asked < declared && !self.inputs.any_settle {
            let (asked, declared) = (duration::write(asked), duration::write(declared));
            let message =
                format!("`target.settle` is {asked}, `{name}` may take {declared} to settle");
            let problem = Diagnostic::error(code::SETTLE_TOO_SHORT, message)
                .at(self.inputs.pipeline.place("/target/settle"))
                .hint(format!(
                    "a look-up before that may not see what was written: write {declared} or \
                     more, or leave it out"
                ));
            self.tell(problem);
        }
        asked
    }

    /// The steps that the manifest asks for, where the connector has them and
    /// can take them in this order.
    fn steps(&mut self, description: &Description) -> Vec<String> {
        let document = self.inputs.pipeline;
        let asked = document.low.target.as_ref();
        let asked = asked
            .and_then(|target| target.steps.clone())
            .unwrap_or_default();
        let known: Vec<&str> = description.steps.iter().map(String::as_str).collect();
        let connector = &description.name;
        let mut next = 0;
        for (index, step) in asked.iter().enumerate() {
            let place = document.place(&format!("/target/steps/{index}"));
            let Some(at) = known.iter().position(|name| name == step) else {
                let message = match known.is_empty() {
                    true => format!("connector `{connector}` takes no steps"),
                    false => format!("connector `{connector}` has no step `{step}`"),
                };
                let problem = Diagnostic::error(code::UNKNOWN_STEP, message).at(place);
                self.tell(match known.is_empty() {
                    true => problem.hint("leave `steps` out"),
                    false => problem.nearest(step, &known, "it has"),
                });
                continue;
            };
            if at < next {
                let message = format!("step `{step}` stands too late or twice");
                let hint = format!("the order of `{connector}` is {}", known.join(", "));
                let problem = Diagnostic::error(code::STEP_OUT_OF_ORDER, message).at(place);
                self.tell(problem.hint(hint));
            }
            next = next.max(at + 1);
        }
        asked
    }

    fn guarantee(&mut self, name: &str, given: Guarantee, info: Option<&CollectionInfo>) {
        let document = self.inputs.pipeline;
        let Some(target) = &document.low.target else {
            return;
        };
        let asked = target.guarantee.map(class);
        if let Some(asked) = asked
            && asked > given
        {
            let because = match info {
                Some(_) => words(given),
                None => "the connector does not know this collection, so nothing is promised",
            };
            let message =
                format!("`target.guarantee` asks for `{asked}`, `{name}` gives `{given}`");
            let hint = format!("{because}; ask for `{given}` or leave `guarantee` out");
            let place = document.place("/target/guarantee");
            self.tell(
                Diagnostic::error(code::GUARANTEE_TOO_STRONG, message)
                    .at(place)
                    .hint(hint),
            );
        }
        if given != Guarantee::None {
            return;
        }
        let place = document.place("/target/collection");
        if document.low.on_unknown.is_none() && !document.is_bad("/on_unknown") {
            let message = format!("`on_unknown` is missing, and `{name}` promises nothing");
            let problem = Diagnostic::error(code::ON_UNKNOWN_REQUIRED, message).at(place.clone());
            self.tell(problem.hint(
                "say what happens when it cannot be told whether a write took effect: \
                 `on_unknown: hold` waits for a person, `resend` may write twice, `skip` may lose",
            ));
        }
        if info.is_none() && target.key.is_none() && !document.is_bad("/target/key") {
            let message =
                format!("`target.key` is missing, and the connector does not know `{name}`");
            let problem = Diagnostic::error(code::KEY_REQUIRED, message).at(place);
            self.tell(
                problem
                    .hint("name the field of the mapped document that is its number in the target"),
            );
        }
    }
}

fn class(asked: low::Guarantee) -> Guarantee {
    match asked {
        low::Guarantee::None => Guarantee::None,
        low::Guarantee::NaturalUpsert => Guarantee::NaturalUpsert,
        low::Guarantee::Lookup => Guarantee::Lookup,
        low::Guarantee::UniqueKey => Guarantee::UniqueKey,
        low::Guarantee::ServerKey => Guarantee::ServerKey,
    }
}

/// A class in words.
pub(crate) fn words(class: Guarantee) -> &'static str {
    match class {
        Guarantee::None => "the target promises nothing, a write in doubt stays in doubt",
        Guarantee::NaturalUpsert => "writing the same document again changes nothing",
        Guarantee::Lookup => "documents can be found again by a number that is not unique",
        Guarantee::UniqueKey => "the target refuses a second document with the same number",
        Guarantee::ServerKey => "the target refuses a second request with the same key",
    }
}
