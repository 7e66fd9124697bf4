//! Leases: how many, in which order, and what is kept between them.

use futures_util::FutureExt;

use super::Sessions;
use crate::capability::secret::Secret;

fn secret(value: &str) -> Secret {
    Secret::new(value.to_owned())
}

#[tokio::test]
async fn values_outlive_the_lease() {
    let pool = Sessions::default().pool("erp", 2);
    let mut lease = pool.lease().await;
    assert!(lease.held().is_empty());
    lease.keep("sid".to_owned(), secret("abcd"));
    drop(lease);
    let lease = pool.lease().await;
    assert_eq!(lease.held(), ["sid"]);
    assert_eq!(lease.values()["sid"].expose(), "abcd");
    let other = pool.lease().await;
    assert!(other.held().is_empty());
}

#[tokio::test]
async fn a_lease_waits_for_a_free_session_in_turn() {
    let pool = Sessions::default().pool("erp", 1);
    let lease = pool.lease().await;
    let mut first = Box::pin(pool.lease());
    let mut second = Box::pin(pool.lease());
    assert!((&mut first).now_or_never().is_none());
    assert!((&mut second).now_or_never().is_none());
    drop(lease);
    assert!((&mut second).now_or_never().is_none());
    let first = (&mut first).now_or_never().unwrap();
    assert!((&mut second).now_or_never().is_none());
    drop(first);
    assert!((&mut second).now_or_never().is_some());
}

#[tokio::test]
async fn the_next_in_turn_gets_what_was_given_back() {
    let pool = Sessions::default().pool("erp", 1);
    let mut lease = pool.lease().await;
    let waiting = tokio::spawn({
        let pool = pool.clone();
        async move { pool.lease().await.held() }
    });
    tokio::task::yield_now().await;
    lease.keep("sid".to_owned(), secret("abcd"));
    drop(lease);
    assert_eq!(waiting.await.unwrap(), ["sid"]);
}

#[tokio::test]
async fn what_was_forgotten_does_not_come_back() {
    let pool = Sessions::default().pool("erp", 1);
    let mut lease = pool.lease().await;
    lease.keep("sid".to_owned(), secret("abcd"));
    lease.forget();
    drop(lease);
    assert!(pool.lease().await.held().is_empty());
}

#[tokio::test]
async fn connections_share_nothing_and_keep_their_pool() {
    let sessions = Sessions::default();
    let mut lease = sessions.pool("erp", 1).lease().await;
    lease.keep("sid".to_owned(), secret("abcd"));
    drop(lease);
    assert!(sessions.pool("shop", 1).lease().await.held().is_empty());
    assert_eq!(sessions.pool("erp", 1).lease().await.held(), ["sid"]);
}

#[tokio::test]
async fn a_lease_does_not_print_its_values() {
    let mut lease = Sessions::default().pool("erp", 1).lease().await;
    lease.keep("sid".to_owned(), secret("abcd"));
    let shown = format!("{lease:?}");
    assert!(shown.contains("***") && !shown.contains("abcd"), "{shown}");
}
