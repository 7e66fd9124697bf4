//! What an admin writes: the connection and the settings of one pipeline, read
//! from JSON and checked. Secrets are not here: the host keeps them.

use duijie_sdk::Problem;

use crate::tree::Tree;

mod read;
pub(crate) use read::Members;

/// How the connector proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Auth {
    /// `AuthService.ValidateUser`; private deployments only.
    Password,
    /// `AuthService.LoginByAppSecret`.
    AppSecret,
    /// `AuthService.LoginBySign`.
    Sign,
    /// No login: `X-Api-*` and `X-Kd-*` headers on every request.
    SignedHeaders,
}

#[derive(Debug, Clone)]
pub(crate) struct Connection {
    /// Ends with `/`, such as `https://erp.example.com/K3Cloud/`.
    pub base_url: String,
    pub acct_id: String,
    pub username: String,
    pub auth: Auth,
    pub app_id: Option<String>,
    pub lcid: String,
    /// An organisation's number, which may be text.
    pub org_num: String,
}

/// Field -> what it becomes.
pub(crate) type Names = Vec<(String, String)>;

/// The settings of this target in one pipeline. Empty ones leave the default.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pipeline {
    /// `Save`, `Submit` …, in the vendor's spelling.
    pub operation: Option<String>,
    /// The field that holds the document's number.
    pub key: Option<String>,
    /// The field that holds the system's own id, `FID` unless said.
    pub id_field: Option<String>,
    /// The field that holds the rows, `FEntity` unless said.
    pub entity: Option<String>,
    /// The one-to-one sub-head, `SubHeadEntity` unless said.
    pub sub_head: Option<String>,
    /// Field -> member that its value is wrapped in; empty for none.
    pub wrap: Names,
    /// Field as it comes -> field as it is sent.
    pub rename: Names,
    /// Field -> flex member, such as `FAUXPROPID__FF100001`.
    pub flex: Names,
    /// Send `data` as JSON text inside the request.
    pub data_as_text: bool,
    pub options: Options,
}

/// Options of the call, in the vendor's spelling, errors of it included.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub need_up_date_fields: Vec<String>,
    pub need_return_fields: Vec<String>,
    /// The others that were said; flags as `true` and `false`.
    said: Vec<(&'static str, String)>,
}

/// What an option of a call holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Text,
    Flag,
    Number,
}

const OPTIONS: [(&str, Holds); 21] = [
    ("SubSystemId", Holds::Text),
    ("InterationFlags", Holds::Text),
    ("IsAutoSubmitAndAudit", Holds::Flag),
    ("IsVerifyBaseDataField", Holds::Flag),
    ("IsEntryBatchFill", Holds::Flag),
    ("ValidateFlag", Holds::Flag),
    ("NumberSearch", Holds::Flag),
    ("IsAutoAdjustField", Holds::Flag),
    ("IgnoreInterationFlag", Holds::Flag),
    ("IsControlPrecision", Holds::Flag),
    ("ValidateRepeatJson", Holds::Flag),
    ("BatchCount", Holds::Number),
    ("opNumber", Holds::Text),
    ("RuleId", Holds::Text),
    ("TargetFormId", Holds::Text),
    ("TargetBillTypeId", Holds::Text),
    ("TargetOrgId", Holds::Number),
    ("IsEnableDefaultRule", Holds::Flag),
    ("IsDraftWhenSaveFail", Holds::Flag),
    ("SelectedPostId", Holds::Number),
    ("IsVerifyProcInst", Holds::Flag),
];

impl Options {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.said
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, text)| text.as_str())
    }

    fn read(members: &mut Members<'_>) -> Self {
        let mut options = Self {
            need_up_date_fields: members.texts("NeedUpDateFields").unwrap_or_default(),
            need_return_fields: members.texts("NeedReturnFields").unwrap_or_default(),
            said: Vec::new(),
        };
        for (name, holds) in OPTIONS {
            let text = match holds {
                Holds::Text => members.text(name),
                Holds::Flag => members.flag(name).map(|flag| flag.to_string()),
                Holds::Number => members.number(name).map(|number| number.to_string()),
            };
            options.said.extend(text.map(|text| (name, text)));
        }
        options
    }
}

impl Pipeline {
    /// With every problem of the text.
    pub(crate) fn read(text: &str) -> (Self, Vec<Problem>) {
        let mut members = Members::of(text, "/pipeline");
        let mut pipeline = Self {
            operation: members.text("operation"),
            key: members.text("key"),
            id_field: members.text("id_field"),
            entity: members.text("entity"),
            sub_head: members.text("sub_head"),
            wrap: members.names("wrap"),
            rename: members.names("rename"),
            flex: members.names("flex"),
            data_as_text: members.flag("data_as_text").unwrap_or_default(),
            options: Options::default(),
        };
        if let Some(mut inner) = members.object("options") {
            pipeline.options = Options::read(&mut inner);
            members.told(inner);
        }
        (pipeline, members.problems())
    }
}

impl Connection {
    /// With every problem of the text, and of what is said in it.
    pub(crate) fn read(text: &str) -> (Self, Vec<Problem>) {
        let mut members = Members::of(text, "/connection");
        let auth = members.word(
            "auth",
            &[
                ("password", Auth::Password),
                ("app_secret", Auth::AppSecret),
                ("sign", Auth::Sign),
                ("signed_headers", Auth::SignedHeaders),
            ],
        );
        let (password, app_secret) = (members.take("password"), members.take("app_secret"));
        let connection = Self {
            base_url: members.needed("base_url"),
            acct_id: members.needed("acct_id"),
            username: members.needed("username"),
            auth: auth.unwrap_or(Auth::Password),
            app_id: members.text("app_id"),
            lcid: members.digits("lcid").unwrap_or_else(|| "2052".to_owned()),
            org_num: members.digits("org_num").unwrap_or_else(|| "0".to_owned()),
        };
        let mut problems = members.problems();
        if auth.is_some() {
            let is_there = |secret: Option<Tree<'_>>| secret.is_some();
            problems.extend(connection.faults(is_there(password), is_there(app_secret)));
        }
        (connection, problems)
    }

    fn faults(&self, password: bool, app_secret: bool) -> Vec<Problem> {
        let mut faults = Vec::new();
        let mut missing = |name: &str, is_there: bool| {
            if !is_there {
                faults.push(
                    Problem::new(
                        &format!("/connection/{name}"),
                        format!("`{name}` is missing, and this `auth` needs it"),
                    )
                    .hint("set it, or choose another `auth`"),
                );
            }
        };
        if self.auth == Auth::Password {
            missing("password", password);
        } else {
            missing("app_id", self.app_id.is_some());
            missing("app_secret", app_secret);
        }
        if !self.base_url.ends_with('/') && !self.base_url.is_empty() {
            let message = format!("`{}` does not end with `/`", self.base_url);
            let hint = "write the whole address, such as `https://erp.example.com/K3Cloud/`";
            faults.push(Problem::new("/connection/base_url", message).hint(hint));
        }
        let splits = self.app_id.as_deref().is_none_or(splits_into_secret);
        if self.auth == Auth::SignedHeaders && !splits {
            let message = "expected `<client id>_<32 characters>`";
            let hint = "copy the whole app id from the system's third-party login page";
            faults.push(Problem::new("/connection/app_id", message).hint(hint));
        }
        faults
    }
}

fn splits_into_secret(app_id: &str) -> bool {
    let mut parts = app_id.split('_');
    let (client, seed) = (parts.next(), parts.next());
    client.is_some_and(|client| !client.is_empty())
        && seed.is_some_and(|seed| seed.len() == 32)
        && parts.next().is_none()
}
