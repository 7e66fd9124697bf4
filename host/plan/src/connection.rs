//! A stage's connection: found, its settings checked, its secrets and grants
//! worked out.

use duijie_contract::Description;
use duijie_diagnostic::{Diagnostic, Place};
use duijie_manifest::{Connection, Document};

use crate::{
    code, grant,
    resolve::{Check, Named},
    settings,
};

/// What a [`duijie_contract::Use`] needs of a connection.
pub(crate) struct Connected {
    pub(crate) settings: String,
    pub(crate) secrets: Vec<(String, String)>,
    pub(crate) allow: Vec<String>,
    pub(crate) calls_per_minute: u32,
    pub(crate) file: String,
}

impl<'a> Check<'a> {
    pub(crate) fn connected(
        &mut self,
        named: &Named<'_>,
        name: &str,
        description: Option<&Description>,
    ) -> Option<Connected> {
        let place = self
            .inputs
            .pipeline
            .place(&format!("{}/connection", named.at));
        let connections = self.inputs.connections;
        let found = connections
            .iter()
            .find(|document| document.low.connection.as_deref() == Some(name));
        let Some(document) = found else {
            self.unknown_connection(name, place, description);
            return None;
        };
        self.used.push(document);
        let description = description?;
        if let Some(other) = &document.low.connector
            && *other != description.name
        {
            let message = format!(
                "connection `{name}` is one of `{other}`, expected one of `{}`",
                description.name
            );
            let problem = Diagnostic::error(code::FOREIGN_CONNECTION, message)
                .at(place)
                .label(document.place("/connector"), "its connector is named here")
                .hint(self.connections_of(&description.name));
            self.tell(problem);
            return None;
        }
        self.settled(document, description)
    }

    fn settled(
        &mut self,
        document: &'a Document<Connection>,
        description: &Description,
    ) -> Option<Connected> {
        if document.is_bad("/settings") {
            return None;
        }
        let given = settings::Given {
            file: &document.file,
            prefix: "settings",
            head: settings::head(document, "/settings", "/connector"),
            node: document.node.pointer("/settings"),
            connection: true,
        };
        let schema = &description.connection_schema;
        let settled = settings::settle(&given, schema, description, &mut self.problems)?;
        for (setting, secret) in &settled.secrets {
            if !(self.inputs.has_secret)(secret) {
                let message = format!("there is no secret `{secret}`");
                let place = document.place(&format!("/settings/{setting}"));
                let problem = Diagnostic::error(code::MISSING_SECRET, message).at(place);
                self.tell(problem.hint(format!(
                    "set it with `duijie secrets set {secret}`; or write `{secret}=…` into \
                     `secrets.env` in the folder of the pipelines, or set the environment variable \
                     `DUIJIE_SECRET_{secret}`"
                )));
            }
        }
        let allow = grant::allow(document, description, &settled.node, &mut self.problems);
        let agreed = document.low.calls_per_minute;
        Some(Connected {
            settings: settled.node.to_json_text(),
            secrets: settled.secrets,
            allow,
            calls_per_minute: agreed.unwrap_or(description.calls_per_minute),
            file: document.file.clone(),
        })
    }

    fn unknown_connection(&mut self, name: &str, place: Place, description: Option<&Description>) {
        let message = format!("there is no connection `{name}`");
        let problem = Diagnostic::error(code::UNKNOWN_CONNECTION, message).at(place);
        let fitting = self.inputs.connections.iter().filter(|document| {
            description.is_none_or(|description| {
                document.low.connector.as_deref() == Some(description.name.as_str())
            })
        });
        let fitting: Vec<&str> = fitting
            .filter_map(|document| document.low.connection.as_deref())
            .collect();
        let problem = match (fitting.as_slice(), description) {
            ([], Some(description)) => problem.hint(self.connections_of(&description.name)),
            _ => problem.nearest(name, &fitting, "connections here"),
        };
        self.tell(problem);
    }

    fn connections_of(&self, connector: &str) -> String {
        let names = self.inputs.connections.iter().filter_map(|document| {
            (document.low.connector.as_deref() == Some(connector))
                .then_some(document.low.connection.as_deref())?
        });
        let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
        match names.as_slice() {
            [] => format!(
                "write one: a file with `connection: <name>`, `connector: {connector}` and its `settings`"
            ),
            _ => format!("connections of `{connector}`: {}", names.join(", ")),
        }
    }
}
