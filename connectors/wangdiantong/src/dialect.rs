//! The four ways to Wangdiantong: their names, where they stand, and how they
//! sign. Secrets stand only in the recipes, by the name of their setting.

use duijie_sdk::Recipe;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// 企业版, called directly.
    Openapi2,
    /// 企业奇门, through Taobao's gateway.
    Qimen,
    /// 旗舰版, called directly.
    Flagship,
    /// 旗舰奇门, through Taobao's gateway.
    FlagshipQimen,
}

impl Dialect {
    pub(crate) const ALL: [Self; 4] = [
        Self::Openapi2,
        Self::Qimen,
        Self::Flagship,
        Self::FlagshipQimen,
    ];

    pub(crate) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Dialect::Openapi2 => "openapi2",
            Dialect::Qimen => "qimen",
            Dialect::Flagship => "flagship",
            Dialect::FlagshipQimen => "flagship-qimen",
        }
    }

    /// In the tables of queries and pushes.
    pub(crate) fn letter(self) -> char {
        match self {
            Dialect::Openapi2 => 'A',
            Dialect::Qimen => 'B',
            Dialect::Flagship => 'C',
            Dialect::FlagshipQimen => 'D',
        }
    }

    pub(crate) fn production(self) -> &'static str {
        match self {
            Dialect::Openapi2 => "https://api.wangdian.cn/openapi2/",
            Dialect::Qimen => "https://hu3cgwt0tc.api.taobao.com/router/qm",
            Dialect::Flagship => "https://wdt.wangdian.cn/openapi",
            Dialect::FlagshipQimen => "https://3ldsmu02o9.api.taobao.com/router/qm",
        }
    }

    pub(crate) fn is_flagship(self) -> bool {
        matches!(self, Dialect::Flagship | Dialect::FlagshipQimen)
    }

    pub(crate) fn is_gateway(self) -> bool {
        matches!(self, Dialect::Qimen | Dialect::FlagshipQimen)
    }

    /// Where Wangdiantong's own part of an answer begins.
    pub(crate) fn outer(self) -> &'static str {
        if self.is_gateway() { "response." } else { "" }
    }

    /// Where a query's list and total stand in an answer.
    pub(crate) fn inner(self) -> &'static str {
        match self {
            Dialect::Openapi2 => "",
            Dialect::Qimen => "response.",
            Dialect::Flagship => "data.",
            Dialect::FlagshipQimen => "response.data.",
        }
    }

    /// The name of the code that tells success, in Wangdiantong's own part.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Dialect::Openapi2 => "code",
            Dialect::Qimen => "errorcode",
            Dialect::Flagship | Dialect::FlagshipQimen => "status",
        }
    }

    /// The settings that it signs with: names and secrets.
    pub(crate) fn credentials(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Dialect::Openapi2 => (&["appkey"], &["appsecret"]),
            Dialect::Qimen => (&["app_key"], &["app_secret"]),
            Dialect::Flagship => (&["appkey", "salt"], &["appsecret"]),
            Dialect::FlagshipQimen => {
                (&["app_key", "appkey", "salt"], &["app_secret", "appsecret"])
            }
        }
    }
}

/// Names of the recipes.
pub(crate) mod recipe {
    pub(crate) const OPENAPI2: &str = "openapi2";
    /// Of the gateway, whatever stands behind it.
    pub(crate) const GATEWAY: &str = "qimen";
    /// Of 旗舰版, called directly or behind the gateway.
    pub(crate) const FLAGSHIP: &str = "flagship";
}

/// The inputs are all parameters of the request but the signature; lengths
/// count Unicode code points, as the vendor's own PHP client does. What
/// 旗舰版 nests behind the gateway is flattened before it is signed.
pub(crate) fn recipes() -> Vec<Recipe> {
    vec![
        Recipe::new(recipe::OPENAPI2, include_str!("../recipes/openapi2.json")),
        Recipe::new(recipe::GATEWAY, include_str!("../recipes/qimen.json")),
        Recipe::new(recipe::FLAGSHIP, include_str!("../recipes/flagship.json")),
    ]
}
