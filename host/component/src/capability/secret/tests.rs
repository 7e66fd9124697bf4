//! Where secrets come from, and that they do not show.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{Secret, SecretError, Secrets};

/// Opens a project folder with this `secrets.env`, and one environment variable.
fn open(file: &str, mode: u32) -> Result<Secrets, SecretError> {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("secrets.env");
    fs::write(&place, file).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(mode)).unwrap();
    Secrets::with_environment(
        folder.path(),
        Box::new(|name| (name == "DUIJIE_SECRET_ERP_MAIN").then(|| "from outside".to_owned())),
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
    let secrets = Secrets::with_environment(folder.path(), Box::new(|_| None)).unwrap();
    let error = secrets.get("A").unwrap_err().to_string();
    assert!(
        error.starts_with("secret `A` is not set: put a line `A=…` into `"),
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
fn a_file_that_others_can_read_is_refused() {
    for mode in [0o640, 0o604, 0o644] {
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
