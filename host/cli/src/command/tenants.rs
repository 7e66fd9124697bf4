//! `duijie tenants` and `duijie tokens`: folders and files that a service
//! reads. A running one takes a new token at once, and a new tenant when it is
//! told to reload.

use duijie_admin::{EVERY, Role, Token, TokenError, Tokens};
use duijie_pipeline::{Clock as _, SystemClock};
use duijie_serve::{Home, TenantName};
use duijie_store::{Embedded, Error as StoreError};
use serde_json::{Value, json};

use crate::args::{Global, TenantsWish, TokensWish};
use crate::exit::Failure;
use crate::moment;
use crate::output::Output;

pub(crate) async fn tenants(
    global: &Global,
    wish: &TenantsWish,
    output: &Output,
) -> Result<(), Failure> {
    let home = global.home();
    match wish {
        TenantsWish::List => list(&home, output),
        TenantsWish::Add { tenant } => {
            let folder = home.add(&TenantName::parse(tenant)?)?;
            let text = format!(
                "its folder is {}\n\nhint: put its pipelines and connections there, make a token \
                 with `duijie tokens add {tenant}`, and let a running service reload it",
                folder.display()
            );
            output.data(&text, json!({ "tenant": tenant, "folder": folder }));
            Ok(())
        }
        TenantsWish::Rm { tenant } => {
            let name = TenantName::parse(tenant)?;
            let store = store(&home)?;
            let removed = duijie_serve::remove(&home, store.as_ref(), &name).await;
            // One that is gone already may have been cut short before its tokens.
            if matches!(removed, Ok(()) | Err(duijie_serve::Error::NoTenant(_))) {
                Tokens::of(home.data())
                    .remove_of(name.as_str())
                    .or_else(none_there)?;
            }
            removed?;
            let text = "its folder, its secrets, its tokens and its state are gone";
            output.data(text, json!({ "tenant": tenant }));
            Ok(())
        }
    }
}

/// What a running service has open is for the service to take away.
fn store(home: &Home) -> Result<Option<Embedded>, Failure> {
    if !Embedded::exists(home.data()) {
        return Ok(None);
    }
    let options = home.store_options(home.limits()?.retention);
    match Embedded::open(home.data(), &options) {
        Ok(store) => Ok(Some(store)),
        Err(error @ StoreError::InUse { .. }) => Err(Failure::Environment(format!(
            "{error}\n\nhint: ask the running service for it: `DELETE /v1/tenants/<tenant>` with a \
             token of `*` and role admin"
        ))),
        Err(error) => Err(error.into()),
    }
}

fn list(home: &Home, output: &Output) -> Result<(), Failure> {
    let names = home.names()?;
    let names: Vec<&str> = names.iter().map(TenantName::as_str).collect();
    let text = match names.is_empty() {
        true => "no tenant yet: `duijie tenants add <tenant>`".to_owned(),
        false => names.join("\n"),
    };
    output.data(&text, json!({ "tenants": names }));
    Ok(())
}

pub(crate) fn tokens(global: &Global, wish: &TokensWish, output: &Output) -> Result<(), Failure> {
    let home = global.home();
    std::fs::create_dir_all(home.data())
        .map_err(|error| Failure::Environment(error.to_string()))?;
    let tokens = Tokens::of(home.data());
    match wish {
        TokensWish::List => {
            let all = tokens.list()?;
            let lines: Vec<String> = all.iter().map(line).collect();
            let text = match lines.is_empty() {
                true => "no token yet: `duijie tokens add <tenant>`".to_owned(),
                false => lines.join("\n"),
            };
            output.data(
                &text,
                json!({ "tokens": all.iter().map(data).collect::<Value>() }),
            );
        }
        TokensWish::Add { tenant, role } => {
            if tenant != EVERY {
                TenantName::parse(tenant)?;
            }
            let role = Role::parse(role).ok_or_else(|| {
                Failure::Argument(format!(
                    "`{role}` is no role, expected `reader`, `operator` or `admin`"
                ))
            })?;
            let (token, text) = tokens.add(tenant, role, SystemClock.now_ms())?;
            let told = format!("{text}\n\nhint: keep it now, nobody can read it again");
            output.data(&told, json!({ "id": token.id, "token": text }));
        }
        TokensWish::Rm { id } => {
            tokens.remove(id)?;
            output.data("it is not known any more", json!({ "id": id }));
        }
    }
    Ok(())
}

fn line(token: &Token) -> String {
    let made = moment::write(token.made_ms);
    format!(
        "{}  {:<9} {}  {made}",
        token.id,
        token.role.as_str(),
        token.tenant
    )
}

fn data(token: &Token) -> Value {
    json!({
        "id": token.id,
        "role": token.role.as_str(),
        "tenant": token.tenant,
        "made_ms": token.made_ms,
    })
}

/// There were none to take away, where not even their folder is.
fn none_there(error: TokenError) -> Result<(), TokenError> {
    match error {
        TokenError::File { place, .. } if place.parent().is_some_and(|data| !data.exists()) => {
            Ok(())
        }
        error => Err(error),
    }
}
