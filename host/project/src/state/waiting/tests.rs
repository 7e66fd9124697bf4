//! Which errors are the same, and which of those that wait are wanted.

use duijie_admin::{Item, Wanted};
use duijie_record::{RunId, Scope, SourceKey, TargetKey};
use duijie_store::{Change, DeadLetter, Memory, Store};

use super::{Page, fingerprint, letters};

fn check(same: bool, a: &str, b: &str) {
    let equal = fingerprint("x", None, a) == fingerprint("x", None, b);
    assert_eq!(equal, same, "{a} | {b}");
}

#[test]
fn errors_that_differ_in_numbers_and_names_only_are_the_same() {
    check(true, "单据编号“CK2025”已存在", "单据编号“CK-9 号”已存在");
    check(true, "material A102 is unknown", "material B7 is unknown");
    check(
        true,
        "line 3: \"a b\" is no number",
        "line 14: \"\" is no number",
    );
    check(false, "客户不存在", "物料不存在");
    check(false, "it's locked", "it's closed");
    assert_ne!(fingerprint("x", None, "m"), fingerprint("y", None, "m"));
    assert_ne!(
        fingerprint("x", Some("f"), "m"),
        fingerprint("x", None, "m")
    );
}

fn letter(key: &str, message: &str, at_ms: u64) -> DeadLetter {
    DeadLetter {
        source_key: SourceKey::from(key),
        part: String::new(),
        version: None,
        target_key: Some(TargetKey(format!("CK{key}"))),
        code: "MsgCode 11".to_owned(),
        message: message.to_owned(),
        field: None,
        attempts: 1,
        record: vec![b'7'; 3 << 20],
        document: Some(b"{\"a\":1.10}".to_vec()),
        edited: None,
        exchange: None,
        run: RunId::from("r"),
        at_ms,
    }
}

/// Source keys of the answer, and whether there are others behind.
async fn check_keys(store: &Memory, wanted: Wanted, keys: &[&str], more: bool) {
    let page: Page = serde_json::from_value(letters(store, &wanted).unwrap()).unwrap();
    let found: Vec<&str> = page
        .rows
        .iter()
        .map(|row| row.source_key.as_str())
        .collect();
    assert_eq!((found.as_slice(), page.more), (keys, more), "{wanted:?}");
}

#[tokio::test]
async fn letters_are_wanted_by_number_reason_and_time_and_come_in_pages() {
    let store = Memory::new();
    for (scope, key, message) in [
        ("a", "1", "no customer"),
        ("a", "2", "locked"),
        ("b", "3", "No customer"),
    ] {
        let claim = store.claim(&Scope::from(scope)).await.unwrap();
        let change = Change::DeadLetter(letter(key, message, 10 * key.parse::<u64>().unwrap()));
        store.commit(&claim, vec![change]).await.unwrap();
    }
    let why = |text: &str| Wanted {
        why: Some(text.to_owned()),
        ..Wanted::default()
    };
    check_keys(&store, Wanted::default(), &["1", "2", "3"], false).await;
    check_keys(&store, why("customer"), &["1", "3"], false).await;
    let print = fingerprint("MsgCode 11", None, "locked");
    check_keys(&store, why(&print), &["2"], false).await;
    let mut wanted = Wanted {
        numbers: vec!["CK3".to_owned(), "1".to_owned()],
        ..Wanted::default()
    };
    check_keys(&store, wanted.clone(), &["1", "3"], false).await;
    wanted.scope = Some("b".to_owned());
    check_keys(&store, wanted, &["3"], false).await;
    let wanted = Wanted {
        since_ms: Some(15),
        until_ms: Some(25),
        ..Wanted::default()
    };
    check_keys(&store, wanted, &["2"], false).await;

    let mut wanted = Wanted {
        bodies: true,
        ..Wanted::default()
    };
    check_keys(&store, wanted.clone(), &["1", "2"], true).await;
    let item = Item {
        source_key: "2".to_owned(),
        part: String::new(),
    };
    wanted.after = Some(("a".to_owned(), item));
    check_keys(&store, wanted, &["3"], false).await;
}
