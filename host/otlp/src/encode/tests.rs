//! What is written is read back by the code that is generated from the form's
//! own description.

use std::time::Duration;

use opentelemetry::trace::{SpanContext, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Read;
use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};
use prost::Message as _;

use super::*;

fn data(parent: SpanId, status: Status, attributes: Vec<KeyValue>) -> SpanData {
    SpanData {
        span_context: SpanContext::new(
            TraceId::from_bytes([7; 16]),
            SpanId::from_bytes([9; 8]),
            TraceFlags::SAMPLED,
            false,
            TraceState::default(),
        ),
        parent_span_id: parent,
        parent_span_is_remote: false,
        span_kind: SpanKind::Client,
        name: "POST".into(),
        start_time: UNIX_EPOCH + Duration::from_nanos(1_763_000_000_123_456_789),
        end_time: UNIX_EPOCH + Duration::from_nanos(1_763_000_000_987_654_321),
        attributes,
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status,
        instrumentation_scope: InstrumentationScope::default(),
    }
}

fn read(batch: &[SpanData]) -> ExportTraceServiceRequest {
    let service = Resource::builder_empty().with_service_name("duijie");
    let bytes = request(&service.build(), batch);
    ExportTraceServiceRequest::decode(bytes.as_slice()).unwrap()
}

#[test]
fn a_span_is_read_back_as_it_was() {
    let attributes = vec![
        KeyValue::new("text", "词 ".repeat(100)),
        KeyValue::new("least", i64::MIN),
        KeyValue::new("most", i64::MAX),
        KeyValue::new("none", 0),
        KeyValue::new("part", 0.5),
        KeyValue::new("sure", true),
    ];
    let failed = Status::error("rate-limited");
    let found = read(&[
        data(SpanId::from_bytes([1; 8]), failed, attributes),
        data(SpanId::INVALID, Status::Unset, Vec::new()),
    ]);
    let whole = &found.resource_spans[0];
    let name = &whole.resource.as_ref().unwrap().attributes[0];
    assert_eq!(name.key, "service.name");
    let scope = &whole.scope_spans[0];
    assert_eq!(scope.scope.as_ref().unwrap().name, "duijie");
    let [child, root] = scope.spans.as_slice() else {
        panic!("{scope:?}");
    };
    assert_eq!(
        (&child.trace_id[..], &child.span_id[..]),
        (&[7; 16][..], &[9; 8][..])
    );
    assert_eq!(child.parent_span_id, [1; 8]);
    assert_eq!((child.name.as_str(), child.kind), ("POST", 3));
    assert_eq!(child.start_time_unix_nano, 1_763_000_000_123_456_789);
    assert_eq!(child.end_time_unix_nano, 1_763_000_000_987_654_321);
    let values = child.attributes.iter().map(|pair| {
        let value = pair.value.as_ref().unwrap().value.clone().unwrap();
        (pair.key.as_str(), value)
    });
    let expected = [
        ("text", Read::StringValue("词 ".repeat(100))),
        ("least", Read::IntValue(i64::MIN)),
        ("most", Read::IntValue(i64::MAX)),
        ("none", Read::IntValue(0)),
        ("part", Read::DoubleValue(0.5)),
        ("sure", Read::BoolValue(true)),
    ];
    assert_eq!(values.collect::<Vec<_>>(), expected);
    let status = child.status.as_ref().unwrap();
    assert_eq!((status.code, status.message.as_str()), (2, "rate-limited"));
    assert!(root.parent_span_id.is_empty());
    assert_eq!(root.status, None);
}
