//! The yardstick: the job of the example pipeline as a careful engineer would
//! write it by hand for this one pair of systems. Typed structs, pages read
//! ahead, several writers. It keeps no state and promises nothing after a
//! crash; it shares no code with the platform.

mod document;
mod kingdee;
mod order;
mod wangdiantong;

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Read from the environment, so that the driver can hand it to any language.
struct Job {
    start: String,
    end: String,
    pages: usize,
    writers: usize,
    page_size: usize,
}

fn variable(name: &str) -> Result<String, Failure> {
    std::env::var(name).map_err(|_| format!("the variable {name} is not set").into())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let job = Job {
        start: variable("BENCH_START")?,
        end: variable("BENCH_END")?,
        pages: variable("BENCH_PAGES")?.parse()?,
        writers: variable("BENCH_WRITERS")?.parse()?,
        page_size: variable("BENCH_PAGE_SIZE")?.parse()?,
    };
    let provider = rustls::crypto::ring::default_provider();
    provider
        .install_default()
        .map_err(|_| "TLS is set up already")?;
    let http = reqwest::Client::builder().no_proxy().build()?;
    let source = Arc::new(wangdiantong::Client::from_environment(http.clone())?);
    let targets = Arc::new(kingdee::Sessions::login(&http, job.writers).await?);
    let first = source.page(&job.start, &job.end, 0, job.page_size).await?;
    let total = order::total(&first)?;
    let pages = total.div_ceil(job.page_size);
    let source = &source;
    let (start, end, page_size) = (&job.start, &job.end, job.page_size);
    let written = stream::iter((0..pages).rev())
        .map(|page| async move { source.page(start, end, page, page_size).await })
        .buffered(job.pages)
        .map_ok(|page| {
            let targets = targets.clone();
            async move {
                let body = document::batch(&page)?;
                targets.save(body).await
            }
        })
        .try_buffer_unordered(job.writers)
        .try_fold(0_usize, |sum, count| async move { Ok(sum + count) })
        .await?;
    #[allow(clippy::print_stdout)]
    {
        println!("{{\"written\":{written}}}");
    }
    if written != total {
        return Err(format!("{written} of {total} documents were written").into());
    }
    Ok(())
}
