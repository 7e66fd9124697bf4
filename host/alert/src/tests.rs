//! When causes are told, over random plays as well, and the form of each
//! message, against files that were read by a person.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::Value;

use crate::{Cause, Event, Form, Kind, Language, Refused, Route, Rule, Signature, Told, sign};

const HOUR: u64 = 3_600_000;
/// Far from zero, as a clock is.
const T: u64 = 1_700_000_000_123;

fn rule(recovered: bool) -> Rule {
    Rule {
        on: BTreeSet::from(Kind::ALL),
        every_ms: HOUR,
        recovered,
    }
}

fn cause(kind: Kind, pipeline: &str) -> Cause {
    Cause {
        kind,
        tenant: "north".to_owned(),
        pipeline: (!pipeline.is_empty()).then(|| pipeline.to_owned()),
    }
}

fn event(cause: &Cause, at_ms: u64, count: u64) -> Event {
    Event {
        cause: cause.clone(),
        at_ms,
        count,
        detail: format!("at {at_ms}"),
        run: None,
    }
}

#[track_caller]
fn check_told(told: &[Told], expected: &[(Kind, u64, u64, bool)]) {
    let told = told.iter();
    let told: Vec<_> = told
        .map(|told| (told.cause.kind, told.times, told.count, told.ended))
        .collect();
    assert_eq!(told, expected);
}

#[test]
fn a_cause_is_told_at_once_and_then_once_in_its_time_with_what_came_meanwhile() {
    let mut route = Route::new(rule(false));
    let holds = cause(Kind::Holds, "stockouts");
    assert_eq!(route.next_ms(), None);
    route.happened(event(&holds, T, 2));
    assert!(route.next_ms().unwrap() <= T);
    check_told(&route.take(T), &[(Kind::Holds, 1, 2, false)]);
    assert_eq!(route.next_ms(), None);
    route.sent(true, T);
    for minute in 1..=5 {
        route.happened(event(&holds, T + minute * 60_000, 1));
        check_told(&route.take(T + minute * 60_000), &[]);
    }
    assert_eq!(route.next_ms(), Some(T + HOUR));
    let told = route.take(T + HOUR);
    check_told(&told, &[(Kind::Holds, 5, 5, false)]);
    assert_eq!(
        (told[0].first_ms, told[0].last_ms),
        (T + 60_000, T + 300_000)
    );
    route.sent(true, T + HOUR);
    assert_eq!(route.next_ms(), None);
}

#[test]
fn causes_that_are_due_together_are_one_message_the_worst_first() {
    let mut route = Route::new(rule(false));
    route.happened(event(&cause(Kind::DeadLetters, "a"), T, 1));
    route.happened(event(&cause(Kind::Folder, ""), T, 1));
    route.happened(event(&cause(Kind::DeadLetters, "b"), T, 1));
    let told = route.take(T);
    check_told(
        &told,
        &[
            (Kind::Folder, 1, 1, false),
            (Kind::DeadLetters, 1, 1, false),
            (Kind::DeadLetters, 1, 1, false),
        ],
    );
    route.sent(true, T);
    // A robot takes so many messages a minute.
    route.happened(event(&cause(Kind::Holds, "a"), T + 1, 1));
    assert_eq!(route.take(T + 3_999), []);
    assert_eq!(route.take(T + 4_000).len(), 1);
}

#[test]
fn what_was_not_taken_in_waits_longer_each_time_with_what_came_meanwhile() {
    let mut route = Route::new(rule(false));
    let failed = cause(Kind::FailedRuns, "a");
    route.happened(event(&failed, T, 1));
    let mut now = T;
    for seconds in [5, 10, 20, 40, 80, 160, 320, 600, 600] {
        assert_eq!(route.take(now).len(), 1);
        route.happened(event(&failed, now, 1));
        route.sent(false, now);
        assert_eq!(route.next_ms(), Some(now + seconds * 1_000));
        assert_eq!(route.take(now + seconds * 1_000 - 1), []);
        now += seconds * 1_000;
    }
    check_told(&route.take(now), &[(Kind::FailedRuns, 10, 10, false)]);
    route.sent(true, now);
    assert_eq!((route.failures(), route.next_ms()), (0, None));
}

