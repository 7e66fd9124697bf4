//! Login by application secret, and BatchSave with its outcomes counted.

use serde::Deserialize;
use tokio::sync::Mutex;

use crate::{Failure, variable};

const PREFIX: &str = "Kingdee.BOS.WebApi.ServicesStub.";

/// Requests of one session are executed one after another by the server, so
/// each writer has its own.
pub(crate) struct Sessions {
    http: reqwest::Client,
    save: String,
    free: Mutex<Vec<String>>,
    waiting: tokio::sync::Semaphore,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Login {
    login_result_type: i64,
    message: Option<String>,
    #[serde(rename = "KDSVCSessionId", default)]
    session: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    result: Outcome,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Outcome {
    response_status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Status {
    is_success: bool,
    #[serde(default)]
    success_entitys: Vec<Saved>,
    #[serde(default)]
    errors: Vec<Refused>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    #[allow(dead_code)]
    number: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Refused {
    #[serde(default)]
    message: String,
}

impl Sessions {
    pub(crate) async fn login(http: &reqwest::Client, count: usize) -> Result<Self, Failure> {
        let base = variable("BENCH_KINGDEE_URL")?;
        let url = format!("{base}{PREFIX}AuthService.LoginByAppSecret.common.kdsvc");
        let body = serde_json::json!({"parameters": [
            variable("BENCH_ACCT_ID")?, variable("BENCH_USERNAME")?,
            variable("BENCH_APP_ID")?, variable("BENCH_APP_SECRET")?, 2052,
        ]})
        .to_string();
        let logins = (0..count).map(|_| async {
            let answer = http
                .post(&url)
                .body(body.clone())
                .send()
                .await?
                .bytes()
                .await?;
            let login: Login = serde_json::from_slice(&answer)?;
            match login.login_result_type {
                1 => Ok::<_, Failure>(login.session),
                other => Err(format!("Kingdee answered {other}: {:?}", login.message).into()),
            }
        });
        let free = futures_util::future::try_join_all(logins).await?;
        Ok(Self {
            http: http.clone(),
            save: format!("{base}{PREFIX}DynamicFormService.BatchSave.common.kdsvc"),
            free: Mutex::new(free),
            waiting: tokio::sync::Semaphore::new(count),
        })
    }

    /// How many documents were saved.
    pub(crate) async fn save(&self, body: Vec<u8>) -> Result<usize, Failure> {
        let _permit = self.waiting.acquire().await?;
        let session = self.free.lock().await.pop().ok_or("no free session")?;
        let answer = self
            .http
            .post(&self.save)
            .header("kdservice-sessionid", &session)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await;
        self.free.lock().await.push(session);
        let answer = answer?.error_for_status()?.bytes().await?;
        let status = serde_json::from_slice::<Answer>(&answer)?
            .result
            .response_status;
        match status.errors.first() {
            Some(error) if !status.is_success => Err(error.message.clone().into()),
            _ => Ok(status.success_entitys.len()),
        }
    }
}
