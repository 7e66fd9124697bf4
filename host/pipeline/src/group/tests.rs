//! Keys of groups, their records, and the decimals that are added for them.

use std::cmp::Ordering;

use duijie_plan::{Close, Field, Fold, Group, GroupField, Late, MOST_MEMBERS, Rows, Takes};
use duijie_store::GroupPart;

use super::decimal::Decimal;
use super::{Object, key_of, place, record, source_key};

fn field(path: &str) -> Field {
    Field {
        path: path.to_owned(),
        name: path.replace('.', "_"),
    }
}

/// By warehouse and day.
fn group() -> Group {
    let by = |path, takes| GroupField {
        field: field(path),
        takes,
    };
    Group {
        by: vec![by("wh.no", Takes::Value), by("at", Takes::Day)],
        close: Close {
            on_key_change: false,
            count: MOST_MEMBERS,
            after: None,
            at_end: true,
        },
        collect: Vec::new(),
        list: Rows {
            name: "rows".to_owned(),
            from: None,
            by: Vec::new(),
            collect: Vec::new(),
        },
        late: Late::Hold,
    }
}

fn check_key(line: &str, expected: Result<&str, &str>) {
    let found = Object::parse(line.as_bytes()).and_then(|record| key_of(&group(), &record));
    let found = found.map_err(|rejection| rejection.message);
    match (found, expected) {
        (Ok(found), expected) => assert_eq!(Ok(found.as_str()), expected, "{line}"),
        (Err(found), Err(expected)) => assert!(found.contains(expected), "{line}: {found}"),
        (Err(found), Ok(_)) => panic!("{line}: {found}"),
    }
}