#[test]
fn an_end_is_told_where_it_is_wished_and_the_beginning_was_told() {
    let failed = cause(Kind::FailedRuns, "a");
    for (recovered, expected) in [(true, 1), (false, 0)] {
        let mut route = Route::new(rule(recovered));
        route.ended(&failed, T);
        assert_eq!(route.take(T), []);
        route.happened(event(&failed, T, 1));
        route.take(T);
        route.sent(true, T);
        route.ended(&failed, T + 1);
        route.ended(&failed, T + 2);
        let told = route.take(T + 4_000);
        assert_eq!(told.len(), expected);
        assert!(told.iter().all(|told| told.ended && told.times == 0));
        route.sent(true, T + 4_000);
        route.ended(&failed, T + 5_000);
        assert_eq!(route.take(T + 10_000), []);
        // The end does not make it be told more often.
        route.happened(event(&failed, T + 10_000, 1));
        assert_eq!(route.take(T + HOUR - 1), []);
        check_told(&route.take(T + HOUR), &[(Kind::FailedRuns, 1, 1, false)]);
    }
}

#[test]
fn what_is_not_asked_for_is_not_told() {
    let mut route = Route::new(Rule {
        on: BTreeSet::from([Kind::Holds]),
        ..rule(true)
    });
    route.happened(event(&cause(Kind::DeadLetters, "a"), T, 1));
    assert_eq!(route.take(T), []);
}

#[test]
fn a_clock_that_is_put_back_silences_nothing_for_longer_than_the_rule() {
    let mut route = Route::new(rule(false));
    let holds = cause(Kind::Holds, "a");
    route.happened(event(&holds, T, 1));
    route.take(T);
    route.sent(true, T);
    let back = T - 10 * HOUR;
    route.happened(event(&holds, back, 1));
    assert_eq!(route.take(back).len(), 1);
}

proptest! {
    /// Steps: a cause, how long after the step before, whether sending works.
    #[test]
    fn no_cause_is_told_twice_in_its_time_and_nothing_is_lost(
        steps in proptest::collection::vec((0..4_usize, 0..HOUR, any::<bool>()), 1..80)
    ) {
        let mut route = Route::new(rule(false));
        let causes = ["a", "b", "c", "d"].map(|name| cause(Kind::Holds, name));
        let (mut now, mut happened, mut said) = (T, 0, 0);
        let mut last: BTreeMap<Cause, u64> = BTreeMap::new();
        let mut send = |route: &mut Route, now: u64, works: bool| -> Result<u64, TestCaseError> {
            let told = route.take(now);
            if told.is_empty() { return Ok(0); }
            route.sent(works, now);
            if !works { return Ok(0); }
            for told in &told {
                let before = last.insert(told.cause.clone(), now);
                prop_assert!(before.is_none_or(|before| now - before >= HOUR));
            }
            Ok(told.iter().map(|told| told.count).sum())
        };
        for (which, later, works) in steps {
            now += later;
            route.happened(event(&causes[which], now, 1));
            happened += 1;
            said += send(&mut route, now, works)?;
        }
        while let Some(next) = route.next_ms() {
            now = now.max(next);
            said += send(&mut route, now, true)?;
        }
        prop_assert_eq!(said, happened);
    }
}

fn example() -> Vec<Told> {
    let told = |kind, pipeline, count, times, detail: &str| Told {
        cause: cause(kind, pipeline),
        ended: false,
        count,
        first_ms: T,
        last_ms: T + 35 * 60_000,
        times,
        detail: detail.to_owned(),
        run: None,
    };
    vec![
        told(
            Kind::Folder,
            "",
            1,
            1,
            "tenant.yaml: `runz` is no field\nof it",
        ),
        Told {
            run: Some("r-1".to_owned()),
            ..told(
                Kind::FailedRuns,
                "stockouts",
                3,
                3,
                "the system said <at user_id=\"all\">come</at> @13800000000",
            )
        },
        told(Kind::MissedRuns, "stockouts", 1, 1, ""),
        told(Kind::Reconciliation, "stockouts", 4, 1, ""),
        told(Kind::Holds, "stockouts", 12, 5, ""),
        told(Kind::DeadLetters, "stockouts", 2, 1, ""),
        Told {
            ended: true,
            ..told(Kind::FailedRuns, "receipts", 0, 0, "")
        },
    ]
}

const GOLDEN: &str = include_str!("golden/forms.txt");

/// Every form in both languages, a heading before each.
fn written() -> String {
    let mut out = String::new();
    let signature = sign(Form::Feishu, "SECd1f0", T);
    for (name, form) in [
        ("wecom", Form::Wecom),
        ("dingtalk", Form::Dingtalk),
        ("feishu", Form::Feishu),
        ("json", Form::Json),
    ] {
        for (code, language) in [("zh", Language::Chinese), ("en", Language::English)] {
            let signature = signature.as_ref().filter(|_| form == Form::Feishu);
            let mut body = form.body(&example(), language, signature);
            // Whether maps keep their order is the choice of other crates.
            body.sort_all_objects();
            let body = serde_json::to_string_pretty(&body).unwrap();
            out.push_str(&format!("# {name} {code}\n{body}\n"));
        }
    }
    out
}

