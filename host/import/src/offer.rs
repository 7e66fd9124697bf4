//! What a connector says of schemes, in its schemas under `x-qeasy`: the names
//! of its platform there, which call is which collection, which list a name
//! means. Without it, calls are matched with the names of collections.
//!
//! `x-qeasy` of the settings of a role:
//! - `platforms`: names that a platform begins with;
//! - `collections`: from a call's name to a collection, or to `{field}` where a
//!   field of the call says it; a name with dots may end the call's;
//! - `documents`: by collection, the arguments of which one holds the document;
//! - `settings`: from a field of the call to the setting that it is here, or to
//!   null where the connector does it by itself;
//! - `rest`: the setting that takes all other fields by their names;
//! - `columns`: the setting that lists the fields to read, where the call gives
//!   each as a row of its own;
//! - `time`: the settings `filter` and `field`, where the call says in a filter
//!   from which time on it reads;
//! - `lists`: by collection, what stands behind a list's name: `from`, `fields`.

use duijie_contract::{Description, Role};
use serde_json::Value;

use crate::Error;
use crate::scheme::{Row, Side};

#[derive(Debug)]
pub(crate) struct Offer<'a> {
    pub(crate) description: &'a Description,
    pub(crate) role: Role,
    schema: Value,
}

/// What a field of a call is here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Setting<'a> {
    Named(&'a str),
    /// The connector does it by itself.
    Own,
    Unknown,
}

/// The connector for a side, and the collection where it is known.
pub(crate) fn choose<'a>(
    known: &'a [Description],
    role: Role,
    side: &Side,
    wished: Option<&str>,
) -> Result<(Offer<'a>, Option<String>), Error> {
    let mut offers: Vec<Offer<'a>> = known
        .iter()
        .filter(|description| description.roles.contains(&role))
        .map(|description| Offer::new(description, role))
        .collect();
    let names: Vec<String> = offers.iter().map(|offer| offer.name().to_owned()).collect();
    let rank = |offer: &Offer<'_>| match wished {
        Some(name) => usize::from(offer.name() == name) * 4,
        None => {
            let platform = offer.knows_platform(&side.platform);
            let call = offer.collection(side).is_some();
            usize::from(platform) * 2 + usize::from(call)
        }
    };
    // The last of equals wins; where two are equal nothing is certain.
    offers.sort_by_key(rank);
    let ranks: Vec<usize> = offers.iter().map(rank).collect();
    let certain = match ranks.as_slice() {
        [.., before, best] => best > before,
        [best] => *best > 0,
        [] => false,
    };
    match offers.pop().filter(|_| certain) {
        Some(offer) => {
            let collection = offer.collection(side);
            Ok((offer, collection))
        }
        None => Err(Error::NoConnector {
            side: match role {
                Role::Target => "target",
                _ => "source",
            },
            named: match side.platform.is_empty() {
                true => format!("the call `{}`", side.api),
                false => format!("`{}` and its call `{}`", side.platform, side.api),
            },
            known: names,
        }),
    }
}

impl<'a> Offer<'a> {
    fn new(description: &'a Description, role: Role) -> Self {
        let mut schemas = description.pipeline_schemas.iter();
        let schema = schemas.find(|(of, _)| *of == role);
        let schema = schema.and_then(|(_, text)| serde_json::from_str(text).ok());
        Self {
            description,
            role,
            schema: schema.unwrap_or(Value::Null),
        }
    }

