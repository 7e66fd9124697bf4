//! `duijie secrets`: names, never values. Values come from a prompt that
//! shows nothing, or from standard input.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Read as _};

use duijie_component::{Key, MOST_VALUE, OWN, Provider, Secret, Vault, check_name};
use duijie_pipeline::{Clock as _, SystemClock};
use duijie_project::Project;
use serde_json::{Value, json};

use crate::args::Secrets;
use crate::exit::Failure;
use crate::moment;
use crate::output::Output;

pub(crate) fn secrets(
    open: impl FnOnce() -> Result<Project, Failure>,
    wish: &Secrets,
    output: &Output,
) -> Result<(), Failure> {
    if let Secrets::Key = wish {
        let key = Key::generate()?.text();
        output.data(&key, json!({ "key": key.as_str() }));
        return Ok(());
    }
    let project = open()?;
    let vault = project.secrets.store().ok_or_else(|| {
        Failure::Environment("this project has no place for a secret store".to_owned())
    })?;
    let bench = Bench {
        project: &project,
        vault,
        owner: project.tenant.as_deref().unwrap_or(OWN),
        output,
    };
    match wish {
        Secrets::List => bench.list(),
        Secrets::Set { name } => bench.set(name, false),
        Secrets::Rotate { name } => bench.set(name, true),
        Secrets::Rm { name, force } => bench.remove(name, *force),
        Secrets::Rekey => bench.rekey(),
        Secrets::Key => Ok(()),
    }
}

struct Bench<'a> {
    project: &'a Project,
    vault: &'a Vault,
    /// Whose part of the store it is.
    owner: &'a str,
    output: &'a Output,
}

/// `connection.setting`, by the name of the secret that stands there.
type Users = BTreeMap<String, Vec<String>>;

impl Bench<'_> {
    fn list(&self) -> Result<(), Failure> {
        let users = users(self.project);
        let mut names = self.project.secrets.names()?;
        names.extend(users.keys().cloned());
        names.sort_unstable();
        names.dedup();
        let mut lines = vec![["secret", "comes from", "used by"].map(str::to_owned)];
        let mut rows = Vec::new();
        for name in &names {
            let providers = self.project.secrets.providers(name)?;
            let used_by = users.get(name).map(Vec::as_slice).unwrap_or_default();
            let from = match providers.split_first() {
                None => "nowhere: it is not set".to_owned(),
                Some((first, [])) => told(first),
                Some((first, _)) => format!("{} (hides others)", told(first)),
            };
            lines.push([name.clone(), from, used_by.join(", ")]);
            rows.push(json!({
                "name": name,
                "providers": providers.iter().map(data).collect::<Value>(),
                "used_by": used_by,
            }));
        }
        let text = match names.is_empty() {
            true => "no secret is set, and no connection asks for one".to_owned(),
            false => table(&lines),
        };
        let data = json!({ "secrets": rows, "store": self.vault.place() });
        self.output.data(&text, data);
        Ok(())
    }

    fn set(&self, name: &str, again: bool) -> Result<(), Failure> {
        check_name(name)?;
        let kept = self.vault.list(self.owner)?;
        let known = kept.iter().find(|kept| kept.name == name);
        match (known, again) {
            (Some(known), false) => {
                return Err(Failure::Argument(format!(
                    "secret `{name}` is in the store since {}\n\nhint: `duijie secrets rotate \
                     {name}` puts a new value in its place",
                    moment::write(known.set_ms)
                )));
            }
            (None, true) => return Err(self.unknown(name)),
            _ => {}
        }
        let value = ask(
            &format!("value of `{name}` (it is not shown): "),
            self.output,
        )?;
        let had_key = self.vault.keys().is_given() || self.vault.keys().file().exists();
        self.vault
            .set(self.owner, name, &value, SystemClock.now_ms())?;
        if !had_key {
            self.output.note(&format!(
                "a key was made in {}: keep a copy of it, apart from copies of the data folder; \
                 without it the store does not open",
                self.vault.keys().file().display()
            ));
        }
        let providers = self.project.secrets.providers(name)?;
        if let Some(first @ (Provider::Environment(_) | Provider::File)) = providers.first() {
            self.output.note(&format!(
                "`{name}` is also set in the {}, which goes before the store",
                told(first)
            ));
        }
        let users = users(self.project).remove(name).unwrap_or_default();
        let place = self.vault.place().display();
        let text = match again {
            true => format!(
                "secret `{name}` has a new value in {place}; what runs now keeps the old one \
                 until it is started again"
            ),
            false => format!("secret `{name}` is sealed in {place}"),
        };
        let data = json!({ "name": name, "store": self.vault.place(), "used_by": users });
        self.output.data(&text, data);
        Ok(())
    }

    fn remove(&self, name: &str, force: bool) -> Result<(), Failure> {
        let users = users(self.project).remove(name).unwrap_or_default();
        let others = self.project.secrets.providers(name)?.len() > 1;
        if !users.is_empty() && !others && !force {
            return Err(Failure::Argument(format!(
                "secret `{name}` is used by {}\n\nhint: change the connection first, or remove it \
                 all the same with --force",
                users.join(", ")
            )));
        }
        if !self.vault.remove(self.owner, name)? {
            return Err(self.unknown(name));
        }
        let text = format!("secret `{name}` is not in the store any more");
        self.output
            .data(&text, json!({ "name": name, "used_by": users }));
        Ok(())
    }

    fn rekey(&self) -> Result<(), Failure> {
        let keys = self.vault.keys();
        let new = match keys.is_given() {
            true => {
                let text = ask("new key (it is not shown): ", self.output)?;
                Some(Key::of(&text, "standard input")?)
            }
            false => None,
        };
        let count = self.vault.rekey(new)?;
        let next = match keys.is_given() {
            true => "put the new key into `DUIJIE_SECRET_KEY` now".to_owned(),
            false => format!("the new key is in {}", keys.file().display()),
        };
        let text = format!(
            "{count} secrets are sealed anew; {next}\n\nhint: copies of the store that were made \
             before still open with the old key: remove both, or keep both"
        );
        self.output.data(&text, json!({ "secrets": count }));
        Ok(())
    }

    fn unknown(&self, name: &str) -> Failure {
        let kept = self.vault.list(self.owner).unwrap_or_default();
        let names: Vec<_> = kept.iter().map(|kept| kept.name.as_str()).collect();
        let hint = match names.is_empty() {
            true => format!("`duijie secrets set {name}` makes it"),
            false => format!("it has: {}", names.join(", ")),
        };
        Failure::Argument(format!("the store has no secret `{name}`\n\nhint: {hint}"))
    }
}

