//! Names to addresses, once for each connection that is made: what was
//! checked is what is connected to. It sends nothing.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::capability::egress::{AllowList, Origin};

/// More addresses of one name are not tried.
const MOST_TRIED: usize = 16;

/// Where names are looked up; injected, so that a test's answers change.
#[async_trait]
pub(crate) trait Resolver: Send + Sync {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// As the machine does it.
pub(crate) struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// The resolver of one origin's client. The client asks it whenever it opens
/// a connection and opens it to one of the answers.
pub(super) struct Checked {
    pub(super) origin: Origin,
    pub(super) allow: Arc<AllowList>,
    pub(super) resolver: Arc<dyn Resolver>,
}

impl Resolve for Checked {
    fn resolve(&self, _: Name) -> Resolving {
        // The only name that the client is ever used for.
        let origin = self.origin.clone();
        let (allow, resolver) = (self.allow.clone(), self.resolver.clone());
        Box::pin(async move {
            let mut found = resolver.resolve(origin.host()).await?;
            found.truncate(MOST_TRIED);
            let passed = allow.pass(&origin, &found)?;
            let port = origin.port();
            let addresses = passed.into_iter();
            let addresses = addresses.map(move |address| SocketAddr::new(address, port));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}