    pub(crate) fn name(&self) -> &'a str {
        &self.description.name
    }

    fn mark(&self, name: &str) -> Option<&Value> {
        self.schema.get("x-qeasy")?.get(name)
    }

    fn knows_platform(&self, platform: &str) -> bool {
        let platform = letters(platform);
        let names = self.mark("platforms").and_then(Value::as_array);
        let mut names = names.into_iter().flatten().filter_map(Value::as_str);
        !platform.is_empty() && names.any(|name| platform.starts_with(&letters(name)))
    }

    fn collection(&self, side: &Side) -> Option<String> {
        let marked = self.mark("collections").and_then(Value::as_object);
        let marked = marked.into_iter().flatten();
        let whole = |name: &&String| name.eq_ignore_ascii_case(&side.api);
        let ends = |name: &&String| name.contains('.') && ends_with(&side.api, name);
        let marked = marked.filter(|(name, _)| whole(name) || ends(name));
        let marked = marked.max_by_key(|(name, _)| name.len());
        if let Some(name) = marked.and_then(|(_, name)| name.as_str()) {
            let field = name
                .strip_prefix('{')
                .and_then(|name| name.strip_suffix('}'));
            return match field {
                Some(field) => said(side, field),
                None => Some(name.to_owned()),
            };
        }
        let call = letters(&side.api);
        let listed = self.description.collections.iter();
        let listed = listed.filter(|collection| collection.role == self.role);
        let fits = listed.filter(|collection| call.ends_with(&letters(&collection.name)));
        let best = fits.max_by_key(|collection| collection.name.len())?;
        Some(best.name.clone())
    }

    /// Whether a field of the call only says which collection it is.
    pub(crate) fn names_collection(&self, field: &str) -> bool {
        let marked = self.mark("collections").and_then(Value::as_object);
        let mut names = marked
            .into_iter()
            .flatten()
            .filter_map(|(_, name)| name.as_str());
        names.any(|name| name == format!("{{{field}}}"))
    }

    pub(crate) fn setting<'f>(&'f self, field: &'f str) -> Setting<'f> {
        match self.mark("settings").and_then(|marked| marked.get(field)) {
            Some(Value::String(name)) => Setting::Named(name),
            Some(_) => Setting::Own,
            None if self.property(field).is_some() => Setting::Named(field),
            None => Setting::Unknown,
        }
    }

    /// The schema of a setting.
    pub(crate) fn property(&self, name: &str) -> Option<&Value> {
        self.schema.get("properties")?.get(name)
    }

    /// The setting that holds one end of the window that is read.
    pub(crate) fn window(&self, end: &str) -> Option<&str> {
        let properties = self.schema.get("properties")?.as_object()?;
        let mut properties = properties.iter();
        let marked = properties
            .find(|(_, property)| property.get("x-window").and_then(Value::as_str) == Some(end));
        marked.map(|(name, _)| name.as_str())
    }

    /// The arguments of a call of which one holds the document.
    pub(crate) fn arguments(&self, collection: &str) -> Vec<&str> {
        let named = self.mark("documents").and_then(|all| all.get(collection));
        let named = named.and_then(Value::as_array).into_iter().flatten();
        named.filter_map(Value::as_str).collect()
    }

    /// The setting that takes fields which no other does.
    pub(crate) fn rest(&self) -> Option<&str> {
        self.mark("rest")?.as_str()
    }

    /// The setting that lists the fields to read.
    pub(crate) fn columns(&self) -> Option<&str> {
        self.mark("columns")?.as_str()
    }

    /// The settings of the filter, and of the field that windows are on.
    pub(crate) fn time(&self) -> Option<(&str, &str)> {
        let time = self.mark("time")?;
        Some((time.get("filter")?.as_str()?, time.get("field")?.as_str()?))
    }

    /// What a list's name in rules means for a collection: the record's list,
    /// and its fields by the rules' names.
    pub(crate) fn list(&self, collection: &str, name: &str) -> Option<List> {
        let list = self.mark("lists")?.get(collection)?.get(name)?;
        let fields = list.get("fields").and_then(Value::as_object);
        let fields = fields.into_iter().flatten();
        Some(List {
            from: list.get("from").and_then(Value::as_str)?.to_owned(),
            fields: fields
                .filter_map(|(rule, own)| Some((rule.clone(), own.as_str()?.to_owned())))
                .collect(),
        })
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) from: String,
    /// Rules' name, record's name.
    pub(crate) fields: Vec<(String, String)>,
}

/// The fixed text that a field of the call has, wherever it stands.
fn said(side: &Side, field: &str) -> Option<String> {
    let rows = side.other_request.iter().chain(&side.request);
    let mut rows = rows.filter(|row: &&Row| row.name() == field);
    let value = rows.find(|row| !row.value.is_empty())?;
    (!value.value.contains("{{")).then(|| value.value.clone())
}

/// Whether a call's name is another one, or that behind a dot.
fn ends_with(call: &str, name: &str) -> bool {
    let (call, name) = (call.to_lowercase(), name.to_lowercase());
    call.strip_suffix(&name)
        .is_some_and(|before| before.ends_with('.'))
}

/// Letters and digits in lower case.
fn letters(text: &str) -> String {
    text.chars()
        .filter(|char| char.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}
