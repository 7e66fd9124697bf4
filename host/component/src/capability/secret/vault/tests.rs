//! What is sealed opens with its key, in its place, and in no other way.

use std::fs;
use std::path::Path;

use super::super::provider::Environment;
use super::super::{Key, Keys, Secret, SecretError};
use super::{Kept, MOST_VALUE, OWN, Vault};

const VALUE: &str = "canary-value-of-a-secret";

fn value(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// The store of a folder, whose key lies in a file.
fn vault(folder: &Path) -> Vault {
    let none: Environment = Box::new(|_| None);
    Vault::new(folder, Keys::with_environment(folder, &none))
}

/// The same with a key from the environment.
fn given(folder: &Path, key: &str) -> Vault {
    let key = key.to_owned();
    let environment: Environment =
        Box::new(move |name| (name == "DUIJIE_SECRET_KEY").then(|| key.clone()));
    Vault::new(folder, Keys::with_environment(folder, &environment))
}

fn text(folder: &Path) -> String {
    fs::read_to_string(folder.join("secrets.sealed")).unwrap()
}

#[track_caller]
fn check_refused<T>(result: Result<T, SecretError>, words: &str) {
    let error = result.err().unwrap();
    assert!(error.to_string().contains(words), "{error}");
    assert!(!format!("{error:?} {error}").contains("canary"), "{error}");
}

#[test]
fn a_value_comes_back_and_shows_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let store = vault(folder.path());
    assert!(store.get(OWN, "A").unwrap().is_none());
    store.set(OWN, "B", &value("other"), 5).unwrap();
    store.set(OWN, "A", &value(VALUE), 7).unwrap();
    assert_eq!(store.get(OWN, "A").unwrap().unwrap().expose(), VALUE);
    let kept = |name: &str, set_ms| Kept {
        name: name.to_owned(),
        set_ms,
    };
    assert_eq!(store.list(OWN).unwrap(), [kept("A", 7), kept("B", 5)]);
    assert_eq!(store.verify().unwrap(), 2);
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let bytes = fs::read(entry.path()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("canary"));
        let mode = std::os::unix::fs::MetadataExt::mode(&entry.metadata().unwrap());
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.path());
    }
}

#[test]
fn a_file_shows_neither_that_two_values_are_alike_nor_their_lengths() {
    let folder = tempfile::tempdir().unwrap();
    let store = vault(folder.path());
    for (name, length) in [("A", 6), ("B", 6), ("C", 200)] {
        store
            .set(OWN, name, &value(&"x".repeat(length)), 1)
            .unwrap();
    }
    let parsed: serde_json::Value = serde_json::from_str(&text(folder.path())).unwrap();
    let sealed: Vec<&str> = parsed["secrets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["value"].as_str().unwrap())
        .collect();
    assert_ne!(sealed[0], sealed[1]);
    assert_eq!(sealed[0].len(), sealed[2].len());
}

#[test]
fn tenants_do_not_see_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = vault(folder.path());
    store.set("one", "A", &value("of one"), 1).unwrap();
    store.set("two", "A", &value("of two"), 1).unwrap();
    assert!(store.get(OWN, "A").unwrap().is_none());
    assert!(store.get("two", "B").unwrap().is_none());
    assert_eq!(store.get("two", "A").unwrap().unwrap().expose(), "of two");
    assert!(store.forget("one").unwrap());
    assert!(!store.forget("one").unwrap());
    assert!(store.get("one", "A").unwrap().is_none());
    assert_eq!(store.list("two").unwrap().len(), 1);
    assert!(store.remove("two", "A").unwrap());
    assert!(!store.remove("two", "A").unwrap());
}

