//! Spans of runs to a collector that speaks OTLP. It says how they get there;
//! which there are, and what is in them, is said where they are made.

mod encode;
mod exporter;

use std::time::Duration;

use duijie_component::{Endpoint, Outbound, SPANS, Unsent};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider,
};
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::registry::LookupSpan;

use exporter::Exporter;

/// Spans that wait; more than these are lost, and no run waits for them.
const MOST_WAITING: usize = 4096;
const MOST_AT_ONCE: usize = 512;
/// How long a span waits for others, at most.
const EVERY: Duration = Duration::from_secs(5);
/// For those that wait at the end.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What takes spans to their collector.
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// `endpoint` is the collector's address, as `place` has it, without
    /// `/v1/traces`. Needs the runtime that is to send.
    pub fn to(place: &str, endpoint: &str) -> Result<Self, Unsent> {
        let address = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        let endpoint: Endpoint = Outbound::new().endpoint(place, &address)?;
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(MOST_WAITING)
            .with_max_export_batch_size(MOST_AT_ONCE)
            .with_scheduled_delay(EVERY)
            .build();
        let processor = BatchSpanProcessor::builder(Exporter::new(endpoint))
            .with_batch_config(config)
            .build();
        let service = Resource::builder_empty().with_service_name("duijie");
        let provider = SdkTracerProvider::builder()
            .with_resource(service.build())
            .with_sampler(Sampler::AlwaysOn)
            .with_span_processor(processor)
            .build();
        Ok(Self(provider))
    }

    /// Collects the spans that are meant to be, and nothing that is logged.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let meant = FilterFn::new(|metadata| metadata.is_span() && metadata.target() == SPANS);
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("duijie"))
            .with_context_activation(false)
            .with_level(false)
            .with_location(false)
            .with_target(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(meant.with_max_level_hint(LevelFilter::TRACE))
    }

    /// Sends what waits, as far as there is time for it.
    pub async fn close(self) {
        let (say, said) = tokio::sync::oneshot::channel();
        // Its own thread: the runtime would wait for one of its pool.
        std::thread::spawn(move || {
            let ended = self.0.shutdown_with_timeout(LAST_WORDS);
            say.send(ended).ok();
        });
        let said = tokio::time::timeout(LAST_WORDS, said).await;
        if !matches!(said, Ok(Ok(Ok(())))) {
            tracing::warn!("the last spans were not sent");
        }
    }
}
