//! Windows hold every second, whichever way their bounds are meant.

use duijie_sdk::time;
use proptest::prelude::*;

use super::{DAY_S, Span, Stamp, midnight};

proptest! {
    #[test]
    fn windows_leave_no_second_out(
        start in 0_i64..40 * DAY_S,
        length in 1_i64..100 * DAY_S,
        window in 1_i64..40,
        exact: bool,
    ) {
        let start = time::parse("2025-10-01").unwrap() + start;
        let until = start + length;
        let mut from = start;
        // Both the first and the last day of a window may not count.
        let mut covered = start;
        loop {
            let (span, next, last) = Span::after(from, until, window * DAY_S, exact);
            let (first, end) = match span {
                Span::Days { from, to } => (midnight(from), midnight(to)),
                Span::After { from_s } => (from_s + 1, i64::MAX),
                Span::Whole => panic!("not asked for"),
            };
            prop_assert!(first <= covered && end > first);
            covered = end;
            if last {
                prop_assert!(covered > until && next == until + 1);
                break;
            }
            prop_assert!(next == covered && next > from);
            from = next;
        }
    }
}

#[test]
fn days_are_those_of_china() {
    let midnight = time::parse("2025-10-02").unwrap();
    for (from, day) in [(midnight - 1, "2025-10-01"), (midnight, "2025-10-02")] {
        let (span, _, _) = Span::after(from, from + 1, DAY_S, false);
        assert!(
            span.text(Stamp::Create)
                .starts_with(&format!("created {day}"))
        );
    }
}