#[test]
fn messages_are_as_they_were_read() {
    if std::env::var("UPDATE_GOLDEN").is_ok() {
        let place = concat!(env!("CARGO_MANIFEST_DIR"), "/src/golden/forms.txt");
        std::fs::write(place, written()).unwrap();
    }
    assert_eq!(written(), GOLDEN);
}

#[test]
fn a_long_message_is_cut_between_causes_and_says_so() {
    let mut one = example().remove(1);
    one.detail = "单".repeat(1_000);
    let many = vec![one; 20];
    for (form, most) in [(Form::Wecom, 2_048), (Form::Dingtalk, 20_000)] {
        for language in [Language::Chinese, Language::English] {
            let body = form.body(&many, language, None);
            let text = body["text"]["content"].as_str().unwrap();
            assert!(text.len() <= most, "{}", text.len());
            let said = match language {
                Language::Chinese => "另有",
                Language::English => "more: see",
            };
            assert!(text.contains(said), "{text}");
        }
    }
}

/// The values are those of Python's `hmac`.
#[test]
fn signatures_are_those_that_robots_expect() {
    let query = "timestamp=1700000000123&sign=yMJCwYATDBJJm2XYExGD5fBj8cU5pluwmat9aUDtxy8%3D";
    assert_eq!(
        sign(Form::Dingtalk, "SECd1f0", T),
        Some(Signature::Query(query.to_owned()))
    );
    let expected = Signature::Body {
        timestamp: "1700000000".to_owned(),
        sign: "FfUEq3PiP6d5n1lrTSRsOxswWRo+AA/BxGfGpgvkGJ0=".to_owned(),
    };
    assert_eq!(sign(Form::Feishu, "SECd1f0", T), Some(expected));
    for form in [Form::Wecom, Form::Json] {
        assert_eq!((sign(form, "x", T), form.signs()), (None, false));
    }
}

#[track_caller]
fn check_judged(form: Form, status: u16, body: &str, expected: Result<(), Refused>) {
    assert_eq!(form.judge(status, body.as_bytes()), expected, "{body}");
}

#[test]
fn a_refusal_in_the_body_of_a_good_answer_is_one() {
    let refused = |code, message: &str| {
        Err(Refused::Code {
            code,
            message: message.to_owned(),
        })
    };
    let limit = r#"{"errcode":45009,"errmsg":"api freq\n out of limit"}"#;
    check_judged(Form::Wecom, 200, r#"{"errcode":0,"errmsg":"ok"}"#, Ok(()));
    check_judged(
        Form::Wecom,
        200,
        limit,
        refused(45009, "api freq out of limit"),
    );
    let sign = r#"{"errcode":310000,"errmsg":"sign not match"}"#;
    check_judged(
        Form::Dingtalk,
        200,
        sign,
        refused(310_000, "sign not match"),
    );
    let taken = r#"{"StatusCode":0,"StatusMessage":"success","code":0,"msg":"success"}"#;
    check_judged(Form::Feishu, 200, taken, Ok(()));
    let wrong = r#"{"code":19021,"msg":"sign match fail or timestamp is not within one hour"}"#;
    let why = "sign match fail or timestamp is not within one hour";
    check_judged(Form::Feishu, 200, wrong, refused(19021, why));
    for form in [Form::Wecom, Form::Dingtalk, Form::Feishu] {
        for odd in ["", "{}", "[0]", "<html>", r#"{"errcode":"0","code":"0"}"#] {
            check_judged(form, 200, odd, Err(Refused::Odd));
        }
    }
    check_judged(Form::Json, 204, "", Ok(()));
    for form in [Form::Wecom, Form::Json] {
        for status in [199, 301, 404, 500] {
            check_judged(
                form,
                status,
                r#"{"errcode":0}"#,
                Err(Refused::Status(status)),
            );
        }
    }
}

#[test]
fn nothing_in_a_reason_calls_anybody() {
    for form in [Form::Wecom, Form::Dingtalk, Form::Feishu] {
        let body = form.body(&example(), Language::Chinese, None);
        let text = match form {
            Form::Feishu => &body["content"]["text"],
            _ => &body["text"]["content"],
        };
        let text = text.as_str().unwrap();
        assert!(!text.contains(['<', '>', '@']), "{text}");
        assert_ne!(body, Value::Null);
    }
}
