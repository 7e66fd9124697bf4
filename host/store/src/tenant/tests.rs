//! Two tenants of one store that name everything alike.

use std::sync::Arc;

use duijie_record::Scope;

use super::TenantStore;
use crate::conformance::{checkpoint, dead_letter, fill, hold, ledger_row, table_row};
use crate::{Change, Embedded, Error, Memory, Options, Store};

/// Tenants whose names begin alike, and one whose scope looks like another's.
#[allow(clippy::too_many_lines)] // One store, asked everything.
async fn check(whole: Arc<dyn Store>) {
    let tenant = |name: &str| TenantStore::new(whole.clone(), name).unwrap();
    let places = [
        ("a", "orders"),
        ("ab", "orders"),
        ("a-b", "orders"),
        ("a", "b/orders"),
        ("a", "../ab/orders"),
        ("ab", ""),
    ];
    for (number, (name, scope)) in places.iter().enumerate() {
        let store = tenant(name);
        let claim = store.claim(&Scope::from(*scope)).await.unwrap();
        let changes = vec![
            Change::Checkpoint(checkpoint(number as u64)),
            Change::Ledger(ledger_row("same", number as u64)),
            Change::Hold(hold("same", name, scope.as_bytes())),
            Change::DeadLetter(dead_letter("same", name, scope.as_bytes())),
            Change::Schedule(vec![number as u8]),
            Change::TableRow(table_row("shops", "same", name)),
            Change::Fill(fill("shops", number as u64)),
        ];
        store.commit(&claim, changes).await.unwrap();
    }
    for (number, (name, scope)) in places.iter().enumerate() {
        let store = tenant(name);
        let scope = Scope::from(*scope);
        let own: Vec<&str> = places
            .iter()
            .filter(|(of, _)| of == name)
            .map(|(_, scope)| *scope)
            .collect();
        let found = store.find("same").unwrap();
        let mut found: Vec<&str> = found.iter().map(|(scope, _)| scope.as_str()).collect();
        found.sort_unstable();
        let mut sorted = own.clone();
        sorted.sort_unstable();
        assert_eq!(found, sorted, "{name}");
        let scopes = store.scopes().unwrap();
        let scopes: Vec<&str> = scopes.iter().map(Scope::as_str).collect();
        assert_eq!(scopes, sorted, "{name}");
        let number = number as u64;
        let expected = Some(checkpoint(number));
        assert_eq!(store.checkpoint(&scope, "").unwrap(), expected, "{name}");
        assert_eq!(store.schedule(&scope).unwrap(), Some(vec![number as u8]));
        assert_eq!(store.holds(&scope).unwrap().len(), 1, "{name}");
        assert_eq!(store.dead_letters(&scope).unwrap().len(), 1, "{name}");
        let row = table_row("shops", "same", name);
        assert_eq!(store.table("shops").unwrap(), [row]);
        let fills = store.fills().unwrap();
        let told: Vec<_> = fills
            .iter()
            .map(|fill| (&*fill.table, fill.scope.as_str()))
            .collect();
        assert_eq!(told, [("shops", "wdt-shops")], "{name}");
    }
    let nobody = tenant("c");
    assert_eq!(nobody.scopes().unwrap(), []);
    assert_eq!(nobody.find("same").unwrap(), []);
    assert_eq!(nobody.fills().unwrap(), []);
    assert_eq!(nobody.table("shops").unwrap(), []);
    // Nor by a name that looks like the store's own.
    assert_eq!(nobody.table("../a/shops").unwrap(), []);
}

#[tokio::test]
async fn tenants_see_only_their_own_in_memory() {
    check(Arc::new(Memory::new())).await;
}

#[tokio::test]
async fn tenants_see_only_their_own_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path(), &Options::default()).unwrap();
    check(Arc::new(store)).await;
}

#[tokio::test]
async fn a_lost_claim_is_told_as_the_tenant_knows_it() {
    let store = TenantStore::new(Arc::new(Memory::new()), "a").unwrap();
    let scope = Scope::from("orders");
    let earlier = store.claim(&scope).await.unwrap();
    store.claim(&scope).await.unwrap();
    let refused = store.commit(&earlier, vec![]).await.unwrap_err();
    assert!(matches!(refused, Error::ClaimLost { scope, .. } if scope == "orders"));
}

#[test]
fn a_name_that_could_end_early_is_no_tenant() {
    for name in ["", "/", "a/b", "a/"] {
        assert!(TenantStore::new(Arc::new(Memory::new()), name).is_none());
    }
}
