//! Expressions and their values, as a table.

use crate::Mapping;
use crate::tests::outcome;

const RECORD: &str = r#"{"zero":"0.0000","price":"29.8500","qty":3,"no":"XS-001","remark":"it's '' \"q\" end) --",
    "empty":"","flag":true,"unix":1665553200,"day":"2022-01-31","time":"2022-10-12 13:40:05","cn":"仔细检查",
    "l":[{"q":"2.0000","p":1.5,"s":"a"},{"q":"1","p":null,"s":"b"},{"q":"0.5","p":2}]}"#;

/// The value of an expression in a rule of type string: quoted where it is a
/// text or number; `(empty)`; or the refusal.
fn check(expression: &str, expected: &str) {
    let rule = serde_json::json!({"field": "o", "type": "string", "value": format!("_function {expression}")});
    let settings = serde_json::json!({"rules": [rule], "lists": {"l": {}}}).to_string();
    let found = match Mapping::open(&settings) {
        Ok(mut mapping) => outcome(&mut mapping, &RECORD.replace('\n', "")),
        Err(problems) => format!("{} ({:?})", problems[0].message, problems[0].hint),
    };
    let found = found.replace("map.expression: `o`: ", "");
    let found = found
        .strip_prefix("{\"o\":")
        .and_then(|rest| rest.strip_suffix('}'))
        .unwrap_or(&found);
    assert_eq!(found.replace("{}", "(empty)"), expected, "{expression}");
}

#[test]
fn amounts_compare_as_decimals() {
    check("case '{{zero}}' when '0' then true else false end", "true");
    check("case {{zero}} when 0 then true else false end", "true");
    check(
        "case '{{price}}' when '0' then true else false end",
        "false",
    );
    check(
        "case '{{empty}}' when '0' then true else false end",
        "false",
    );
    check(
        "CASE WHEN {{price}} > 9 AND '{{price}}' < '100' THEN 'mid' END",
        "\"mid\"",
    );
    check("'{{no}}' = 'xs-001'", "false");
    check("'007' = '7'", "false");
    check("-1.5 < 0.00 AND 0 > -2 AND 0.000 = 0", "true");
    check("11529215046068469770 > 11529215046068469769", "true");
    check("11529215046068469759 + 1", "\"11529215046068469760\"");
    check("'abc' < 'abd'", "true");
}

#[test]
fn arithmetic_is_exact() {
    check("{{price}} * {{qty}}", "\"89.5500\"");
    check("0.1 + 0.2", "\"0.3\"");
    check("10 / 4", "\"2.5\"");
    check("1 / 3", "\"0.333333\"");
    check("2 / 3", "\"0.666667\"");
    check("1.00 / 4", "\"0.25\"");
    check("-7 % 3", "\"-1\"");
    check("(1 + 2) * -3", "\"-9\"");
    check("2756286207594856469 + 1", "\"2756286207594856470\"");
    check("ROUND({{price}}, 1)", "\"29.9\"");
    check("ROUND(-2.5)", "\"-3\"");
    check("ROUND(1250, -2)", "\"1300\"");
    check("CEIL(-1.5)", "\"-1\"");
    check("FLOOR(-1.5)", "\"-2\"");
    check("ABS(-1.50)", "\"1.50\"");
    check("{{empty}} + 1", "(empty)");
    check("IFNULL({{empty}}, 0) + 1", "\"1\"");
}

#[test]
fn what_has_no_value_rejects_the_record() {
    check(
        "{{qty}} / {{zero}}",
        "division by zero, at character 9 of the expression",
    );
    check(
        "{{qty}} % 0",
        "division by zero, at character 9 of the expression",
    );
    check(
        "{{qty}} * {{no}}",
        "the text `XS-001` was found where a number was expected, at character 11 of the expression",
    );
    check(
        "{{qty}} > '{{no}}'",
        "the number `3` cannot be compared with the text `XS-001`, at character 9 of the expression",
    );
    check(
        "case when {{no}} then 1 end",
        "the text `XS-001` was found where a condition was expected, at character 11 of the expression",
    );
    check(
        "99999999999999999999999999999999999999 * 99",
        "the result has more than 38 digits, at character 40 of the expression",
    );
    check(
        "DATE_FORMAT('{{no}}', '%Y')",
        "`XS-001` is no date or time, at character 1 of the expression",
    );
    check(
        "LEFT('{{no}}', 1.5)",
        "the number `1.5` is no whole number, at character 1 of the expression",
    );
}

