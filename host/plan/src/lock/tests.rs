//! What counts as more than was granted, in the words that people read.

use std::collections::BTreeMap;

use duijie_contract::Recipe;

use duijie_manifest::Document;

use super::{Ask, Granted, Lock, SecretUse, beyond, recipes, ungranted};

fn source() -> Ask {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Ask {
        role: "source".to_owned(),
        connector: "shop".to_owned(),
        version: "0.1.0".to_owned(),
        component: "ab".repeat(32),
        connection: Some("main".to_owned()),
        imports: texts(&["duijie:host/http@0.1.0"]),
        egress: texts(&["{base_url}"]),
        may_call: texts(&["https://shop.example:443"]),
        secrets: vec![SecretUse {
            setting: "appsecret".to_owned(),
            secret: "SHOP".to_owned(),
            recipes: texts(&["sign"]),
        }],
        limits: BTreeMap::from([("memory_mib".to_owned(), 64)]),
    }
}

fn transform(connector: &str) -> Ask {
    Ask {
        role: "transform".to_owned(),
        connector: connector.to_owned(),
        connection: None,
        imports: Vec::new(),
        egress: Vec::new(),
        may_call: Vec::new(),
        secrets: Vec::new(),
        ..source()
    }
}

fn granted() -> Granted {
    Granted {
        at: "2026-11-22".to_owned(),
        uses: vec![source(), transform("map"), transform("round")],
    }
}

/// What is said when the source is changed so.
#[track_caller]
fn check(change: impl FnOnce(&mut Ask), expected: &[&str]) {
    let mut uses = granted().uses;
    change(&mut uses[0]);
    let found = beyond(&granted(), &uses);
    let words: Vec<&str> = found
        .iter()
        .flat_map(|(index, words)| {
            assert_eq!(*index, 0);
            words.iter().map(String::as_str)
        })
        .collect();
    assert_eq!(words, expected);
}

#[test]
fn what_was_granted_is_no_difference_and_neither_is_less() {
    check(|_| {}, &[]);
    check(
        |ask| {
            ask.imports.clear();
            ask.egress.clear();
            ask.may_call.clear();
            ask.secrets.clear();
            ask.limits.insert("memory_mib".to_owned(), 32);
            ask.limits.insert("a_limit_of_a_later_host".to_owned(), 1);
            ask.version = "0.1.0 of the same bytes".to_owned();
        },
        &[],
    );
}

#[test]
fn another_component_is_a_difference_in_itself() {
    check(
        |ask| {
            ask.component = "cd".repeat(32);
            ask.version = "0.2.0".to_owned();
        },
        &[
            "the component `shop` is another one: sha256 cdcdcdcdcdcdcdcd (version 0.2.0), granted \
             was abababababababab (version 0.1.0)",
            "it asks for nothing more",
        ],
    );
}

#[test]
fn every_thing_that_is_asked_for_beyond_the_grant_is_named() {
    check(
        |ask| {
            ask.connection = Some("other".to_owned());
            ask.imports.push("duijie:host/sign@0.1.0".to_owned());
            ask.egress.push("https://elsewhere.example".to_owned());
            ask.may_call
                .push("https://elsewhere.example:443".to_owned());
            ask.secrets[0].secret = "OTHER".to_owned();
            ask.secrets[0].recipes.push("login".to_owned());
            ask.secrets.push(SecretUse {
                setting: "password".to_owned(),
                secret: "PASSWORD".to_owned(),
                recipes: Vec::new(),
            });
            ask.limits.insert("memory_mib".to_owned(), 65);
        },
        &[
            "it uses connection `other`, granted was `main`",
            "it imports `duijie:host/sign@0.1.0`, which was not granted",
            "it asks to call `https://elsewhere.example`, which was not granted",
            "it may call `https://elsewhere.example:443`, which was not granted",
            "it uses secret `OTHER` as `appsecret`, granted was `SHOP`",
            "it signs with `appsecret` by recipe `login`, which was not granted",
            "it uses secret `PASSWORD` as `password`, which was not granted",
            "its limit `memory_mib` is 65, granted was 64",
        ],
    );
}

