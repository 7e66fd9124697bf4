//! The 企业版 openapi2 dialect: signed forms.

use md5::{Digest as _, Md5};

use crate::{Failure, variable};

pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    sid: String,
    appkey: String,
    appsecret: String,
}

impl Client {
    pub(crate) fn from_environment(http: reqwest::Client) -> Result<Self, Failure> {
        Ok(Self {
            http,
            url: variable("BENCH_WANGDIANTONG_URL")?,
            sid: variable("BENCH_SID")?,
            appkey: variable("BENCH_APPKEY")?,
            appsecret: variable("BENCH_APPSECRET")?,
        })
    }

    pub(crate) async fn page(
        &self,
        start: &str,
        end: &str,
        page: usize,
        page_size: usize,
    ) -> Result<bytes::Bytes, Failure> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let mut fields = [
            ("appkey", self.appkey.clone()),
            ("end_time", end.to_owned()),
            ("page_no", page.to_string()),
            ("page_size", page_size.to_string()),
            ("sid", self.sid.clone()),
            ("start_time", start.to_owned()),
            ("timestamp", now.as_secs().to_string()),
            ("sign", String::new()),
        ];
        let sign = sign(&fields[..7], &self.appsecret);
        fields[7].1 = sign;
        let url = format!("{}stockout_order_query_trade.php", self.url);
        let answer = self.http.post(url).form(&fields).send().await?;
        Ok(answer.error_for_status()?.bytes().await?)
    }
}

/// The fields come sorted by name.
fn sign(fields: &[(&str, String)], secret: &str) -> String {
    let mut text = String::with_capacity(256);
    for (index, (name, value)) in fields.iter().enumerate() {
        use std::fmt::Write as _;
        let between = if index == 0 { "" } else { ";" };
        let (names, values) = (name.chars().count(), value.chars().count());
        let _ = write!(text, "{between}{names:02}-{name}:{values:04}-{value}");
    }
    text.push_str(secret);
    Md5::digest(text.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