fn table(lines: &[[String; 3]]) -> String {
    let width = |of: fn(&[String; 3]) -> &String| {
        let widths = lines.iter().map(|line| of(line).chars().count());
        widths.max().unwrap_or_default()
    };
    let (first, second) = (width(|[one, _, _]| one), width(|[_, two, _]| two));
    let line =
        |[name, from, users]: &[String; 3]| format!("{name:<first$}  {from:<second$}  {users}\n");
    lines.iter().map(line).collect()
}

/// Which settings of which connections refer to which secret.
fn users(project: &Project) -> Users {
    let mut users = Users::new();
    for document in &project.connections {
        let Some(settings) = document.node.pointer("/settings") else {
            continue;
        };
        for entry in settings.entries() {
            let reference = entry.value.text().and_then(|text| {
                let name = text.strip_prefix("${secret:")?.strip_suffix('}')?;
                check_name(name).is_ok().then_some(name)
            });
            if let Some(name) = reference {
                let connection = document.low.connection.as_deref();
                let connection = connection.unwrap_or(&document.file);
                let user = format!("{connection}.{}", entry.key);
                users.entry(name.to_owned()).or_default().push(user);
            }
        }
    }
    users
}

/// One line that is not shown, typed twice; or all of standard input but the
/// end of its last line.
fn ask(prompt: &str, output: &Output) -> Result<Secret, Failure> {
    let failed =
        |error: std::io::Error| Failure::Environment(format!("cannot read the value: {error}"));
    if std::io::stdin().is_terminal() {
        let typed = |prompt: &str| {
            output.prompt(prompt);
            let line = console::Term::stderr().read_secure_line();
            line.map(Secret::new).map_err(failed)
        };
        let (first, second) = (typed(prompt)?, typed("once more: ")?);
        return match first.is_same(&second) {
            true => taken(first),
            false => Err(Failure::Argument("the two are not the same".to_owned())),
        };
    }
    // With room for all of it, so that no part is left behind by growing.
    let mut bytes = Vec::with_capacity(MOST_VALUE + 3);
    let most = u64::try_from(MOST_VALUE + 2).unwrap_or(u64::MAX);
    let read = std::io::stdin().lock().take(most).read_to_end(&mut bytes);
    read.map_err(failed)?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| Failure::Argument("the value is no text in UTF-8".to_owned()))?;
    taken(Secret::new(text))
}

fn taken(value: Secret) -> Result<Secret, Failure> {
    match value.is_empty() {
        false => Ok(value),
        true => Err(Failure::Argument(
            "there is no value\n\nhint: type it, or send it to standard input: \
             `duijie secrets set NAME < file`"
                .to_owned(),
        )),
    }
}

fn told(provider: &Provider) -> String {
    match provider {
        Provider::Environment(variable) => format!("environment, `{variable}`"),
        Provider::File => "file `secrets.env`".to_owned(),
        Provider::Store { set_ms } => format!("store, set {}", moment::write(*set_ms)),
    }
}

fn data(provider: &Provider) -> Value {
    match provider {
        Provider::Environment(variable) => json!({ "from": "environment", "variable": variable }),
        Provider::File => json!({ "from": "file" }),
        Provider::Store { set_ms } => json!({ "from": "store", "set_ms": set_ms }),
    }
}
