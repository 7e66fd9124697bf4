//! Settings of a push as an admin wrote them, checked.

use duijie_sdk::{Problem, Settings};
use serde::Deserialize;

use super::problems;
use crate::access::Access;
use crate::connection::Connection;
use crate::push::{Push, Side};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pushing {
    #[serde(default)]
    shop_no: String,
    #[serde(default)]
    switch: String,
}

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
        let connection = settings.connection::<Connection>().map_err(problems);
        let pushing = settings.pipeline::<Pushing>().map_err(problems);
        let (connection, pushing) = match (connection, pushing) {
            (Ok(connection), Ok(pushing)) => (connection, pushing),
            (connection, pushing) => {
                let mut all = connection.err().unwrap_or_default();
                all.extend(pushing.err().unwrap_or_default());
                return Err(all);
            }
        };
        let mut found = Vec::new();
        let access = connection.access(&mut found);
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
        for (name, value) in [("shop_no", &pushing.shop_no), ("switch", &pushing.switch)] {
            if !value.is_empty() && !side.takes(name) {
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
            shop_no: pushing.shop_no,
            switch: pushing.switch,
        })
    }
}
