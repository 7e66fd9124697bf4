//! Where secrets come from, and that they do not show.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::file::check_owner;
use super::{Keys, OWN, Provider, Secret, SecretError, Secrets, Vault};

/// Opens a project folder with this `secrets.env`, and one environment variable.
fn open(file: &str, mode: u32) -> Result<Secrets, SecretError> {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("secrets.env");
    fs::write(&place, file).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(mode)).unwrap();
    Secrets::with_environment(
        folder.path(),
        Some(Box::new(|name| {
            (name == "DUIJIE_SECRET_ERP_MAIN").then(|| "from outside".to_owned())
        })),
    )
}

#[test]
fn a_secret_is_found_in_the_file() {
    let secrets = open("# keys\n\nA = one=two \nB='with space '\n", 0o600).unwrap();
    assert_eq!(secrets.get("A").unwrap().expose(), "one=two");
    assert_eq!(secrets.get("B").unwrap().expose(), "with space ");
}

#[test]
fn the_environment_goes_before_the_file() {
    let secrets = open("erp-main=from file\n", 0o600).unwrap();
    assert_eq!(secrets.get("erp-main").unwrap().expose(), "from outside");
}

#[test]
fn a_project_needs_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = Secrets::with_environment(folder.path(), Some(Box::new(|_| None))).unwrap();
    let error = secrets.get("A").unwrap_err().to_string();
    assert!(
        error.starts_with("secret `A` is not set: run `duijie secrets set A`, or put a line `A=…`"),
        "{error}"
    );
    assert!(
        error.ends_with("or set the environment variable `DUIJIE_SECRET_A`"),
        "{error}"
    );
}

#[test]
fn a_missing_secret_names_the_nearest() {
    let error = open("erp-password=x\n", 0o600).unwrap().get("erp-pasword");
    let error = error.unwrap_err().to_string();
    assert!(
        error.ends_with("; there is a secret `erp-password`"),
        "{error}"
    );
}

#[test]
fn a_file_that_others_can_reach_is_refused() {
    for mode in [0o640, 0o604, 0o644, 0o620, 0o602, 0o610] {
        let error = open("A=value-of-a\n", mode).err().unwrap().to_string();
        assert!(error.contains(&format!("(mode {mode:o})")), "{error}");
        assert!(error.contains("run `chmod 600 "), "{error}");
    }
}

#[test]
fn a_line_that_is_wrong_is_named_and_not_shown() {
    for (file, reason) in [
        ("A=1\nhush", "line 2 of"),
        ("=hush", "line 1 of"),
        ("A B=hush", "line 1 of"),
        ("A=1\n\nA=hush", "sets `A` again"),
    ] {
        let error = open(file, 0o600).err().unwrap();
        assert!(error.to_string().contains(reason), "{error}");
        assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
    }
}

#[test]
fn a_secret_does_not_print() {
    assert_eq!(format!("{:?}", Secret::new("hush".to_owned())), "***");
}

#[test]
fn a_file_of_another_user_is_refused() {
    let error = check_owner("secrets.env", 7, 1000).unwrap_err().to_string();
    assert_eq!(
        error,
        "`secrets.env` belongs to user 7, and this process is user 1000: run `chown 1000 secrets.env`"
    );
}

#[test]
fn what_is_no_file_is_refused_without_waiting_for_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("secrets.env")).unwrap();
    let error = Secrets::open(folder.path()).err().unwrap().to_string();
    assert!(error.ends_with("cannot be read: it is no file"), "{error}");
}

#[test]
fn the_key_of_the_store_is_never_handed_out_as_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let everything = |_: &str| Some("djk1_value-of-the-key".to_owned());
    let secrets = Secrets::with_environment(folder.path(), Some(Box::new(everything))).unwrap();
    assert!(secrets.get("OTHER").is_ok());
    for name in ["KEY", "key", "Key_File", "KEY-FILE"] {
        let error = secrets.get(name).unwrap_err();
        assert!(matches!(error, SecretError::Reserved { .. }), "{error}");
    }
}

#[test]
fn the_file_goes_before_the_store_and_a_tenant_sees_no_environment() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("secrets.env");
    fs::write(&place, "BOTH=in file\n").unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o600)).unwrap();
    let vault = || {
        let none = Box::new(|_: &str| None) as _;
        Vault::new(folder.path(), Keys::with_environment(folder.path(), &none))
    };
    let value = |text: &str| Secret::new(text.to_owned());
    vault().set(OWN, "BOTH", &value("in store"), 1).unwrap();
    vault().set(OWN, "KEPT", &value("kept"), 2).unwrap();
    let project = Secrets::with_environment(
        folder.path(),
        Some(Box::new(|name| {
            (name == "DUIJIE_SECRET_KEPT").then(|| "outside".to_owned())
        })),
    );
    let project = project.unwrap().with_store(vault(), OWN);
    assert_eq!(project.get("BOTH").unwrap().expose(), "in file");
    assert_eq!(project.get("KEPT").unwrap().expose(), "outside");
    assert_eq!(project.names().unwrap(), ["BOTH", "KEPT"]);
    let providers = project.providers("BOTH").unwrap();
    assert_eq!(providers, [Provider::File, Provider::Store { set_ms: 1 }]);
    let tenant = Secrets::of_tenant(folder.path()).unwrap();
    let tenant = tenant.with_store(vault(), OWN);
    assert_eq!(tenant.get("KEPT").unwrap().expose(), "kept");
}
