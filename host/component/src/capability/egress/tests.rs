//! What is granted and what is not, however the address is written.

use super::AllowList;

fn list() -> AllowList {
    let allow = [
        "https://erp.example:443".to_owned(),
        "http://localhost:8080".to_owned(),
        "https://旺店.example".to_owned(),
        "http://[::1]:9/".to_owned(),
    ];
    AllowList::new("erp-main", "connections/erp-main.yaml", &allow).unwrap()
}

#[track_caller]
fn check_granted(address: &str, called: &str) {
    let (url, _) = list().check(address).unwrap();
    assert_eq!(url.as_str(), called);
}

#[track_caller]
fn check_refused(address: &str, reason: &str) {
    let error = list().check(address).unwrap_err();
    assert!(error.contains(reason), "{address}: {error}");
}

#[test]
fn a_granted_origin_grants_every_path() {
    check_granted(
        "https://erp.example/Service/a?x=1",
        "https://erp.example/Service/a?x=1",
    );
    check_granted("http://localhost:8080", "http://localhost:8080/");
    check_granted("http://[::1]:9/x", "http://[::1]:9/x");
}

#[test]
fn hosts_are_compared_in_one_form() {
    check_granted("HTTPS://ERP.Example:443/A", "https://erp.example/A");
    check_granted("https://erp.example./a", "https://erp.example/a");
    check_granted("https://xn--hxt67n.example/", "https://xn--hxt67n.example/");
    check_granted(
        "https://旺店.example/单?q=张#part",
        "https://xn--hxt67n.example/%E5%8D%95?q=%E5%BC%A0",
    );
}

#[test]
fn a_missing_grant_is_named() {
    assert_eq!(
        list().check("https://evil.example/x").unwrap_err(),
        "origin https://evil.example:443 is not granted to connection `erp-main`: add it to \
         `allow` in connections/erp-main.yaml if this connector should reach it"
    );
    check_refused(
        "http://erp.example/",
        "origin http://erp.example:80 is not granted",
    );
    check_refused(
        "https://erp.example:8443/",
        "origin https://erp.example:8443 is not granted",
    );
    check_refused("https://erp.example.evil.example/", "is not granted");
    check_refused(
        "http://0x7f.1:8080/",
        "origin http://127.0.0.1:8080 is not granted",
    );
}

#[test]
fn addresses_that_can_be_read_in_two_ways_are_refused() {
    check_refused("https://erp.example@evil.example/", "user name or password");
    check_refused("https://u:hush@erp.example/", "user name or password");
    check_refused("https://@erp.example/", "embedding authentication");
    check_refused("https://erp.example\\@evil.example/", "ambiguously");
    check_refused("https:/erp.example/", "expected //");
    check_refused("https://erp.\texample/", "tabs or newlines");
    check_refused(" https://erp.example/", "leading or trailing");
}

#[test]
fn only_http_is_spoken() {
    check_refused(
        "ftp://erp.example/",
        "must begin with `https://` or `http://`",
    );
    check_refused("file:///etc/passwd", "must begin with");
    check_refused("data:,x", "must begin with");
    check_refused("/relative", "is not a URL");
}

#[test]
fn addresses_of_the_public_internet_need_no_grant_of_their_own() {
    let list = list();
    let (_, origin) = list.check("https://erp.example/").unwrap();
    let public = [
        "8.8.8.8",
        "100.128.0.1",
        "172.32.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2606:4700::1111",
        "2001:4860::8888",
    ];
    let public = public.map(|address| address.parse().unwrap());
    assert_eq!(list.pass(&origin, &public).unwrap(), public);
}

#[test]
fn a_grant_is_an_origin() {
    let error = AllowList::new("c", "c.yaml", &["https://erp.example/service".to_owned()]);
    assert_eq!(
        error.unwrap_err(),
        "`allow` takes origins, found `https://erp.example/service`: write \
         `https://erp.example:443`, which grants every path"
    );
}
