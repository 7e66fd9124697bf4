//! Forms of values: functions as pipes, dates as systems write them.

use super::mapped;

#[test]
fn a_function_is_a_pipe_of_its_first_argument() {
    let rule = |value: &str| {
        let rule = serde_json::json!({"field": "o", "type": "string", "value": value});
        serde_json::json!({"rules": [rule]}).to_string()
    };
    let record = r#"{"t":"2022-10-12 13:40:05","n":"1234567.895","s":"仔细检查,好","e":""}"#;
    for (value, expected) in [
        ("{{t|date_format('%m-%d %H:%i')}}", "10-12 13:40"),
        ("￥{{n|format(2)}}", "￥1,234,567.90"),
        ("{{n|truncate(0)}}/{{n|round(1)}}", "1234567/1234567.9"),
        ("{{s|left(2)}}-{{s|substring_index(',', -1)}}", "仔细-好"),
        ("{{t|date|replace('-', '')}}", "20221012"),
        ("{{e|left(2)}}.{{s|length}}", ".16"),
    ] {
        let expected = format!("{{\"o\":\"{expected}\"}}");
        assert_eq!(mapped(&rule(value), record), expected, "{value}");
    }
    assert_eq!(
        mapped(&rule("{{s|round(2)}}"), record),
        "map.expression: `o`: `{{s|round(2)}}`: the text `仔细检查,好` is no number"
    );
}

#[test]
fn dates_are_read_as_systems_write_them() {
    let settings = r#"{"rules":[{"field":"o","type":"datetime","value":"{{t}}"}]}"#;
    for (text, expected) in [
        ("20251009", "2025-10-09 00:00:00"),
        ("20251009134005", "2025-10-09 13:40:05"),
        ("2025-10-09T13:40:05", "2025-10-09 13:40:05"),
        ("2025-10-09T05:40:05Z", "2025-10-09 13:40:05"),
        ("2025-10-09T05:40:05.250+00:00", "2025-10-09 13:40:05"),
        ("2025-10-09T01:40:05-0400", "2025-10-09 13:40:05"),
    ] {
        let record = serde_json::json!({"t": text}).to_string();
        assert_eq!(
            mapped(settings, &record),
            format!("{{\"o\":\"{expected}\"}}"),
            "{text}"
        );
    }
    for text in [
        "20251340",
        "12345678",
        "20251009250000",
        "2025-10-09T13:40:05+8",
    ] {
        let record = serde_json::json!({"t": text}).to_string();
        assert!(
            mapped(settings, &record).starts_with("map.date: "),
            "{text}"
        );
    }
}
