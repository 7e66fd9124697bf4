//! Rules and the documents that they give.

use super::{ORDER, SEED, mapped};

/// Rules over a record, and the document or refusal.
fn check(rules: &str, record: &str, expected: &str) {
    assert_eq!(
        mapped(&format!("{{\"rules\":[{rules}]}}"), record),
        expected
    );
}

#[test]
fn the_table_of_the_seed_gives_its_document() {
    let expected = include_str!("../../tests/seed_document.json");
    let document: serde_json::Value = serde_json::from_str(&mapped(SEED, ORDER)).unwrap();
    let expected: serde_json::Value = serde_json::from_str(expected).unwrap();
    assert_eq!(
        serde_json::to_string_pretty(&document).unwrap(),
        serde_json::to_string_pretty(&expected).unwrap()
    );
}

#[test]
fn the_same_table_reads_a_source_that_has_batch_details() {
    let settings = SEED.replace("\"lists\"", "\"unused\"");
    let end = settings.find("\"unused\"").unwrap();
    let settings = format!(
        "{}\"lists\":{{\"details_list\":{{\"from\":\"batch_details\"}}}}}}",
        &settings[..end]
    );
    let order = ORDER
        .replace("details_list", "batch_details")
        .replace("goods_count", "num")
        .replace("production_date", "product_date");
    assert_eq!(mapped(&settings, &order), mapped(SEED, ORDER));
}

#[test]
fn children_are_the_flat_table_in_another_form() {
    let flat = r#"{"rules":[{"field":"A","type":"object"},{"field":"A.B","type":"array","value":"l"},
        {"field":"A.B.C","type":"string","value":"{{l.c}}"},{"field":"A.D","type":"string","value":"d"}]}"#;
    let nested = r#"{"rules":[{"field":"A","type":"object","children":[
        {"field":"B","type":"array","value":"l","children":[{"field":"C","type":"string","value":"{{l.c}}"}]},
        {"field":"A.D","type":"string","value":"d"}]}]}"#;
    let record = r#"{"l":[{"c":1},{"c":"x"}]}"#;
    assert_eq!(
        mapped(flat, record),
        r#"{"A":{"B":[{"C":"1"},{"C":"x"}],"D":"d"}}"#
    );
    assert_eq!(mapped(nested, record), mapped(flat, record));
}

