//! The fields of what is read and pushed, as far as the vendor's documents name
//! them. A push of 旗舰版 has fields of its own, under its method's name.

use duijie_sdk::catalogue::Catalogue;
use duijie_sdk::discovery;

pub(crate) const CATALOGUE: Catalogue<'static> = Catalogue::new(include_str!("../fields.tsv"));

/// Queries that show the documents of another.
const LIKE: [(&str, &str); 3] = [
    (
        "stockout_order_query_trade_batch",
        "stockout_order_query_trade",
    ),
    (
        "his_stockout_order_query_trade",
        "stockout_order_query_trade",
    ),
    (
        "stockout_order_query_trade_cancel",
        "stockout_order_query_trade",
    ),
];

pub(crate) fn of(collection: &str) -> Result<discovery::Fields, String> {
    let alike = LIKE.iter().find(|(name, _)| *name == collection);
    let name = alike.map_or(collection, |(_, name)| name);
    match CATALOGUE.collection(name) {
        Some(found) => Ok(found.discovery()),
        None => Err(format!("nothing is known of the fields of `{collection}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::{CATALOGUE, of};
    use crate::collection::Collection;
    use crate::push::Push;

    #[test]
    fn every_collection_has_fields_and_the_text_is_sound() {
        assert_eq!(CATALOGUE.problems(), Vec::<String>::new());
        let queries = Collection::all().map(|collection| collection.name);
        for name in queries.chain(Push::all().map(|push| push.name)) {
            assert!(
                of(name).is_ok_and(|found| !found.fields.is_empty()),
                "{name}"
            );
        }
        assert!(of("none").is_err());
    }
}
