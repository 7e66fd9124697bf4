//! The table against the counts of the vendor's documents.

use std::collections::BTreeSet;

use super::{Dates, GIVEN, Operation, Query, RESPONSES, Reads, SENT, Write, operations};

/// Rows that the documents print twice, and rows that the table has for lists
/// of which the documents print the lines only.
const PRINTED_TWICE: [(&str, &str); 2] = [
    ("saveGoodsDeposit", "from_details"),
    ("getDmsPurchaseOrderInfos", "prods"),
];
const NOT_PRINTED: [(&str, &str); 6] = [
    ("getDmsPurchaseOrderInfos", "usedAmountPools"),
    ("getDmsBackOrderInfos", "exts"),
    ("getReceivableInfos", "details"),
    ("getReceivableBackInfos", "details"),
    ("queryOrder", "products"),
    ("queryOrder", "ext_infos"),
];

/// Paths of one operation's fields, in the order of the table.
fn fields<'t>(table: &'t str, operation: &str) -> Vec<&'t str> {
    table
        .lines()
        .skip_while(|line| line.split('\t').next() != Some(&format!("#{operation}")))
        .skip(1)
        .take_while(|line| !line.starts_with('#'))
        .filter(|line| !line.starts_with('|'))
        .map(|line| line.split('\t').next().unwrap())
        .collect()
}

/// Rows that the documents print.
fn printed(table: &str, operation: &str, is_request: bool) -> usize {
    let is_query = Query::by_name(operation).is_some();
    let of = |list: &[(&str, &str)]| list.iter().filter(|row| row.0 == operation).count();
    let found = fields(table, operation);
    let twice = if is_request == is_query {
        0
    } else {
        of(&PRINTED_TWICE)
    };
    let added = if is_request { 0 } else { of(&NOT_PRINTED) };
    found.len() + twice - added
}

#[test]
fn the_table_has_every_row_of_the_documents() {
    let mut requests = 0;
    let mut responses = 0;
    let mut counts = Vec::new();
    for Operation { name, .. } in operations() {
        let request = printed(super::REQUESTS, name, true);
        let response = printed(RESPONSES, name, false);
        requests += request;
        responses += response;
        counts.push(format!("{name} {request} {response}"));
    }
    assert_eq!((counts.len(), requests, responses), (39, 471, 1051));
    assert_eq!(
        counts.join(", "),
        "addSent 52 3, addPurchase 36 62, stopPurchaseSentOrder 2 3, receiveCustomerWithBalance 3 3, \
         getDmsPurchaseOrderInfos 16 107, getDmsSalesOrderInfos 17 98, getDmsOrderSentInfos 11 75, \
         getDmsOrderSignInfos 12 93, queryDmsInventory 8 40, queryCarDistributeOrder 8 66, \
         queryStock 5 14, getDmsBackOrderInfos 11 104, queryCouponDetail 7 28, addCoupon 14 2, \
         approvalCoupon 3 3, convertOrderStatus 4 3, addCmQuota 31 1, modifyCmQuota 6 3, \
         queryCmQuota 6 16, queryCmQuotaByPds 6 16, queryCmQuotaByGroup 6 22, car 6 13, \
         requisition 6 37, carsales 6 45, carstock 6 16, thirdSignNum 5 3, returnOrder 34 3, \
         newShouHuo 15 3, queryDmsCarInventory 8 35, autoSignFromSentNo 1 4, modifyUseDefinedVal 9 4, \
         addSentWaybilllogs 10 4, savePreDeposit 14 4, saveGoodsDeposit 22 4, getReceivableInfos 8 36, \
         backPreDeposit 14 4, backGoodsDeposit 20 4, getReceivableBackInfos 8 35, queryOrder 15 35"
    );
    assert_eq!((Query::all().count(), Write::all().count()), (20, 19));
}

#[test]
fn the_tables_are_well_formed() {
    assert_eq!(SENT.problems(), [""; 0]);
    assert_eq!(GIVEN.problems(), [""; 0]);
}

#[test]
fn no_field_stands_twice_and_every_line_has_its_list() {
    for table in [super::REQUESTS, RESPONSES] {
        for Operation { name, .. } in operations() {
            let mut seen = BTreeSet::new();
            for path in fields(table, name) {
                assert!(seen.insert(path), "{name} {path}");
                if let Some((list, _)) = path.rsplit_once('.') {
                    assert!(seen.contains(list), "{name} {path}");
                }
            }
        }
    }
}

#[test]
fn keys_versions_and_numbers_are_fields_of_their_operations() {
    for query in Query::all() {
        let known = fields(RESPONSES, query.operation.name);
        for name in query.key.split(',').chain([query.version]) {
            assert!(name.is_empty() || known.contains(&name), "{query:?}");
        }
        assert_eq!(query.reads == Reads::Whole, query.dates == Dates::None);
        let parameters = fields(super::REQUESTS, query.operation.name);
        let pages = [Some(query.page_name), query.size_name];
        for name in pages.into_iter().flatten().chain(query.dates.names()) {
            assert!(parameters.contains(&name), "{query:?} {name}");
        }
        let others = 1 + usize::from(query.size_name.is_some()) + query.dates.names().count();
        assert_eq!(
            query.filters().count(),
            parameters.len() - others,
            "{query:?}"
        );
    }
    for write in Write::all() {
        let known = fields(super::REQUESTS, write.operation.name);
        let inside = |name: &str| match write.list {
            "" => name.to_owned(),
            list => format!("{list}.{name}"),
        };
        for name in [write.key, write.same] {
            assert!(
                name.is_empty() || known.contains(&inside(name).as_str()),
                "{write:?}"
            );
        }
        if let Some(finder) = write.finder() {
            let found = fields(RESPONSES, finder.query.operation.name);
            assert!(found.contains(&finder.number), "{write:?}");
            let filters: Vec<_> = finder.query.filters().collect();
            assert!(
                finder.filter.is_none_or(|filter| filters.contains(&filter)),
                "{write:?}"
            );
        }
    }
}