#[test]
fn uses_are_compared_in_their_order() {
    let uses = [
        source(),
        transform("round"),
        transform("map"),
        transform("more"),
    ];
    let found = beyond(&granted(), &uses);
    let words = |index: usize, text: &str| (index, vec![text.to_owned()]);
    assert_eq!(
        found,
        [
            words(1, "`round` stands where `map` was granted"),
            words(2, "`map` stands where `round` was granted"),
            words(3, "`more` is a transform that was not there"),
        ]
    );
}

#[test]
fn a_lock_is_read_as_it_was_written() {
    let mut lock = Lock::default();
    lock.pipelines
        .insert("stock \"outs\"".to_owned(), granted());
    let text = lock.text().unwrap();
    assert!(
        text.starts_with("# What `duijie grant` wrote down"),
        "{text}"
    );
    assert_eq!(Lock::parse(&text), Ok(lock));
    let later = text.replace("version = 1\n", "version = 2\n");
    assert!(
        Lock::parse(&later)
            .unwrap_err()
            .contains("version 2, expected 1")
    );
    let unknown = text.replace("imports =", "improts =");
    assert!(Lock::parse(&unknown).unwrap_err().contains("improts"));
}

#[test]
fn recipes_are_told_by_the_secrets_that_they_sign_with() {
    let mut description = crate::golden::description("kingdee");
    let recipe = |name: &str, steps: &str| Recipe {
        name: name.to_owned(),
        steps: steps.to_owned(),
    };
    description.recipes = vec![
        recipe(
            "deep",
            r#"{"hex": {"md5": {"concat": [{"input": "x"}, {"secret": "appsecret"}]}}}"#,
        ),
        recipe("other", r#"{"hex": {"md5": {"secret": "password"}}}"#),
        recipe("text", r#"{"hex": {"md5": {"text": "appsecret"}}}"#),
        recipe("broken", "{"),
    ];
    assert_eq!(recipes("appsecret", &description), ["deep"]);
}

/// The two codes that no manifest alone can raise.
#[test]
fn what_is_not_granted_is_told_at_the_connector_that_asks_for_it() {
    let case = crate::golden::read_case("");
    let (document, _) = Document::pipeline("pipeline.yaml", &case.files["pipeline.yaml"]);
    let document = document.unwrap();
    let stages: Vec<Ask> = ["source", "transform", "target"]
        .map(|role| Ask {
            role: role.to_owned(),
            ..source()
        })
        .into();
    let name = document.low.pipeline.clone().unwrap();
    let mut lock = Lock::default();
    let told = |lock: &Lock| {
        let found = ungranted(&document, &name, lock, &stages, "duijie grant");
        let told = found.iter().map(|one| {
            let place = one.place.as_ref().unwrap();
            let text = document.text.get(place.start..place.end).unwrap();
            (one.code.name, text.to_owned())
        });
        told.collect::<Vec<_>>()
    };
    let at = document.node.pointer("/pipeline").unwrap().text().unwrap();
    assert_eq!(told(&lock), [("plan.not_granted", at.to_owned())]);
    let mut granted = Granted {
        at: "2026-11-22".to_owned(),
        uses: stages.clone(),
    };
    lock.pipelines.insert(name.clone(), granted.clone());
    assert_eq!(told(&lock), []);
    for used in &mut granted.uses {
        used.component = "cd".repeat(32);
    }
    lock.pipelines.insert(name.clone(), granted);
    let connector = |at: &str| {
        let node = document.node.pointer(at).unwrap();
        ("plan.changed_grant", node.text().unwrap().to_owned())
    };
    let expected = [
        connector("/source/connector"),
        connector("/transform/0/connector"),
        connector("/target/connector"),
    ];
    assert_eq!(told(&lock), expected);
}