#[test]
fn values_are_never_part_of_the_text() {
    check(
        "case when LOCATE('end', '{{remark}}') > 0 then 'x' else '' end",
        "\"x\"",
    );
    check("'{{remark}}'", r#""it's '' \"q\" end) --""#);
    check(
        "CONCAT('[', '{{remark}}', ']')",
        r#""[it's '' \"q\" end) --]""#,
    );
    check(r#"'it''s' = "it's""#, "true");
    check(r"'a\'b'", "\"a'b\"");
    check("'pre {{no}} post'", "\"pre XS-001 post\"");
}

#[test]
fn logic_has_three_values() {
    check("{{empty}} = 1", "(empty)");
    check("{{empty}} is null", "true");
    check("{{qty}} is not null", "true");
    check("{{empty}} = 1 or true", "true");
    check("{{empty}} = 1 and false", "false");
    check("not ({{empty}} = 1)", "(empty)");
    check("case when {{empty}} = 1 then 'a' else 'b' end", "\"b\"");
    check("{{qty}} in (1, 2, 3.0)", "true");
    check("{{qty}} not in (1, 2)", "true");
    check("'{{no}}' like 'XS-%'", "true");
    check("'{{no}}' not like 'XS_00'", "true");
    check(r"'50%' like '50\%'", "true");
    check("{{qty}} between 1 and 3", "true");
    check("{{flag}} = true && {{flag}} = 1", "true");
    check("case '{{flag}}' when true then 'yes' end", "\"yes\"");
    check("NULLIF({{qty}}, 3)", "(empty)");
}

#[test]
fn texts_are_cut_by_characters() {
    check("LEFT('{{no}}', 2)", "\"XS\"");
    check(
        "CASE LEFT('{{no}}', 2) WHEN 'XS' THEN 'sale' END",
        "\"sale\"",
    );
    check("RIGHT('{{cn}}', 2)", "\"检查\"");
    check("SUBSTRING('{{cn}}', 2, 2)", "\"细检\"");
    check("SUBSTRING('{{no}}', -3)", "\"001\"");
    check("SUBSTRING('{{no}}', 0, 2)", "(empty)");
    check("LOCATE('检', '{{cn}}')", "\"3\"");
    check("LOCATE('0', '{{no}}', 5)", "\"5\"");
    check(
        "CASE LOCATE('nothing','{{cn}}') WHEN 0 THEN 'none' END",
        "\"none\"",
    );
    check("LENGTH('{{cn}}')", "\"12\"");
    check("CHAR_LENGTH('{{cn}}')", "\"4\"");
    check("REPLACE('{{no}}', '-', '')", "\"XS001\"");
    check("UPPER(TRIM(' ab '))", "\"AB\"");
    check("LOWER('{{no}}')", "\"xs-001\"");
    check("COALESCE({{empty}}, null, '{{no}}')", "\"XS-001\"");
    check("IF({{qty}} > 2, 'many', 'few')", "\"many\"");
}

#[test]
fn dates_keep_china_time() {
    check(
        "FROM_UNIXTIME({{unix}}-600,'%Y-%m-%d %H:%i:%s')",
        "\"2022-10-12 13:30:00\"",
    );
    check("FROM_UNIXTIME({{unix}})", "\"2022-10-12 13:40:00\"");
    check("UNIX_TIMESTAMP('{{time}}')", "\"1665553205\"");
    check(
        "DATE_FORMAT('{{time}}', '%Y/%m/%d %T')",
        "\"2022/10/12 13:40:05\"",
    );
    check("DATE_ADD('{{day}}', INTERVAL 1 MONTH)", "\"2022-02-28\"");
    check(
        "DATE_SUB('{{day}}', INTERVAL 1 HOUR)",
        "\"2022-01-30 23:00:00\"",
    );
    check(
        "DATE_ADD('{{time}}', INTERVAL -1 DAY)",
        "\"2022-10-11 13:40:05\"",
    );
    check(
        "DATE_FORMAT(LAST_DAY(DATE_SUB('{{time}}', INTERVAL 8 MONTH)),'%Y-%m-%d')",
        "\"2022-02-28\"",
    );
    check("DATE_ADD('2023-12-31', INTERVAL 2 MONTH)", "\"2024-02-29\"");
    check(
        "DATE_FORMAT('{{day}}', '%Q')",
        "unknown date letter `%Q`, at character 1 of the expression",
    );
}

#[test]
fn lists_are_summed() {
    check("SUM({{l.q}})", "\"3.5000\"");
    check("SUM({{l.q}} * {{qty}})", "\"10.5000\"");
    check("AVG({{l.p}})", "\"1.75\"");
    check("COUNT({{l.p}})", "\"2\"");
    check("MAX({{l.q}})", "\"2.0000\"");
    check("MIN({{l.q}})", "\"0.5\"");
    check("MAX('{{l.s}}')", "\"b\"");
    check("SUM({{l.gone}})", "(empty)");
    check("{{l.q}} / SUM({{l.q}})", "\"0.5714285714\"");
    check(
        "SUM({{l.s}})",
        "the text `a` was found where a number was expected, at character 5 of the expression",
    );
}

#[test]
fn what_is_not_understood_is_refused() {
    check(
        "DATEFORMAT({{unix}})",
        "unknown function `DATEFORMAT`, at character 1 of the expression (Some(\"did you mean `DATE_FORMAT`?\"))",
    );
    check(
        "CONCATT('a')",
        "unknown function `CONCATT`, at character 1 of the expression (Some(\"did you mean `CONCAT`?\"))",
    );
    check(
        "LEFT('a')",
        "`LEFT` was given 1 arguments, expected 2, at character 1 of the expression (None)",
    );
    check(
        "1 +",
        "found the end, expected a value, at character 4 of the expression (None)",
    );
    check(
        "{{qty}} === 1",
        "`==` and `===` are not MySQL, at character 9 of the expression (Some(\"write `=`\"))",
    );
    check(
        "{{qty}} ? 1 : 2",
        "`?` has no meaning in an expression, at character 9 of the expression (Some(\"`a ? b : c` is not MySQL; write `case when a then b else c end`\"))",
    );
    check(
        "items.qty * 2",
        "the bare name `items.qty` has no meaning, at character 1 of the expression (Some(\"write a field as `{{items.qty}}` and a text in quotes\"))",
    );
    check(
        "SUM({{qty}})",
        "this needs a field of a list, at character 1 of the expression (Some(\"write `SUM({{details_list.goods_count}})`\"))",
    );
    check(
        "NOW()",
        "`NOW` would give another result when a record is sent again, at character 1 of the expression (Some(\"use a time of the record\"))",
    );
    check(
        "'abc",
        "the text that begins with ' has no end, at character 1 of the expression (Some(\"close the quotes\"))",
    );
    check(
        "case 1 when 1 then 2",
        "found the end, expected `when`, `else` or `end`, at character 21 of the expression (None)",
    );
    check(
        &"(".repeat(200),
        "more than 48 levels deep, at character 49 of the expression (None)",
    );
}

#[test]
fn functions_that_schemes_use_beside_the_documented_ones() {
    check("FORMAT(-1234567.5, 2)", "\"-1,234,567.50\"");
    check("FORMAT(999.999, 2)", "\"1,000.00\"");
    check("TRUNCATE({{price}}, 1)", "\"29.8\"");
    check("TRUNCATE(-1299, -2)", "\"-1200\"");
    check("CONCAT_WS('-', '{{no}}', null, {{qty}})", "\"XS-001-3\"");
    check("LPAD({{qty}}, 4, '0')", "\"0003\"");
    check("RPAD('abc', 2, '0')", "\"ab\"");
    check("SUBSTRING_INDEX('a,b,c', ',', 2)", "\"a,b\"");
    check("SUBSTRING_INDEX('a,b,c', ',', -2)", "\"b,c\"");
    check("INSTR('{{cn}}', '检查')", "\"3\"");
    check("DATE('{{time}}')", "\"2022-10-12\"");
    check("YEAR('{{time}}') * 100 + MONTH('{{time}}')", "\"202210\"");
}
