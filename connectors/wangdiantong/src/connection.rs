//! The connection's settings as an admin wrote them, and the account that they
//! name. Every problem is found, not only the first.

use duijie_sdk::{Problem, Settings};

use crate::access::Access;
use crate::dialect::Dialect;
use crate::texts::Texts;

const NAMES: [&str; 9] = [
    "base_url",
    "dialect",
    "sid",
    "appkey",
    "appsecret",
    "salt",
    "app_key",
    "app_secret",
    "target_app_key",
];

/// Where a problem is found, any value stands in.
pub(crate) fn access(settings: &Settings, problems: &mut Vec<Problem>) -> Access {
    let texts = Texts::read("/connection", &settings.connection, &NAMES, problems);
    let get = |name| texts.get(name).unwrap_or_default();
    let word = get("dialect");
    let dialect = Dialect::by_name(&word).unwrap_or_else(|| {
        let names = Dialect::ALL.map(|dialect| format!("`{}`", dialect.name()));
        let problem = Problem::new("/connection/dialect", format!("`{word}` is no dialect"));
        problems.push(problem.hint(format!("write one of {}", names.join(", "))));
        Dialect::Openapi2
    });
    let base_url = get("base_url");
    if !base_url.starts_with("https://") && !base_url.starts_with("http://") {
        let message = format!("`{base_url}` is no address");
        let example = dialect.production();
        problems.push(
            Problem::new("/connection/base_url", message)
                .hint(format!("write one such as `{example}`")),
        );
    }
    let sid = get("sid");
    if sid.is_empty() {
        problems.push(Problem::new("/connection/sid", "`sid` is empty"));
    }
    credentials(dialect, &texts, problems);
    let target_app_key = texts.get("target_app_key");
    Access {
        dialect,
        base_url: base_url.trim_end_matches('/').to_owned(),
        sid,
        appkey: get("appkey"),
        salt: get("salt"),
        app_key: get("app_key"),
        target_app_key: target_app_key.unwrap_or_else(|| "21363512".to_owned()),
    }
}

fn credentials(dialect: Dialect, texts: &Texts<'_>, problems: &mut Vec<Problem>) {
    let (names, secrets) = dialect.credentials();
    let word = dialect.name();
    for name in secrets.iter().chain(names).filter(|name| !texts.has(name)) {
        let message = format!("`{name}` is missing, which dialect `{word}` signs with");
        let all: Vec<String> = names
            .iter()
            .chain(secrets)
            .map(|name| format!("`{name}`"))
            .collect();
        let hint = format!("`{word}` takes {}", all.join(", "));
        problems.push(Problem::new(&format!("/connection/{name}"), message).hint(hint));
    }
}
