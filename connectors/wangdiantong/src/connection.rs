//! The connection's settings as an admin wrote them, and the account that they
//! name. Every problem is found, not only the first.

use duijie_sdk::Problem;
use duijie_sdk::settings::Secret;
use serde::Deserialize;

use crate::access::Access;
use crate::dialect::Dialect;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Connection {
    base_url: String,
    dialect: Dialect,
    sid: String,
    appkey: Option<String>,
    appsecret: Option<Secret>,
    salt: Option<String>,
    app_key: Option<String>,
    app_secret: Option<Secret>,
    target_app_key: Option<String>,
}

impl Connection {
    /// Where a problem is found, any value stands in.
    pub(crate) fn access(self, problems: &mut Vec<Problem>) -> Access {
        let base_url = &self.base_url;
        if !base_url.starts_with("https://") && !base_url.starts_with("http://") {
            let message = format!("`{base_url}` is no address");
            let example = self.dialect.production();
            problems.push(
                Problem::new("/connection/base_url", message)
                    .hint(format!("write one such as `{example}`")),
            );
        }
        if self.sid.is_empty() {
            problems.push(Problem::new("/connection/sid", "`sid` is empty"));
        }
        self.credentials(problems);
        Access {
            dialect: self.dialect,
            base_url: self.base_url.trim_end_matches('/').to_owned(),
            sid: self.sid,
            appkey: self.appkey.unwrap_or_default(),
            salt: self.salt.unwrap_or_default(),
            app_key: self.app_key.unwrap_or_default(),
            target_app_key: self.target_app_key.unwrap_or_else(|| "21363512".to_owned()),
        }
    }

    fn credentials(&self, problems: &mut Vec<Problem>) {
        let (names, secrets) = self.dialect.credentials();
        let missing = |name: &&&str| {
            let given = match **name {
                "appkey" => self.appkey.as_deref(),
                "salt" => self.salt.as_deref(),
                "app_key" => self.app_key.as_deref(),
                "appsecret" => self.appsecret.as_ref().map(|secret| secret.name.as_str()),
                _ => self.app_secret.as_ref().map(|secret| secret.name.as_str()),
            };
            given.is_none_or(str::is_empty)
        };
        let dialect = self.dialect.name();
        for name in secrets.iter().chain(names).filter(missing) {
            let message = format!("`{name}` is missing, which dialect `{dialect}` signs with");
            let all: Vec<String> = names
                .iter()
                .chain(secrets)
                .map(|name| format!("`{name}`"))
                .collect();
            let hint = format!("`{dialect}` takes {}", all.join(", "));
            problems.push(Problem::new(&format!("/connection/{name}"), message).hint(hint));
        }
    }
}
