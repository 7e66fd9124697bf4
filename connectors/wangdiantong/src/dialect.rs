//! The two ways to the same queries: what a request looks like and how it is
//! signed. Secrets stand only in the recipes, by the name of their setting.

use duijie_sdk::http::Request;
use duijie_sdk::{Fault, Network, Recipe, form, time};
use serde::Deserialize;

use crate::collection::Collection;
use crate::settings::Query;
use crate::window::Window;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Dialect {
    /// 企业版, called directly.
    Openapi2,
    /// 企业奇门, through Taobao's gateway.
    Qimen,
}

/// One page of one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) window: Window,
    pub(crate) page: u64,
    pub(crate) page_size: u32,
}

impl Dialect {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Dialect::Openapi2 => "openapi2",
            Dialect::Qimen => "qimen",
        }
    }

    pub(crate) fn production(self) -> &'static str {
        match self {
            Dialect::Openapi2 => "https://api.wangdian.cn/openapi2/",
            Dialect::Qimen => "https://hu3cgwt0tc.api.taobao.com/router/qm",
        }
    }

    /// Where the records stand in an answer.
    pub(crate) fn list_path(self, collection: &Collection) -> String {
        match self {
            Dialect::Openapi2 => collection.list.to_owned(),
            Dialect::Qimen => format!("response.{}", collection.list),
        }
    }

    pub(crate) fn request(
        self,
        network: &impl Network,
        query: &Query,
        slice: Slice,
    ) -> Result<Request, Fault> {
        let page_no = slice.page.to_string();
        let page_size = slice.page_size.to_string();
        let start_time = time::format(slice.window.from_s);
        let end_time = time::format(slice.window.to_s);
        let now_s = network.now_ms() / 1000;
        let timestamp = match self {
            Dialect::Openapi2 => now_s.to_string(),
            Dialect::Qimen => time::format(now_s.try_into().unwrap_or_default()),
        };
        let mut parameters: Vec<(&str, &str)> = match self {
            Dialect::Openapi2 => vec![("appkey", &query.key)],
            Dialect::Qimen => vec![
                ("method", query.collection.method),
                ("app_key", &query.key),
                ("target_app_key", &query.target_app_key),
                ("format", "json"),
                ("v", "2.0"),
                ("sign_method", "md5"),
            ],
        };
        parameters.extend([
            ("sid", query.sid.as_str()),
            ("timestamp", &timestamp),
            ("start_time", &start_time),
            ("end_time", &end_time),
            ("page_no", &page_no),
            ("page_size", &page_size),
        ]);
        let filters = query.filters.iter();
        parameters.extend(filters.map(|(name, value)| (*name, value.as_str())));
        // Both vendors leave empty values out of what they sign.
        parameters.retain(|(_, value)| !value.is_empty());
        let signed = network
            .sign(self.name(), &parameters)
            .map_err(|missing| Fault::other(format!("the request cannot be signed: {missing}")))?;
        parameters.push(("sign", &signed.text));
        let url = match self {
            Dialect::Openapi2 => format!("{}/{}.php", query.base_url, query.collection.name),
            Dialect::Qimen => query.base_url.clone(),
        };
        Ok(Request::post(url)
            .header(
                "content-type",
                "application/x-www-form-urlencoded; charset=UTF-8",
            )
            .body(form::encode(&parameters))
            .read())
    }
}

/// How each dialect signs, named like it. The inputs are all parameters of
/// the request but `sign`; lengths count Unicode code points, as the vendor's
/// own PHP client does.
pub(crate) fn recipes() -> Vec<Recipe> {
    vec![
        Recipe::new(
            Dialect::Openapi2.name(),
            include_str!("../recipes/openapi2.json"),
        ),
        Recipe::new(Dialect::Qimen.name(), include_str!("../recipes/qimen.json")),
    ]
}