#[test]
fn an_array_without_a_value_is_one_row_of_the_head() {
    let rules = r#"{"field":"a","type":"array"},{"field":"a.n","type":"string","value":"{{n}}"},
        {"field":"a.b","type":"array","value":"l"},{"field":"a.b.c","type":"int","value":"{{l.c}}"}"#;
    check(
        rules,
        r#"{"n":"N","l":[{"c":1},{"c":2}]}"#,
        r#"{"a":[{"n":"N","b":[{"c":1},{"c":2}]}]}"#,
    );
    check(rules, r#"{"l":[]}"#, "{}");
    let required = rules.replacen("\"array\"", "\"array\",\"required\":true", 1);
    check(
        &required,
        "{}",
        "map.required: `a`: the rule is required but its value is empty",
    );
}

#[test]
fn digits_stay_as_they_came() {
    let rules = r#"{"field":"s","type":"string","value":"{{x}}"},{"field":"f","type":"float","value":"{{x}}"}"#;
    check(
        rules,
        r#"{"x":2756286207594856469}"#,
        r#"{"s":"2756286207594856469","f":2756286207594856469}"#,
    );
    check(rules, r#"{"x":"0.0000"}"#, r#"{"s":"0.0000","f":0.0000}"#);
    check(rules, r#"{"x":29.850}"#, r#"{"s":"29.850","f":29.850}"#);
    check(rules, r#"{"x":"+07.50"}"#, r#"{"s":"+07.50","f":7.50}"#);
}

#[test]
fn the_type_decides_the_form() {
    let one = |form: &str| {
        format!(r#"{{"field":"o","label":"标签","type":"{form}","value":"{{{{x}}}}"}}"#)
    };
    check(&one("int"), r#"{"x":"3.0000"}"#, r#"{"o":3}"#);
    check(
        &one("int"),
        r#"{"x":2756286207594856469}"#,
        r#"{"o":2756286207594856469}"#,
    );
    check(
        &one("int"),
        r#"{"x":"3.5"}"#,
        "map.type: `o` (标签): the value is the text `3.5`, expected a whole number",
    );
    check(
        &one("float"),
        r#"{"x":"abc"}"#,
        "map.type: `o` (标签): the value is the text `abc`, expected a number",
    );
    check(&one("bool"), r#"{"x":"1"}"#, r#"{"o":true}"#);
    check(&one("bool"), r#"{"x":false}"#, r#"{"o":false}"#);
    check(
        &one("bool"),
        r#"{"x":"yes"}"#,
        "map.type: `o` (标签): {{x}} is the text `yes`, expected true, false, 1 or 0",
    );
    check(&one("string"), r#"{"x":true}"#, r#"{"o":"true"}"#);
    check(
        &one("string"),
        r#"{"x":{}}"#,
        "map.type: `o` (标签): `the value` holds an object or a list where a single value was expected",
    );
    check(
        &one("datetime"),
        r#"{"x":1746759592000}"#,
        r#"{"o":"2025-05-09 10:59:52"}"#,
    );
    check(
        &one("datetime"),
        r#"{"x":"2025/5/9"}"#,
        r#"{"o":"2025-05-09 00:00:00"}"#,
    );
    check(
        &one("date"),
        r#"{"x":"2025-05-09T10:59:52"}"#,
        r#"{"o":"2025-05-09"}"#,
    );
    check(&one("date"), r#"{"x":"0000-00-00 00:00:00"}"#, "{}");
    check(
        &one("date"),
        r#"{"x":"2025050"}"#,
        "map.date: `o` (标签): `{{x}}` is `2025050`, which is no date, time or Unix time",
    );
    check(&one("object"), r#"{"x":{"a":[1]}}"#, r#"{"o":{"a":[1]}}"#);
    check(&one("array"), r#"{"x":[1.50,"b"]}"#, r#"{"o":[1.50,"b"]}"#);
    check(&one("array"), r#"{"x":[ ]}"#, "{}");
}

#[test]
fn what_is_empty_is_left_out_unless_it_is_required() {
    let rules = r#"{"field":"a","type":"string","value":"{{x}}"},{"field":"b","type":"string","value":"{{x}}-{{y}}"},
        {"field":"c","type":"object"},{"field":"c.d","type":"string","value":"{{x}}"},
        {"field":"e","type":"array","value":"l"},{"field":"e.f","type":"int","value":"1"}"#;
    for record in [
        "{}",
        r#"{"x":null,"l":null}"#,
        r#"{"x":"","y":"","l":[]}"#,
        r#"{"l":""}"#,
    ] {
        check(rules, record, "{}");
    }
    check(
        rules,
        r#"{"y":"y","l":[{}]}"#,
        r#"{"b":"-y","e":[{"f":1}]}"#,
    );
    let required =
        r#"{"field":"a","label":"单据编号","type":"string","value":"{{x}}","required":true}"#;
    check(
        required,
        r#"{"x":""}"#,
        "map.required: `a` (单据编号): the rule is required but its value is empty",
    );
    let list = r#"{"field":"e","type":"array","value":"l","required":true},{"field":"e.f","type":"int","value":"1"}"#;
    check(
        list,
        "{}",
        "map.required: `e`: the rule is required but its value is empty",
    );
    let row = r#"{"field":"e","type":"array","value":"l"},{"field":"e.f","type":"int","value":"{{l.x}}","required":true}"#;
    check(
        row,
        r#"{"l":[{"x":1},{}]}"#,
        "map.required: `e.f`, row 2 of `l`: the rule is required but its value is empty",
    );
}

#[test]
fn parsers_shape_values() {
    let one = |value: &str, name: &str, params: &str| {
        format!(
            r#"{{"field":"o","type":"string","value":"{value}","parser":{{"name":"{name}","params":"{params}"}}}}"#
        )
    };
    let record = r#"{"x":"a,b,a","n":7,"l":["p",2],"m":{"2052":"中\n文","1033":"en"},"j":"{\"a\":1}","e":""}"#;
    check(
        &one("{{n}}", "ConvertObjectParser", "FNumber"),
        record,
        r#"{"o":{"FNumber":"7"}}"#,
    );
    check(
        &one("03", "ConvertTwoStageObjectParser", "FF1,FNumber"),
        record,
        r#"{"o":{"FF1":{"FNumber":"03"}}}"#,
    );
    check(
        &one(
            "{{n}}-{{x}}",
            "ConvertObjectParser,ConvertObjectParser",
            "F",
        ),
        record,
        r#"{"o":{"F":{"F":"7-a,b,a"}}}"#,
    );
    check(
        &one("{{x}}", "StringToArray", ","),
        record,
        r#"{"o":["a","b","a"]}"#,
    );
    check(
        &one("{{x}}", "StringToArray,ArrayUnique", ","),
        record,
        r#"{"o":["a","b"]}"#,
    );
    check(
        &one("{{l}}", "ArrayToString", ","),
        record,
        r#"{"o":"p,2"}"#,
    );
    check(&one("{{e}}", "StringToArray", ","), record, "{}");
    check(
        &one("{{m}}", "ConvertJson", ""),
        record,
        r#"{"o":[{"Key":"2052","Value":"中文"},{"Key":"1033","Value":"en"}]}"#,
    );
    check(
        &one("{{j}}", "ConvertJson", ""),
        record,
        r#"{"o":[{"Key":"a","Value":1}]}"#,
    );
    check(
        &one("{{x}}", "ConvertJson", ""),
        record,
        "map.type: `o`: the text `a,b,a` was found where a JSON object was expected",
    );
}

#[test]
fn tables_and_pipes_translate() {
    let settings = |missing: &str, value: &str| {
        format!(
            r#"{{"rules":[{{"field":"o","type":"string","value":"{value}"}}],"tables":{{"shop":{{"rows":{{"S1":"C\"1","7":"C7"}}{missing}}}}}}}"#
        )
    };
    let table = "{{s|table('shop')}}";
    assert_eq!(
        mapped(&settings("", table), r#"{"s":"S1"}"#),
        r#"{"o":"C\"1"}"#
    );
    assert_eq!(mapped(&settings("", table), r#"{"s":7}"#), r#"{"o":"C7"}"#);
    assert_eq!(mapped(&settings("", table), r#"{"s":""}"#), "{}");
    assert_eq!(
        mapped(&settings("", table), r#"{"s":"S2"}"#),
        "map.table: `o`: `S2` is not in the value table `shop`"
    );
    assert_eq!(
        mapped(&settings(r#","missing":"empty""#, table), r#"{"s":"S2"}"#),
        "{}"
    );
    assert_eq!(
        mapped(
            &settings(r#","missing":{"default":"X"}"#, table),
            r#"{"s":"S2"}"#
        ),
        r#"{"o":"X"}"#
    );
    assert_eq!(
        mapped(
            &settings("", "{{t|datetime}}/{{t|date}}/{{u|timestamp}}"),
            r#"{"t":1665553200,"u":"2022-10-12 13:40:00"}"#
        ),
        r#"{"o":"2022-10-12 13:40:00/2022-10-12/1665553200"}"#
    );
}

#[test]
fn lists_inside_lists_follow_their_rows() {
    let rules = r#"{"rules":[{"field":"E","type":"array","value":"details"},
        {"field":"E.n","type":"string","value":"{{no}}-{{details.n}}-{{batch.b}}"},
        {"field":"E.B","type":"array","value":"batch"},{"field":"E.B.b","type":"string","value":"{{details.n}}{{batch.b}}"},
        {"field":"first","type":"string","value":"{{batch.b}}"}],
        "lists":{"batch":{"from":"details.position_list","fields":{"b":"batch_no"}}}}"#;
    let record = r#"{"no":"N","details":[{"n":1},{"n":2,"position_list":[{"batch_no":"x"},{"batch_no":"y"}]},{"position_list":{"batch_no":"z"},"n":3}]}"#;
    let expected = r#"{"E":[{"n":"N-1-"},{"n":"N-2-x","B":[{"b":"2x"},{"b":"2y"}]},{"n":"N-3-z","B":[{"b":"3z"}]}]}"#;
    assert_eq!(mapped(rules, record), expected);
}

#[test]
fn records_that_do_not_meet_the_condition_are_dropped() {
    let settings = |condition: &str| {
        format!(
            r#"{{"rules":[{{"field":"o","type":"string","value":"k"}}],"condition":{condition}}}"#
        )
    };
    let kept = r#"{"o":"k"}"#;
    let record = r#"{"status":95,"price":"10.00","name":"abc","day":"2022-10-12","e":""}"#;
    for held in [
        r#"[[{"field":"status","logic":"eq","value":"95"}]]"#,
        r#"[[{"field":"status","logic":"eq","value":1}],[{"field":"price","logic":"eq","value":"10"}]]"#,
        r#"[[{"field":"price","logic":"gt","value":"9"},{"field":"price","logic":"elt","value":"10.0"}]]"#,
        r#"[[{"field":"price","logic":"between","value":"9,11"},{"field":"day","logic":"egt","value":"2022-10-01"}]]"#,
        r#"[[{"field":"name","logic":"like","value":"%b%"},{"field":"name","logic":"notlike","value":"b"}]]"#,
        r#"[[{"field":"day","logic":"gt","value":"timestamp:2022-10-11 23:59:59"},{"field":"day","logic":"elt","value":"timestamp:1665504000"}]]"#,
        r#"[[{"field":"e","logic":"isnull"},{"field":"name","logic":"notnull"},{"field":"gone","logic":"neq","value":"1"}]]"#,
    ] {
        assert_eq!(mapped(&settings(held), record), kept, "{held}");
    }
    for (unmet, reason) in [
        (
            r#"[[{"field":"status","logic":"eq","value":"110"}]]"#,
            "dropped: {{status}} is 95, wanted: eq `110`",
        ),
        (
            r#"[[{"field":"price","logic":"eq","value":"10","strictMode":true}]]"#,
            "dropped: {{price}} is 10.00, wanted: eq `10`",
        ),
        (
            r#"[[{"field":"e","logic":"lt","value":"5"}]]"#,
            "dropped: {{e}} is empty, wanted: lt `5`",
        ),
    ] {
        assert_eq!(mapped(&settings(unmet), record), reason);
    }
}

#[test]
fn lists_that_are_none_reject_the_record() {
    let rules =
        r#"{"field":"e","type":"array","value":"l"},{"field":"e.f","type":"int","value":"1"}"#;
    check(
        rules,
        r#"{"l":[1]}"#,
        "map.list: `e`: the list `l` holds rows that are no objects",
    );
    check(
        rules,
        r#"{"l":"[]"}"#,
        "map.list: `e`: `l` is no list of objects",
    );
    check(rules, r#"{"l":{"a":1}}"#, r#"{"e":[{"f":1}]}"#);
}
