//! Measures the mapping of the seed's table on orders of about 5.3 KB. Run by
//! hand: `cargo run --release -p duijie-connector-map --example map_speed`.
#![allow(clippy::print_stdout, clippy::expect_used)]

use std::fmt::Write;
use std::time::Instant;

use duijie_connector_map::Mapping;

const RECORDS: usize = 100;

fn main() {
    let settings = include_str!("../tests/seed.json");
    let mut mapping = Mapping::open(settings).expect("the seed's table compiles");
    let data: String = (0..RECORDS).map(order).collect();
    let each = data.len() / RECORDS;
    let mut best = f64::MAX;
    let mut written = 0;
    for _ in 0..200 {
        let start = Instant::now();
        for _ in 0..10 {
            let batch = mapping
                .apply(data.as_bytes(), RECORDS)
                .expect("every line is an entry");
            written = batch.data.len() / batch.lines.len();
        }
        best = best.min(start.elapsed().as_secs_f64() / (10 * RECORDS) as f64);
    }
    println!(
        "{:.2} us a record of {each} bytes, {written} bytes out",
        best * 1e6
    );
}

/// An order of 99 header fields and three lines of 22.
fn order(number: usize) -> String {
    let mut text = format!(
        "{{\"stockout_id\":\"27562862075948{number:05}\",\"order_no\":\"CK20221012{number:04}\",\"stockout_no\":\"CK20221012{number:04}\",\"warehouse_no\":\"WH001\",\"shop_no\":\"FENXIAO004\",\"consign_time\":\"2022-10-12 13:40:00\",\"receiver_area\":\"北京 北京市 海淀区\",\"remark\":\"say \\\"hi\\\"\""
    );
    for field in 0..90 {
        let value = match field % 5 {
            0 => "0.0000",
            1 => "",
            2 => "2022-10-12 13:40:00",
            3 => "黄金会员 3",
            _ => "YT0000000000001",
        };
        write!(text, ",\"other_field_{field:02}\":\"{value}\"").expect("writes to memory");
    }
    text.push_str(",\"details_list\":[");
    for line in 0..3 {
        let comma = if line > 0 { "," } else { "" };
        write!(
            text,
            "{comma}{{\"rec_id\":\"555000{line}\",\"spec_no\":\"SKU-{line:03}\",\"goods_count\":\"2.0000\",\"sell_price\":\"{}.0000\",\"src_tid\":\"4000123456789\",\"production_date\":\"2022-01-01\"",
            line % 2
        )
        .expect("writes to memory");
        for field in 0..16 {
            let value = if field % 2 == 0 {
                "0.0000"
            } else {
                "some text of a line"
            };
            write!(text, ",\"line_field_{field:02}\":\"{value}\"").expect("writes to memory");
        }
        text.push('}');
    }
    text.push_str("]}\n");
    text
}
