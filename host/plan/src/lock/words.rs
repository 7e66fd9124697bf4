//! Grants in words: what one use may do, and what goes beyond what was granted.

use super::{Ask, SecretUse};

/// What is new about a use, one difference a line.
pub(super) fn beyond(granted: Option<&Ask>, ask: &Ask) -> Vec<String> {
    let Some(granted) = granted else {
        return vec![format!(
            "`{}` is a {} that was not there",
            ask.connector, ask.role
        )];
    };
    let mut words = Vec::new();
    if granted.connector != ask.connector {
        words.push(format!(
            "`{}` stands where `{}` was granted",
            ask.connector, granted.connector
        ));
    }
    if granted.component != ask.component {
        words.push(format!(
            "the component `{}` is another one: sha256 {} (version {}), granted was {} (version {})",
            ask.connector,
            short(&ask.component),
            ask.version,
            short(&granted.component),
            granted.version
        ));
    }
    if granted.connection != ask.connection {
        words.push(format!(
            "it uses connection `{}`, granted was `{}`",
            ask.connection.as_deref().unwrap_or("none"),
            granted.connection.as_deref().unwrap_or("none")
        ));
    }
    let mut new = |known: &[String], asked: &[String], told: &str| {
        let fresh = asked.iter().filter(|one| !known.contains(one));
        words.extend(fresh.map(|one| format!("it {told} `{one}`, which was not granted")));
    };
    new(&granted.imports, &ask.imports, "imports");
    new(&granted.egress, &ask.egress, "asks to call");
    new(&granted.may_call, &ask.may_call, "may call");
    words.extend(ask.secrets.iter().flat_map(|used| secret(granted, used)));
    for (name, asked) in &ask.limits {
        if let Some(known) = granted.limits.get(name).filter(|known| *known < asked) {
            words.push(format!(
                "its limit `{name}` is {asked}, granted was {known}"
            ));
        }
    }
    let only_another = granted.component != ask.component && words.len() == 1;
    if only_another {
        words.push("it asks for nothing more".to_owned());
    }
    words
}

fn secret(granted: &Ask, used: &SecretUse) -> Vec<String> {
    let mut known = granted.secrets.iter();
    let SecretUse {
        setting, secret, ..
    } = used;
    let Some(known) = known.find(|known| known.setting == *setting) else {
        return vec![format!(
            "it uses secret `{secret}` as `{setting}`, which was not granted"
        )];
    };
    let mut words = Vec::new();
    if known.secret != *secret {
        words.push(format!(
            "it uses secret `{secret}` as `{setting}`, granted was `{}`",
            known.secret
        ));
    }
    let fresh = used.recipes.iter();
    let fresh = fresh.filter(|recipe| !known.recipes.contains(recipe));
    words.extend(fresh.map(|recipe| {
        format!("it signs with `{setting}` by recipe `{recipe}`, which was not granted")
    }));
    words
}

/// What the uses may do, a block each, the last line ended.
pub fn told(uses: &[Ask]) -> String {
    let mut text = String::new();
    for ask in uses {
        text.push_str(&format!("{} {} {}\n", ask.role, ask.connector, ask.version));
        let mut list = |name: &str, values: Vec<String>| {
            let names = std::iter::once(name).chain(std::iter::repeat(""));
            for (name, value) in names.zip(values) {
                text.push_str(&format!("  {name:<15}{value}\n"));
            }
        };
        list("component", vec![format!("sha256 {}", ask.component)]);
        let connection = ask.connection.clone();
        list("connection", connection.into_iter().collect());
        list("imports", ask.imports.clone());
        let calls = match ask.may_call.is_empty() {
            true => vec!["nothing".to_owned()],
            false => ask.may_call.clone(),
        };
        list("may call", calls);
        list("secrets", ask.secrets.iter().map(used).collect());
        let limit = |(name, most): (&String, &u64)| format!("{name} {most}");
        list("limits", ask.limits.iter().map(limit).collect());
    }
    text
}

fn used(used: &SecretUse) -> String {
    let SecretUse {
        setting,
        secret,
        recipes,
    } = used;
    match recipes.is_empty() {
        true => format!("{setting} from {secret}: put into requests"),
        false => format!(
            "{setting} from {secret}: signs by {}, may be put into requests",
            recipes.join(", ")
        ),
    }
}

fn short(digest: &str) -> &str {
    digest.get(..16).unwrap_or(digest)
}
