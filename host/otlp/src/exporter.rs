//! Batches of spans out of the process. It is called on a thread of its own
//! and sends on the runtime, one batch at a time and each once.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use duijie_component::Endpoint;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tokio::runtime::Handle;

use crate::encode;

pub(crate) struct Exporter {
    endpoint: Arc<Endpoint>,
    runtime: Handle,
    resource: Resource,
    /// Whether the last batch was taken, so that a collector which is away is
    /// told of once.
    taken: AtomicBool,
}

impl fmt::Debug for Exporter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Exporter")
    }
}

impl Exporter {
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint: Arc::new(endpoint),
            runtime: Handle::current(),
            resource: Resource::builder_empty().build(),
            taken: AtomicBool::new(true),
        }
    }

    async fn send(&self, body: Bytes) -> Result<(), String> {
        let endpoint = self.endpoint.clone();
        let sending = async move { endpoint.post("application/x-protobuf", body).await };
        let posted = self.runtime.spawn(sending).await;
        let posted = posted.map_err(|error| error.to_string())?;
        match posted.map_err(|error| error.to_string())?.status {
            200..=299 => Ok(()),
            status => Err(format!("it answered {status}")),
        }
    }
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let body = Bytes::from(encode::request(&self.resource, &batch));
        let sent = self.send(body).await;
        let before = self.taken.swap(sent.is_ok(), Ordering::Relaxed);
        sent.map_err(|reason| {
            if before {
                tracing::warn!(reason, "spans are lost: their collector did not take them");
            }
            OTelSdkError::InternalFailure(reason)
        })
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.clone();
    }
}