#[test]
fn a_value_opens_in_its_own_place_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = vault(folder.path());
    store.set("one", "A", &value(VALUE), 1).unwrap();
    let whole = text(folder.path());
    for (from, to, tenant, name) in [
        (r#""tenant": "one""#, r#""tenant": "two""#, "two", "A"),
        (r#""name": "A""#, r#""name": "B""#, "one", "B"),
        (r#""set_ms": 1"#, r#""set_ms": 2"#, "one", "A"),
    ] {
        let moved = whole.replace(from, to);
        assert_ne!(moved, whole);
        fs::write(folder.path().join("secrets.sealed"), moved).unwrap();
        check_refused(store.get(tenant, name), "does not open");
        check_refused(store.verify(), "does not open");
    }
}

#[test]
fn every_changed_byte_of_the_file_is_an_error_or_no_change_of_a_value() {
    let folder = tempfile::tempdir().unwrap();
    let store = vault(folder.path());
    store.set("", "A", &value(VALUE), 1).unwrap();
    let place = folder.path().join("secrets.sealed");
    let whole = fs::read(&place).unwrap();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(&place, &changed).unwrap();
        if let Ok(Some(found)) = store.get("", "A") {
            assert_eq!(found.expose(), VALUE, "byte {at}");
        }
    }
}

#[test]
fn the_wrong_key_and_no_key_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let store = vault(folder.path());
    store.set(OWN, "A", &value(VALUE), 1).unwrap();
    let other = Key::generate().unwrap().text();
    let wrong = given(folder.path(), &other);
    check_refused(
        wrong.get(OWN, "A"),
        "the key in `DUIJIE_SECRET_KEY` is not the one",
    );
    check_refused(wrong.set(OWN, "B", &value("four"), 1), "is not the one");
    check_refused(wrong.rekey(None), "is not the one");
    check_refused(
        given(folder.path(), "canary").get(OWN, "A"),
        "`DUIJIE_SECRET_KEY` holds no key",
    );
    assert_eq!(wrong.list(OWN).unwrap().len(), 1, "names need no key");
    fs::remove_file(folder.path().join("secrets.key")).unwrap();
    check_refused(store.get(OWN, "A"), "there is no key in");
    check_refused(store.set(OWN, "B", &value("four"), 1), "there is no key in");
    let key = folder.path().join("secrets.key");
    assert!(!key.exists(), "no key is made that opens nothing");
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let store = vault(folder.path());
    store.set(OWN, "A", &value(VALUE), 1).unwrap();
    let key = folder.path().join("secrets.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    check_refused(store.get(OWN, "A"), "run `chmod 600 ");
}

#[test]
fn a_new_key_opens_everything_and_the_old_one_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = vault(folder.path());
    check_refused(store.rekey(None), "duijie secrets set");
    store.set(OWN, "A", &value(VALUE), 3).unwrap();
    store.set("one", "A", &value("of one"), 4).unwrap();
    let old = fs::read_to_string(folder.path().join("secrets.key")).unwrap();
    assert_eq!(store.rekey(None).unwrap(), 2);
    assert_eq!(store.get(OWN, "A").unwrap().unwrap().expose(), VALUE);
    assert_eq!(store.get("one", "A").unwrap().unwrap().expose(), "of one");
    assert_eq!(store.list(OWN).unwrap()[0].set_ms, 3);
    check_refused(given(folder.path(), &old).get(OWN, "A"), "is not the one");
    assert!(!folder.path().join("secrets.key.next").exists());
}

#[test]
fn a_key_of_the_environment_is_changed_for_a_given_one() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (Key::generate().unwrap(), Key::generate().unwrap());
    let (old, text) = (old.text(), new.text());
    given(folder.path(), &old)
        .set(OWN, "A", &value(VALUE), 1)
        .unwrap();
    assert_eq!(given(folder.path(), &old).rekey(Some(new)).unwrap(), 1);
    let found = given(folder.path(), &text).get(OWN, "A").unwrap();
    assert_eq!(found.unwrap().expose(), VALUE);
    check_refused(given(folder.path(), &old).get(OWN, "A"), "is not the one");
}

#[test]
fn a_change_of_key_that_was_cut_short_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = vault(folder.path());
    let (key, next) = ("secrets.key", "secrets.key.next");
    let place = |name: &str| folder.path().join(name);
    store.set(OWN, "A", &value(VALUE), 1).unwrap();
    let check = || {
        let found = store.get(OWN, "A").unwrap().unwrap();
        assert_eq!(found.expose(), VALUE);
    };
    // Killed before the store was written: the next key fits nothing yet.
    store.keys().prepare(&Key::generate().unwrap()).unwrap();
    check();
    // Killed after: the old key fits nothing any more.
    let old = fs::read(place(key)).unwrap();
    store.rekey(None).unwrap();
    fs::rename(place(key), place(next)).unwrap();
    fs::write(place(key), &old).unwrap();
    fs::set_permissions(place(key), fs::metadata(place(next)).unwrap().permissions()).unwrap();
    check();
    // The one after that goes on from there, also when it is cut short.
    assert_eq!(store.rekey(None).unwrap(), 1);
    check();
    assert!(!place(next).exists());
}

#[test]
fn names_and_values_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let store = vault(folder.path());
    let long = "x".repeat(65);
    for name in ["", "a-b", "a b", "ä", "../a", "a\0b", long.as_str()] {
        check_refused(
            store.set(OWN, name, &value("four"), 1),
            "is no name of a secret",
        );
    }
    check_refused(
        store.set(OWN, "key", &value("four"), 1),
        "no secret can be called",
    );
    let much = "canary".repeat(MOST_VALUE);
    check_refused(store.set(OWN, "A", &value(&much), 1), "which is no secret");
    check_refused(store.set(OWN, "A", &value("can"), 1), "is too short");
    assert!(!store.exists());
}

#[test]
fn values_set_at_once_are_all_kept() {
    let folder = tempfile::tempdir().unwrap();
    vault(folder.path())
        .set(OWN, "FIRST", &value("four"), 1)
        .unwrap();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let folder = folder.path();
            let name = format!("NAME{number}");
            scope.spawn(move || vault(folder).set(OWN, &name, &value(&name), 1).unwrap());
        }
    });
    assert_eq!(vault(folder.path()).verify().unwrap(), 9);
}

/// A file as format 1 is and stays: later versions must read it.
#[test]
fn the_format_is_kept() {
    const KEY: &str = "djk1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("secrets.sealed");
    fs::write(&place, include_str!("golden.json")).unwrap();
    let store = given(folder.path(), KEY);
    assert_eq!(
        store.get(OWN, "PASSWORD").unwrap().unwrap().expose(),
        "s3cr3t 密"
    );
    assert_eq!(
        store.get("acme", "PASSWORD").unwrap().unwrap().expose(),
        "other"
    );

    let later = text(folder.path()).replace(r#""format": 1"#, r#""format": 2"#);
    fs::write(&place, later).unwrap();
    check_refused(
        store.get(OWN, "PASSWORD"),
        "has format 2, and this duijie knows format 1",
    );
    fs::write(&place, "{").unwrap();
    check_refused(store.list(OWN), "is damaged");
}
