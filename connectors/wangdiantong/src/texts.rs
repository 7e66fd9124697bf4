//! Settings as texts. The host holds them against their schemas first; what is
//! read here is what the connector works with.

use std::borrow::Cow;

use duijie_sdk::Problem;
use duijie_sdk::json::{self, Raw};

/// What is neither text nor number nor truth value is none.
pub(crate) struct Texts<'s>(Vec<(Cow<'s, str>, Raw<'s>)>);

impl<'s> Texts<'s> {
    /// Names that are not known are told.
    pub(crate) fn read(
        at: &str,
        settings: &'s str,
        known: &[&str],
        problems: &mut Vec<Problem>,
    ) -> Self {
        let texts = match json::members(settings.as_bytes()) {
            Ok(members) => Self(members),
            Err(error) => {
                problems.push(Problem::new(at, error.to_string()));
                Self(Vec::new())
            }
        };
        for (name, _) in &texts.0 {
            if !known.contains(&name.as_ref()) {
                let message = format!("setting `{name}` is not known");
                problems.push(Problem::new(&format!("{at}/{name}"), message));
            }
        }
        texts
    }

    /// None where it is blank.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let text = self.raw(name)?.text().ok()?;
        (!text.is_empty()).then(|| text.into_owned())
    }

    /// Whether it is given, as a secret or as a text that is not blank.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.raw(name)
            .is_some_and(|raw| raw.0.starts_with(b"{") || self.get(name).is_some())
    }

    fn raw(&self, name: &str) -> Option<Raw<'s>> {
        let found = self.0.iter().find(|(known, _)| known == name)?;
        Some(found.1).filter(|raw| !raw.is_null())
    }
}
