//! A collector of spans, as a server: it reads what it is sent with the code that is generated from OTLP's own
//! description, which the host does not use.

use crate::command::LONG;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1;
use prost::Message as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};

/// It listens until the process ends.
pub struct Collector {
    address: String,
    sent: Receiver<Vec<u8>>,
}

/// A span that was collected.
#[derive(Debug, Clone)]
pub struct Span {
    pub trace: Vec<u8>,
    pub id: Vec<u8>,
    /// Empty for one that is below nothing.
    pub parent: Vec<u8>,
    pub name: String,
    pub begun: u64,
    pub ended: u64,
    /// What kind of error it ended with, where it did.
    pub failure: Option<String>,
    attributes: Vec<(String, Value)>,
}

impl Span {
    pub fn text(&self, key: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find_map(|(name, value)| match value {
                Value::StringValue(text) if name == key => Some(text.as_str()),
                _ => None,
            })
    }

    #[track_caller]
    pub fn number(&self, key: &str) -> i64 {
        let mut numbers = self
            .attributes
            .iter()
            .filter(|(name, _)| name == key)
            .map(|(_, value)| value);
        match (numbers.next(), numbers.next()) {
            (Some(Value::IntValue(number)), None) => *number,
            other => panic!("`{key}` is {other:?}: {self:?}"),
        }
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.attributes.iter().map(|(name, _)| name.as_str())
    }
}

impl Collector {
    pub fn start() -> Self {
        Self::of(true)
    }

    /// One that takes what it is sent, and says nothing.
    pub fn silent() -> Self {
        Self::of(false)
    }

    fn of(answers: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (say, sent) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, say) = (stream.unwrap(), say.clone());
                std::thread::spawn(move || serve(&stream, answers, &say));
            }
        });
        Self { address, sent }
    }

    /// As `serve.yaml` names it.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until something was sent.
    #[track_caller]
    pub fn wait(&self) {
        self.sent.recv_timeout(LONG).unwrap();
    }

    /// All that has come: as spans, and as bytes.
    pub fn collected(&self) -> (Vec<Span>, Vec<u8>) {
        let bodies: Vec<Vec<u8>> = self.sent.try_iter().collect();
        let requests = bodies
            .iter()
            .map(|body| ExportTraceServiceRequest::decode(body.as_slice()).unwrap());
        let spans = requests
            .flat_map(|request| request.resource_spans)
            .flat_map(|whole| whole.scope_spans)
            .flat_map(|scope| scope.spans);
        (spans.map(span).collect(), bodies.concat())
    }
}

fn span(span: v1::Span) -> Span {
    let pairs = span.attributes.into_iter();
    let value = |pair: &opentelemetry_proto::tonic::common::v1::KeyValue| {
        pair.value.clone().and_then(|value| value.value)
    };
    Span {
        trace: span.trace_id,
        id: span.span_id,
        parent: span.parent_span_id,
        name: span.name,
        begun: span.start_time_unix_nano,
        ended: span.end_time_unix_nano,
        failure: span
            .status
            .filter(|status| status.code == 2)
            .map(|status| status.message),
        attributes: pairs
            .map(|pair| (pair.key.clone(), value(&pair).unwrap()))
            .collect(),
    }
}

/// One connection, request after request.
fn serve(mut stream: &TcpStream, answers: bool, say: &Sender<Vec<u8>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or_default() == 0 {
                return;
            }
        }
        assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
        let head = head.to_lowercase();
        assert!(
            head.contains("content-type: application/x-protobuf\r\n"),
            "{head}"
        );
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        // The test may be over.
        say.send(body).ok();
        if answers {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                .unwrap();
        }
    }
}
