//! Documents that come, change and go while they are read, in any order of the
//! pages, under faults and stops.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::played::{Event, Order};
use super::{Host, ORDERS, at, check, played, reader};

fn events() -> impl Strategy<Value = BTreeMap<usize, Event>> {
    let event = prop_oneof![
        Just(Event::Arrives),
        (0_usize..60).prop_map(Event::Changes),
        (0_usize..60).prop_map(Event::Goes),
    ];
    prop::collection::btree_map(0_usize..120, event, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// Documents that come, change and go, in any order of the pages; faults
    /// and runs stopped anywhere: what was read last is what there is.
    #[test]
    fn what_is_read_is_what_there_is(
        created in prop::collection::vec(0_i64..3 * 86_400, 0..60),
        events in events(),
        fails in prop::collection::btree_set(0_usize..60, 0..6),
        size in prop_oneof![1_u32..8, Just(1000)],
        order in prop_oneof![
            Just(Order::Oldest), Just(Order::Newest),
            Just(Order::LeastChanged), Just(Order::LastChanged),
        ],
        bounds_count: bool,
        stop_after in 1_usize..12,
        collection in prop_oneof![Just(ORDERS), Just("carstock"), Just("car")],
    ) {
        let played = played(at(3 * 86_400 + 60), created.into_iter().map(at));
        played.order.set(order);
        played.bounds_count.set(bounds_count);
        *played.events.borrow_mut() = events;
        *played.fails.borrow_mut() = fails;
        let pipeline = json!({ "start_time": "2025-10-01", "page_size": size, "window": "1d" });
        let mut host = Host::default();
        for _ in 0..3 {
            let mut reader = reader(&played, collection, &pipeline, host.position.clone().as_deref());
            for _ in 0..stop_after {
                match reader.next() {
                    Ok(Some(batch)) => host.take(batch),
                    Ok(None) => break,
                    Err(_) => {}
                }
            }
        }
        host.run(&mut reader(&played, collection, &pipeline, host.position.clone().as_deref()));
        // Nothing happens any more; what happened last is settled.
        played.events.borrow_mut().clear();
        played.now_s.set(played.now_s.get() + 600);
        host.run(&mut reader(&played, collection, &pipeline, host.position.clone().as_deref()));
        check(&host, &played);
    }
}
