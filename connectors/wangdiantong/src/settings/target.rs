//! Settings of a push as an admin wrote them, checked.

use duijie_sdk::{Problem, Settings};

use crate::access::Access;
use crate::connection;
use crate::push::{Push, Side};
use crate::texts::Texts;

/// What to push to, checked.
pub(crate) struct Target {
    pub(crate) push: Push,
    pub(crate) side: Side,
    pub(crate) access: Access,
    /// Of documents that name none; may be empty.
    pub(crate) shop_no: String,
    /// May be empty.
    pub(crate) switch: String,
}

impl Target {
    pub(crate) fn resolve(settings: &Settings, collection: &str) -> Result<Self, Vec<Problem>> {
        let mut found = Vec::new();
        let access = connection::access(settings, &mut found);
        let known = ["shop_no", "switch"];
        let texts = Texts::read("/pipeline", &settings.pipeline, &known, &mut found);
        let Some(push) = Push::by_name(collection) else {
            let names: Vec<_> = Push::all()
                .map(|known| format!("`{}`", known.name))
                .collect();
            let message = format!("collection `{collection}` is not known");
            found.push(Problem::new("", message).hint(format!("known are {}", names.join(", "))));
            return Err(found);
        };
        let Some(side) = push.side(access.dialect).cloned() else {
            let message = format!(
                "dialect `{}` does not offer `{collection}`",
                access.dialect.name()
            );
            let hint = "push over another dialect";
            found.push(Problem::new("/connection/dialect", message).hint(hint));
            return Err(found);
        };
        for name in known {
            if texts.has(name) && !side.takes(name) {
                let message = format!("`{name}` means nothing to `{collection}`");
                let at = format!("/pipeline/{name}");
                found.push(Problem::new(&at, message).hint("leave it out"));
            }
        }
        if !found.is_empty() {
            return Err(found);
        }
        Ok(Self {
            push,
            side,
            access,
            shop_no: texts.get("shop_no").unwrap_or_default(),
            switch: texts.get("switch").unwrap_or_default(),
        })
    }
}
