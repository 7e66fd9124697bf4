//! The part of a newcomer's project that only the simulators know: where
//! they listen and which invented credentials they take.

use crate::{Error, Simulators};
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Writes `connections/*.yaml` and `secrets.env` into a project folder.
pub fn write_connections(simulators: &Simulators, project: &Path) -> Result<(), Error> {
    let connections = project.join("connections");
    fs::create_dir_all(&connections).map_err(Error::Project)?;
    let wangdiantong = &simulators.credentials().wangdiantong;
    let text = format!(
        "# Written by the simulators. 旺店通·企业版\n\
         connection: wangdiantong\n\
         connector: wangdiantong\n\
         calls_per_minute: 100000\n\
         settings:\n  \
         base_url: {}\n  \
         dialect: openapi2\n  \
         sid: {}\n  \
         appkey: {}\n  \
         appsecret: ${{secret:WDT_APPSECRET}}\n",
        simulators.wangdiantong_url(),
        wangdiantong.sid,
        wangdiantong.appkey
    );
    fs::write(connections.join("wangdiantong.yaml"), text).map_err(Error::Project)?;
    let kingdee = &simulators.credentials().kingdee;
    let text = format!(
        "# Written by the simulators. 金蝶云星空\n\
         connection: kingdee\n\
         connector: kingdee\n\
         settings:\n  \
         base_url: {}\n  \
         acct_id: {}\n  \
         username: {}\n  \
         auth: app_secret\n  \
         app_id: {}\n  \
         app_secret: ${{secret:KINGDEE_APP_SECRET}}\n",
        simulators.kingdee_url(),
        kingdee.acct_id,
        kingdee.username,
        kingdee.app_id
    );
    fs::write(connections.join("kingdee.yaml"), text).map_err(Error::Project)?;
    let text = waiqin365(simulators);
    fs::write(connections.join("waiqin365.yaml"), text).map_err(Error::Project)?;
    let secrets = format!(
        "WDT_APPSECRET={}\nKINGDEE_APP_SECRET={}\nWAIQIN365_APPKEY={}\n",
        wangdiantong.appsecret,
        kingdee.app_secret,
        simulators.credentials().waiqin365.appkey
    );
    let place = project.join("secrets.env");
    // Made anew, so that its mode is ours from the first byte on.
    _ = fs::remove_file(&place);
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&place)
        .and_then(|mut file| file.write_all(secrets.as_bytes()))
        .map_err(Error::Project)
}

fn waiqin365(simulators: &Simulators) -> String {
    let known = &simulators.credentials().waiqin365;
    format!(
        "# Written by the simulators. 外勤365\n\
         connection: waiqin365\n\
         connector: waiqin365\n\
         settings:\n  \
         base_url: {}\n  \
         openid: \"{}\"\n  \
         appkey: ${{secret:WAIQIN365_APPKEY}}\n",
        simulators.waiqin365_url(),
        known.openid
    )
}

/// What a newcomer wants to see: how much arrived, and one document of it,
/// a short one with a gift line. Its numbers keep the digits that were sent.
#[derive(Serialize)]
pub struct Report {
    documents: usize,
    requests: BTreeMap<String, u64>,
    sample: Option<Box<RawValue>>,
}

pub fn report(simulators: &Simulators) -> Report {
    let documents = simulators.documents();
    let gifts = documents
        .iter()
        .filter(|document| document.json.contains("\"FIsFree\":true"));
    let sample = gifts.min_by_key(|document| document.json.len());
    Report {
        documents: documents.len(),
        requests: simulators.counts(),
        sample: sample.and_then(|document| RawValue::from_string(document.json.clone()).ok()),
    }
}
