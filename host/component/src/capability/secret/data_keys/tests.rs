//! What is sealed opens with its scope's key, as what it was sealed as, and in
//! no other way.

use std::fs;
use std::path::Path;

use super::super::provider::Environment;
use super::super::{Key, Keys, OWN, Secret, Vault};
use super::{Closed, DataKeys};

const PLAIN: &[u8] = b"{\"receiver\":\"Zhang San\"}\n";

fn vault(folder: &Path) -> Vault {
    let none: Environment = Box::new(|_| None);
    Vault::new(folder, Keys::with_environment(folder, &none))
}

/// Beside a store of secrets that has its key.
fn keyed(folder: &Path) -> DataKeys {
    let vault = vault(folder);
    let value = Secret::new("of a secret".to_owned());
    vault.set(OWN, "A", &value, 1).unwrap();
    DataKeys::beside(&vault)
}

fn seal(keys: &DataKeys, scope: &str) -> Vec<u8> {
    keys.seal(scope, b"evidence", PLAIN).unwrap().unwrap()
}

#[test]
fn an_entry_opens_in_its_scope_and_as_what_it_is_only() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keyed(folder.path());
    assert_eq!(keys.seal("orders", b"evidence", PLAIN), Ok(None));
    keys.begin("orders", false).unwrap();
    assert!(!folder.path().join("scopes.sealed").exists());
    for scope in ["orders", "returns"] {
        keys.begin(scope, true).unwrap();
        assert_eq!(keys.is_sealed(scope), Ok(true));
    }
    let sealed = seal(&keys, "orders");
    assert_ne!(sealed, seal(&keys, "orders"), "no nonce comes twice");
    assert_eq!(sealed.len(), 12 + PLAIN.len() + 16);
    let anew = DataKeys::beside(&vault(folder.path()));
    for keys in [&keys, &anew] {
        assert_eq!(keys.open("orders", b"evidence", &sealed).unwrap(), PLAIN);
        let moved = [
            keys.open("returns", b"evidence", &sealed),
            keys.open("orders", b"documents", &sealed),
            keys.open("orders", b"evidence", &sealed[..27]),
            keys.open("orders", b"evidence", b""),
        ];
        assert_eq!(moved, [const { Err(Closed::Damaged) }; 4]);
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 1;
            let opened = keys.open("orders", b"evidence", &flipped);
            assert_eq!(opened, Err(Closed::Damaged), "{at}");
        }
    }
    let file = fs::read_to_string(folder.path().join("scopes.sealed")).unwrap();
    assert!(file.contains("\"orders\""), "{file}");
}

#[test]
fn without_its_key_a_scope_neither_begins_nor_opens() {
    let folder = tempfile::tempdir().unwrap();
    let check = |keys: &DataKeys, sealed: &[u8], words: &str| {
        let error = keys.begin("orders", true).unwrap_err();
        assert!(error.contains(words), "{error}");
        let Err(Closed::NoKey(error)) = keys.open("orders", b"evidence", sealed) else {
            panic!("it opens");
        };
        assert!(error.contains(words), "{error}");
    };
    let none = DataKeys::beside(&vault(folder.path()));
    let error = none.begin("orders", true).unwrap_err();
    for words in ["secrets.key", "duijie secrets key", "DUIJIE_SECRET_KEY"] {
        assert!(error.contains(words), "{error}");
    }
    assert!(!folder.path().join("scopes.sealed").exists());
    let keys = keyed(folder.path());
    keys.begin("orders", true).unwrap();
    let sealed = seal(&keys, "orders");
    let other = Key::generate().unwrap().text();
    let environment: Environment =
        Box::new(move |name| (name == "DUIJIE_SECRET_KEY").then(|| other.to_string()));
    let wrong = Vault::new(
        folder.path(),
        Keys::with_environment(folder.path(), &environment),
    );
    check(&DataKeys::beside(&wrong), &sealed, "is not the one");
    fs::remove_file(folder.path().join("secrets.key")).unwrap();
    let away = DataKeys::beside(&vault(folder.path()));
    check(&away, &sealed, "duijie secrets key");
    away.seal("orders", b"evidence", PLAIN).unwrap_err();
    // Of others it knows that they are not sealed.
    assert_eq!(away.seal("returns", b"evidence", PLAIN), Ok(None));
    fs::write(folder.path().join("scopes.sealed"), "{").unwrap();
    check(
        &DataKeys::beside(&vault(folder.path())),
        &sealed,
        "is damaged",
    );
}

#[test]
fn a_forgotten_scope_has_no_key_and_needs_none_to_be_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keyed(folder.path());
    keys.forget(&|_| true).unwrap();
    keys.begin("orders", true).unwrap();
    keys.begin("returns", true).unwrap();
    let sealed = seal(&keys, "orders");
    fs::remove_file(folder.path().join("secrets.key")).unwrap();
    keys.forget(&|scope| scope == "orders").unwrap();
    let anew = DataKeys::beside(&vault(folder.path()));
    for keys in [&keys, &anew] {
        assert_eq!(keys.is_sealed("orders"), Ok(false));
        assert_eq!(keys.is_sealed("returns"), Ok(true));
        let opened = keys.open("orders", b"evidence", &sealed);
        assert!(matches!(opened, Err(Closed::NoKey(_))), "{opened:?}");
    }
}

#[test]
fn a_new_key_opens_scopes_and_secrets_wherever_the_change_was_cut_short() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keyed(folder.path());
    keys.begin("orders", true).unwrap();
    let sealed = seal(&keys, "orders");
    let place = |name: &str| folder.path().join(name);
    let check = || {
        let keys = DataKeys::beside(&vault(folder.path()));
        assert_eq!(keys.open("orders", b"evidence", &sealed).unwrap(), PLAIN);
        let found = vault(folder.path()).get(OWN, "A").unwrap().unwrap();
        assert_eq!(found.expose(), "of a secret");
    };
    let old = ["secrets.key", "scopes.sealed", "secrets.sealed"];
    let old = old.map(|name| (name, fs::read(place(name)).unwrap()));
    assert_eq!(vault(folder.path()).rekey(None).unwrap(), 1);
    check();
    // Killed before the key moved up, and before the second file was written.
    fs::rename(place("secrets.key"), place("secrets.key.next")).unwrap();
    for (name, bytes) in &old[..2] {
        fs::write(place(name), bytes).unwrap();
        let mode = fs::metadata(place("secrets.key.next"))
            .unwrap()
            .permissions();
        fs::set_permissions(place(name), mode).unwrap();
    }
    check();
    assert_eq!(vault(folder.path()).rekey(None).unwrap(), 1);
    check();
    assert!(!place("secrets.key.next").exists());
    // Scopes alone are a reason to change the key as well.
    fs::remove_file(place("secrets.sealed")).unwrap();
    assert_eq!(vault(folder.path()).rekey(None).unwrap(), 0);
    let keys = DataKeys::beside(&vault(folder.path()));
    assert_eq!(keys.open("orders", b"evidence", &sealed).unwrap(), PLAIN);
}
