//! Where a component's requests may go: what it asks for without a grant is
//! refused with the grant's name, and nothing reaches that place.

use duijie_component::Launcher;
use duijie_contract::{Launch as _, Use};
use serde_json::json;

use crate::listener::Listener;
use crate::sandbox::{first, fixtures, options, sinner};

async fn fetch(sin: &str, url: &str, allow: &[&str]) -> Result<String, String> {
    let launcher = Launcher::new(options(fixtures())).unwrap();
    let usage = Use {
        allow: allow.iter().map(|origin| (*origin).to_owned()).collect(),
        ..sinner(&json!({ "sin": sin, "url": url }))
    };
    let batch = first(&launcher, &usage).await?;
    Ok(String::from_utf8(batch.data).unwrap())
}

#[tokio::test]
async fn a_granted_origin_is_reached() {
    let listener = Listener::ok("hello").await;
    let url = format!("{}/path", listener.origin);
    let answer = fetch("fetch", &url, &[&listener.origin]).await;
    assert_eq!(answer.as_deref(), Ok("200 hello"));
    let came = listener.came();
    assert!(came[0].starts_with("GET /path HTTP/1.1\r\n"), "{came:?}");
}

#[tokio::test]
async fn a_request_to_an_origin_without_a_grant_names_the_missing_grant() {
    let granted = Listener::ok("granted").await;
    let other = Listener::ok("other").await;
    let refused = fetch("fetch", &other.origin, &[&granted.origin]).await;
    let expected = format!(
        "sinner 0.1.0: the request was not sent: origin {} is not granted to connection `main`: \
         add it to `allow` in connections/main.yaml if this connector should reach it",
        other.origin
    );
    assert_eq!(refused, Err(expected));
    assert!(other.came().is_empty(), "something reached it");
}

#[tokio::test]
async fn an_address_with_a_user_name_is_refused() {
    let listener = Listener::ok("hello").await;
    let url = listener.origin.replace("http://", "http://user:word@");
    let refused = fetch("fetch", &url, &[&listener.origin]).await;
    let reason = "sinner 0.1.0: the request was not sent: \
                  an address must not hold a user name or password";
    assert_eq!(refused, Err(reason.to_owned()));
    assert!(listener.came().is_empty(), "something reached it");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let elsewhere = Listener::ok("elsewhere").await;
    let answer = format!(
        "HTTP/1.1 302 Found\r\nlocation: {}/\r\nconnection: close\r\ncontent-length: 5\r\n\r\nmoved",
        elsewhere.origin
    );
    let listener = Listener::start(Some(answer)).await;
    // Even where both are granted: the guest decides where it asks.
    let allow = [listener.origin.as_str(), elsewhere.origin.as_str()];
    let answer = fetch("fetch", &listener.origin, &allow).await;
    assert_eq!(answer.as_deref(), Ok("302 moved"));
    assert!(elsewhere.came().is_empty(), "the redirect was followed");
}

#[tokio::test]
async fn a_write_outside_of_write_is_refused() {
    let listener = Listener::ok("written").await;
    let refused = fetch("write-outside", &listener.origin, &[&listener.origin]).await;
    let expected = "sinner 0.1.0: the request was not sent: a write leaves within a call of \
                    `write` only: label the request `read` or `session` if it changes nothing";
    assert_eq!(refused, Err(expected.to_owned()));
    assert!(listener.came().is_empty(), "something reached it");
}

#[tokio::test]
async fn a_connector_that_checks_its_settings_has_no_network() {
    let listener = Listener::ok("hello").await;
    let launcher = Launcher::new(options(fixtures())).unwrap();
    let usage = Use {
        allow: vec![listener.origin.clone()],
        ..sinner(&json!({ "sin": "fetch", "url": listener.origin }))
    };
    let problems = launcher.check(&usage).await.unwrap();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].message.contains("no network is given"));
    assert!(listener.came().is_empty(), "something reached it");
}
