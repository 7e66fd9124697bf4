//! Spans in the protobuf form of OTLP 1.x, as `trace.proto`, `common.proto`
//! and `resource.proto` of opentelemetry-proto number their fields: what is
//! used of them here. Generated code would bring a compiler of macros along
//! that changes how the sandbox is built.

#[cfg(test)]
mod tests;

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{SpanId, SpanKind, Status};
use opentelemetry::{Key, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;

const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const LENGTH: u64 = 2;

/// A message in the making. Fields whose value is the default are left out by
/// whoever calls, where the form leaves them out.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn raw(&mut self, mut value: u64) {
        while value >= 0x80 {
            // The low seven bits, and that more follow.
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn number(&mut self, field: u64, value: u64) {
        self.raw(field << 3 | VARINT);
        self.raw(value);
    }

    fn fixed(&mut self, field: u64, bytes: [u8; 8]) {
        self.raw(field << 3 | FIXED64);
        self.0.extend_from_slice(&bytes);
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.raw(field << 3 | LENGTH);
        self.raw(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn message(&mut self, field: u64, fill: impl FnOnce(&mut Message)) {
        let mut inner = Message::default();
        fill(&mut inner);
        self.bytes(field, &inner.0);
    }
}

/// `ExportTraceServiceRequest`: all of one resource and one scope.
pub(crate) fn request(resource: &Resource, batch: &[SpanData]) -> Vec<u8> {
    let mut request = Message::default();
    request.message(1, |spans| {
        spans.message(1, |message| {
            resource
                .iter()
                .for_each(|(key, value)| attribute(message, 1, key, value));
        });
        spans.message(2, |scope| {
            scope.message(1, |name| name.bytes(1, b"duijie"));
            batch
                .iter()
                .for_each(|one| scope.message(2, |message| span(message, one)));
        });
    });
    request.0
}

fn span(message: &mut Message, span: &SpanData) {
    message.bytes(1, &span.span_context.trace_id().to_bytes());
    message.bytes(2, &span.span_context.span_id().to_bytes());
    if span.parent_span_id != SpanId::INVALID {
        message.bytes(4, &span.parent_span_id.to_bytes());
    }
    message.bytes(5, span.name.as_bytes());
    let kind = match span.span_kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    };
    message.number(6, kind);
    message.fixed(7, nanoseconds(span.start_time));
    message.fixed(8, nanoseconds(span.end_time));
    for pair in &span.attributes {
        attribute(message, 9, &pair.key, &pair.value);
    }
    if let Status::Error { description } = &span.status {
        message.message(15, |status| {
            status.bytes(2, description.as_bytes());
            status.number(3, 2);
        });
    }
}

fn nanoseconds(at: SystemTime) -> [u8; 8] {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos())
        .unwrap_or(u64::MAX)
        .to_le_bytes()
}

/// `KeyValue`. No span has a list of values.
fn attribute(message: &mut Message, field: u64, key: &Key, value: &Value) {
    message.message(field, |pair| {
        pair.bytes(1, key.as_str().as_bytes());
        pair.message(2, |any| match value {
            Value::Bool(value) => any.number(2, u64::from(*value)),
            Value::I64(value) => any.number(3, value.cast_unsigned()),
            Value::F64(value) => any.fixed(4, value.to_le_bytes()),
            other => any.bytes(1, other.as_str().as_bytes()),
        });
    });
}
