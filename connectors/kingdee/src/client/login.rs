//! The request of each way to log in, and what of its answer is kept.

use duijie_sdk::http::{Encoding, Piece, Place, Request};
use duijie_sdk::{Fault, Network};

use super::{Client, held, recipe};
use crate::settings::{Auth, Connection};
use crate::tree::quote;

impl<N: Network> Client<N> {
    pub(super) fn login(&self) -> Result<Request, Fault> {
        let Connection {
            acct_id,
            username,
            app_id,
            lcid,
            ..
        } = &self.connection;
        let text = quote;
        let user = format!("{{\"parameters\":[{},{}", text(acct_id), text(username));
        let app_id = text(app_id.as_deref().unwrap_or_default());
        let (operation, body) = match self.connection.auth {
            Auth::Password => ("ValidateUser", with_secret(user, "password", lcid)),
            Auth::AppSecret => (
                "LoginByAppSecret",
                with_secret(format!("{user},{app_id}"), "app_secret", lcid),
            ),
            Auth::Sign | Auth::SignedHeaders => {
                let signed = self.sign(recipe::LOGIN, &[])?;
                let seconds = signed.time_ms / 1000;
                let body = format!("{user},{app_id},{seconds},{},{lcid}]}}", text(&signed.text));
                ("LoginBySign", vec![Piece::bytes(body)])
            }
        };
        let request = Request::post(self.url("AuthService", operation))
            .header("Content-Type", "application/json")
            .capture(held::SESSION, Place::Pointer("/KDSVCSessionId".to_owned()))
            .session();
        let request = held::ECHOES
            .into_iter()
            .fold(request, |request, (name, pointer)| {
                request.capture(name, Place::Pointer(pointer.to_owned()))
            });
        Ok(Request {
            body,
            ..keep_cookies(request)
        })
    }
}

fn with_secret(before: String, secret: &str, lcid: &str) -> Vec<Piece> {
    vec![
        Piece::bytes(before + ",\""),
        Piece::secret(secret, Encoding::JsonString),
        Piece::bytes(format!("\",{lcid}]}}")),
    ]
}

pub(super) fn keep_cookies(request: Request) -> Request {
    [held::KD_COOKIE, held::ASP_COOKIE]
        .into_iter()
        .fold(request, |request, name| {
            request.capture(name, Place::Cookie(name.to_owned()))
        })
}