#[test]
fn a_group_is_named_by_the_values_of_its_fields() {
    check_key(
        r#"{"wh":{"no":"W01"},"at":"2025-10-01 12:00:00"}"#,
        Ok("W01|2025-10-01"),
    );
    check_key(r#"{"wh":{"no":7},"at":"2025-10-01"}"#, Ok("7|2025-10-01"));
    check_key(r#"{"wh.no":"x","at":"2025-10-01"}"#, Ok("x|2025-10-01"));
    check_key(
        r##"{"wh":{"no":"a|b#1\\"},"at":"2025-10-01"}"##,
        Ok(r"a\|b\#1\\|2025-10-01"),
    );
    check_key(r#"{"wh":{"no":""},"at":"2025-10-01"}"#, Err("`wh.no` is"));
    check_key(r#"{"wh":{"no":null},"at":"2025-10-01"}"#, Err("`wh.no` is"));
    check_key(r#"{"wh":{"no":[1]},"at":"2025-10-01"}"#, Err("`wh.no` is"));
    check_key(r#"{"wh":{"no":"W"},"at":"1/10/2025"}"#, Err("`1/10/2025`"));
    check_key(
        r#"{"wh":{"no":"W"},"at":"2025-十"}"#,
        Err("expected a date"),
    );
    check_key(r#"["W01"]"#, Err("only an object"));
}

#[test]
fn the_source_key_of_a_part_is_read_back() {
    for name in ["W01|2025-10-01", "", r"a\#1", "订单"] {
        let part = GroupPart {
            group: name.to_owned(),
            part: 12,
        };
        assert_eq!(place(source_key(&part).as_str()), Some(part));
    }
    assert_eq!(place("30011"), None);
    assert_eq!(place("group:W01"), None);
}

fn check_record(group: &Group, members: &[&str], expected: &str) {
    let part = GroupPart {
        group: "W01|2025-10-01".to_owned(),
        part: 2,
    };
    let members: Vec<&[u8]> = members.iter().map(|line| line.as_bytes()).collect();
    let made = record(group, &part, &members);
    let made = made.map_or_else(
        |rejection| rejection.message,
        |line| String::from_utf8(line).unwrap(),
    );
    assert_eq!(made, expected);
}

#[test]
fn members_become_one_record_and_no_digit_is_lost() {
    let mut group = group();
    let folds = [
        (Fold::First, "name"),
        (Fold::Last, "name2"),
        (Fold::Sum, "qty"),
        (Fold::Sum, "amount"),
        (Fold::Min, "qty2"),
        (Fold::Max, "qty3"),
        (Fold::Push, "no"),
        (Fold::Distinct, "shop"),
        (Fold::Sum, "none"),
    ];
    group.collect = folds.map(|(fold, path)| (fold, field(path))).to_vec();
    check_record(
        &group,
        &[
            r#"{"wh":{"no":1},"at":"2025-10-01 01","name2":"a","qty":1.10,"amount":"0.0000","qty2":10,"qty3":9.0,"no":"A","shop":1}"#,
            r#"{"wh":{"no":1},"at":"2025-10-01 02","name":"b","name2":"c","qty":2.2,"amount":"12345678901234567890.12","qty2":9.50,"qty3":"9","no":"B","shop":1}"#,
            r#"{"wh":{"no":1},"at":"2025-10-01 03","name":"d","qty":-4,"amount":null,"qty2":"","shop":2}"#,
        ],
        concat!(
            r#"{"wh_no":1,"at":"2025-10-01","name":"b","name2":"c","qty":-0.70,"#,
            r#""amount":"12345678901234567890.1200","qty2":9.50,"qty3":9.0,"no":["A","B"],"#,
            r#""shop":[1,2],"none":0,"group_key":"W01|2025-10-01","group_part":2,"group_members":3,"#,
            r#""rows":[{"wh":{"no":1},"at":"2025-10-01 01","name2":"a","qty":1.10,"amount":"0.0000","qty2":10,"qty3":9.0,"no":"A","shop":1},"#,
            r#"{"wh":{"no":1},"at":"2025-10-01 02","name":"b","name2":"c","qty":2.2,"amount":"12345678901234567890.12","qty2":9.50,"qty3":"9","no":"B","shop":1},"#,
            r#"{"wh":{"no":1},"at":"2025-10-01 03","name":"d","qty":-4,"amount":null,"qty2":"","shop":2}]}"#,
        ),
    );
}

#[test]
fn rows_of_the_members_lists_are_merged_by_their_fields() {
    let mut group = group();
    group.by.truncate(1);
    group.list = Rows {
        name: "details".to_owned(),
        from: Some(field("list")),
        by: vec![field("spec"), field("gift")],
        collect: vec![(Fold::Sum, field("qty")), (Fold::First, field("name"))],
    };
    let members = [
        r#"{"wh":{"no":"W"},"list":[{"spec":"a","qty":"1.0","name":"A"},{"spec":"b","qty":2}]}"#,
        r#"{"wh":{"no":"W"},"list":null}"#,
        r#"{"wh":{"no":"W"},"list":[{"spec":"a","qty":"0.25"},{"spec":"a","gift":1,"qty":5}]}"#,
    ];
    let head =
        r#"{"wh_no":"W","group_key":"W01|2025-10-01","group_part":2,"group_members":3,"details":["#;
    let rows = concat!(
        r#"{"spec":"a","gift":null,"qty":"1.25","name":"A"},"#,
        r#"{"spec":"b","gift":null,"qty":2,"name":null},"#,
        r#"{"spec":"a","gift":1,"qty":5,"name":null}]}"#,
    );
    check_record(&group, &members, &format!("{head}{rows}"));
    group.list.by.clear();
    group.list.collect.clear();
    let rows = concat!(
        r#"{"spec":"a","qty":"1.0","name":"A"},{"spec":"b","qty":2},"#,
        r#"{"spec":"a","qty":"0.25"},{"spec":"a","gift":1,"qty":5}]}"#,
    );
    check_record(&group, &members, &format!("{head}{rows}"));
    let bad = r#"{"wh":{"no":"W"},"list":{"spec":1}}"#;
    let told = "`list` is no list, and its elements are the rows";
    check_record(&group, &[bad], told);
}

#[test]
fn what_is_no_number_is_not_added() {
    let mut group = group();
    group.by.truncate(1);
    group.collect = vec![(Fold::Sum, field("qty"))];
    for (value, told) in [
        (r#""12件""#, r#"`qty` is `"12件"`, expected a number"#),
        ("true", "`qty` is `true`, expected a number"),
        ("[1]", "`qty` is `[1]`, expected a number"),
    ] {
        let line = format!(r#"{{"wh":{{"no":"W"}},"qty":{value}}}"#);
        check_record(&group, &[&line], told);
    }
}

fn check_sum(terms: &[&str], expected: &str) {
    let sum = terms.iter().fold(Decimal::default(), |sum, term| {
        sum.add(&Decimal::parse(term).unwrap())
    });
    assert_eq!(sum.to_string(), expected, "{terms:?}");
}

#[test]
fn decimals_add_exactly_and_keep_their_places() {
    check_sum(&[], "0");
    check_sum(&["0.1", "0.2"], "0.3");
    check_sum(&["1.10", "2.2"], "3.30");
    check_sum(&["-0.05", "0.05"], "0.00");
    check_sum(&["-0.005", "0.0"], "-0.005");
    check_sum(
        &["9999999999999999999", "0.00000000000000000001"],
        "9999999999999999999.00000000000000000001",
    );
    check_sum(&["1e3", "2.5E-1", "+007"], "1007.25");
    for text in [
        "",
        "-",
        ".",
        "1.",
        ".5",
        "1e",
        "0x1",
        "1,000",
        "NaN",
        "1e999999999",
        "１",
    ] {
        assert!(Decimal::parse(text).is_none(), "{text}");
    }
}

#[test]
fn decimals_compare_by_value() {
    let check = |left: &str, right: &str, expected| {
        let (left, right) = (
            Decimal::parse(left).unwrap(),
            Decimal::parse(right).unwrap(),
        );
        assert_eq!(left.compare(&right), expected);
        assert_eq!(right.compare(&left), expected.reverse());
    };
    check("1.0", "1", Ordering::Equal);
    check("10", "9.99", Ordering::Greater);
    check("-1", "-1.0001", Ordering::Greater);
}
