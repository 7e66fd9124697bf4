//! What mapping costs in the sandbox: processor time a record of pages of a
//! hundred orders through the map component, with epochs on. It needs the
//! components of `cargo xtask connectors`; a folder with others can be named.
//!
//! `cargo run --release -p duijie-component --example map_cost [folder]`

#![allow(clippy::print_stdout)] // A figure on stdout is what it is for.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use duijie_component::{
    Allowance, Clock, Compiler, Launcher, Limits, Memory, Options, Quota, Secrets,
};
use duijie_contract::{Fault, Launch as _, Mode, Role, Tables, Transform, Unread, Use};
use duijie_record::{Change, Collection, RecordBatch, RecordEntry, SourceKey};
use rustix::time::{ClockId, clock_gettime};

type Failure = Box<dyn std::error::Error>;

const RECORDS: u32 = 100;
/// Pages of one round; the median of the rounds is told.
const ROUND: u32 = 40;
const ROUNDS: usize = 101;

/// The rules of `examples/quickstart/pipelines/stockouts.yaml`.
const SETTINGS: &str = r#"{"lists":{"batch_details":{"from":"details_list","fields":{"num":"goods_count","product_date":"production_date"}}},"rules":[
{"field":"FBillTypeID","type":"string","value":"XSCKD001"},
{"field":"FBillNo","type":"string","value":"{{order_no}}","required":true},
{"field":"FDate","type":"string","value":"{{consign_time}}","required":true},
{"field":"FSaleOrgId","type":"string","value":"{{shop_no}}","required":true},
{"field":"FCustomerID","type":"string","value":"{{shop_no}}","required":true},
{"field":"FSaleDeptID","type":"string","value":"BM000175"},
{"field":"FStockOrgId","type":"string","value":"{{warehouse_no}}","required":true},
{"field":"F_ora_Text_ysdh","type":"string","value":"{{details_list.src_tid}}"},
{"field":"F_ora_Text_ckdh","type":"string","value":"{{stockout_no}}"},
{"field":"FOwnerIdHead","type":"string","value":"{{warehouse_no}}"},
{"field":"SubHeadEntity","type":"object"},
{"field":"SubHeadEntity.FSettleOrgID","type":"string","value":"{{shop_no}}"},
{"field":"SubHeadEntity.FSETTLECURRID","type":"string","value":"PRE001"},
{"field":"SubHeadEntity.FEntity","type":"array","value":"batch_details","required":true},
{"field":"SubHeadEntity.FEntity.FMaterialID","type":"string","value":"{{batch_details.spec_no}}","required":true},
{"field":"SubHeadEntity.FEntity.FAuxPropId","type":"string","value":"03"},
{"field":"SubHeadEntity.FEntity.FMustQty","type":"string","value":"{{batch_details.num}}"},
{"field":"SubHeadEntity.FEntity.FRealQty","type":"string","value":"{{batch_details.num}}","required":true},
{"field":"SubHeadEntity.FEntity.FTaxPrice","type":"string","value":"{{batch_details.sell_price}}","required":true},
{"field":"SubHeadEntity.FEntity.FIsFree","type":"string","value":"_function case '{{batch_details.sell_price}}' when '0' then true else false end"},
{"field":"SubHeadEntity.FEntity.FLot","type":"string","value":"20250822"},
{"field":"SubHeadEntity.FEntity.FProduceDate","type":"string","value":"{{batch_details.product_date}}"},
{"field":"SubHeadEntity.FEntity.FOwnerTypeId","type":"string","value":"BD_OwnerOrg"},
{"field":"SubHeadEntity.FEntity.FOwnerId","type":"string","value":"{{warehouse_no}}"},
{"field":"SubHeadEntity.FEntity.FStockID","type":"string","value":"{{warehouse_no}}"},
{"field":"SubHeadEntity.FEntity.FormId","type":"string","value":"SAL_OUTSTOCK"},
{"field":"SubHeadEntity.FEntity.Operation","type":"string","value":"Save"},
{"field":"SubHeadEntity.FEntity.IsAutoSubmitAndAudit","type":"bool","value":"false"},
{"field":"SubHeadEntity.FEntity.IsVerifyBaseDataField","type":"bool","value":"false"},
{"field":"SubHeadEntity.FEntity.SubSystemId","type":"string","value":"21"}]}"#;

/// Members of an order, in the vendor's order; `#` is a number of the order,
/// `N` a name, `R` a remark, all others stand as they are.
const HEAD: &str = "stockout_id=27562#|order_no=CK2025#|stockout_no=CK2025#|src_order_no=JY2025#|trade_no=JY2025#|\
src_trade_no=20251012#,20251013#|src_tids=20251012#,20251013#|outer_no=|warehouse_no=CK01|warehouse_name=杭州仓|\
shop_no=FENXIAO004|shop_name=示例旗舰店|shop_remark=|customer_no=KH0000#|order_type_name=销售出库|trade_id=20#|\
shop_id=14|warehouse_id=2|warehouse_type=1|customer_id=70#|platform_id=127|order_type=1|subtype=1|custom_type=0|\
src_order_type=1|trade_type=1|trade_status=95|status=95|consign_status=15|wms_status=0|refund_status=0|\
block_reason=0|bad_reason=0|freeze_reason=0|is_allocated=1|ebill_status=2|delivery_term=1|fenxiao_type=0|\
id_card_type=0|operator_id=17|error_info=|stockout_reason=|consign_time=2025-10-12 13:40:00|\
trade_time=2025-10-12 12:01:12|pay_time=2025-10-12 12:01:21|created=2025-10-12 12:30:11|\
modified=2025-10-12 13:40:02|stock_check_time=2025-10-12 13:40:00|to_deliver_time=|pre_charge_time=|\
goods_count=6.0000|goods_total_amount=255.0000|goods_total_cost=102.0000|receivable=260.0000|paid=260.0000|\
cod_amount=0.0000|discount=0.0000|post_amount=5.0000|post_fee=3.6000|package_fee=0.5000|tax=0.0000|\
tax_rate=0.1300|weight=0.7500|goods_type_count=3|currency=CNY|receiver_name=N|customer_name=N|\
nick_name=买家_晴天+#|receiver_area=浙江省 杭州市 余杭区|receiver_address=浙江省 杭州市 余杭区 文一西路#号3栋12室|\
receiver_mobile=1380013#|receiver_telno=|receiver_zip=000000|receiver_dtb=311-42|receiver_ring=|\
receiver_country=0|receiver_province=330000|receiver_city=330100|receiver_district=330110|logistics_code=SF|\
logistics_name=顺丰速运|logistics_no=SF77000000#|logistics_type=8|salesman_no=YG0012|salesman_name=N|\
packager_no=YG0013|packager_name=N|picker_no=YG0014|picker_name=N|printer_no=YG0015|printer_name=N|\
examiner_no=YG0016|examiner_name=N|fullname=N|checker_name=系统|employee_no=system|operator_name=系统|\
invoice_type=0|invoice_id=0|invoice_title=|invoice_content=|buyer_message=R|cs_remark=R|remark=R|print_remark=R|\
flag_name=|fenxiao_nick=|md5_str=9f86d081884c7d659a2feaa0c55ad015";
const LINE: &str = "spec_id=9012|goods_id=803|spec_no=SKU-#-01|goods_no=SKU-#|goods_name=示例商品 夏季新款|\
spec_name=红色;XL|spec_code=00013|barcode=6901234#|brand_no=BR01|brand_name=示例&品牌|rec_id=31#|\
stockout_id=27562#|sale_order_id=32#|src_order_detail_id=32#|goods_type=1|gift_type=0|platform_id=127|\
refund_status=0|goods_count=2.0000|num=2.0000|sell_price=25.5000|market_price=31.8750|share_price=25.5000|\
share_amount=51.0000|total_amount=51.0000|share_post=0.0000|discount=0.0000|paid=51.0000|tax_rate=0.1300|\
cost_price=10.2000|weight=0.2500|src_tid=20251012#|src_oid=20251012#01|suite_no=|remark=|\
modified=2025-10-12 13:40:02";
const NAMES: [&str; 6] = [
    "张三",
    "李四 ",
    "欧阳修远",
    "O'Neil 王",
    "阿卜杜拉·买买提",
    r#"陈\"小\"明"#,
];
const REMARKS: [&str; 8] = [
    "",
    "",
    "请发顺丰&尽快",
    "发最好&&&的+",
    r#"客户说：\"别压坏\""#,
    r"路径 C:\\订单\\2025",
    r"第一行\n第二行\t制表",
    "<b>加急</b> 100% 'ok' /斜杠",
];

struct Stopped;

impl Clock for Stopped {
    fn now_ms(&self) -> u64 {
        1_760_000_000_000
    }
}

/// Varied texts, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn of(&mut self, texts: &[&'static str]) -> &'static str {
        let at = self.below(texts.len() as u64) as usize;
        texts.get(at).copied().unwrap_or_default()
    }
}

fn members(written: &str, number: u64, dice: &mut Dice) -> String {
    let member = |member: &str| {
        let (name, value) = member.split_once('=').unwrap_or((member, ""));
        let value = match value {
            "N" => dice.of(&NAMES).to_owned(),
            "R" => dice.of(&REMARKS).to_owned(),
            value => value.replace('#', &(10_000 + number).to_string()),
        };
        format!(r#""{name}":"{value}""#)
    };
    written.split('|').map(member).collect::<Vec<_>>().join(",")
}

fn page() -> RecordBatch {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut data = String::new();
    let mut entries = Vec::new();
    for number in 0..u64::from(RECORDS) {
        let head = members(HEAD, number, &mut dice);
        let lines: Vec<String> = (0..1 + dice.below(4))
            .map(|line| format!("{{{}}}", members(LINE, number + line * 7, &mut dice)))
            .collect();
        data.push_str(&format!(
            "{{{head},\"details_list\":[{}]}}\n",
            lines.join(",")
        ));
        entries.push(RecordEntry {
            key: SourceKey(number.to_string()),
            version: None,
            change: Change::Upsert,
            ack_token: None,
        });
    }
    RecordBatch {
        data: data.into_bytes(),
        entries,
        position: None,
    }
}

fn main() -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = std::env::args_os().nth(1);
    let launcher = Launcher::new(Options {
        connectors: folder.map_or(root.join("target/connectors"), PathBuf::from),
        cache: root.join("target/tmp/compiled"),
        compiler: Compiler::Here,
        memory: Memory::Pooled { instances: 4 },
        limits: Limits::DEFAULT,
        mode: Mode::Effect,
        secrets: Arc::new(Secrets::open(&root.join("target"))?),
        clock: Arc::new(Stopped),
        allowance: Allowance::new(Quota::NONE),
    })?;
    let map = Use {
        connector: "map".to_owned(),
        role: Role::Transform,
        connection: None,
        connection_settings: "{}".to_owned(),
        pipeline_settings: SETTINGS.to_owned(),
        collection: Collection(String::new()),
        secrets: Vec::new(),
        allow: Vec::new(),
        tables: Vec::new(),
        grant_place: String::new(),
        calls_per_minute: 0,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let batch = page();
    let tables: Arc<dyn Tables> = Arc::new(Unread::default());
    let mut mapper = runtime.block_on(launcher.transform(&map, &tables))?;
    let mapped = runtime.block_on(mapper.apply(&batch))?;
    let (came, went) = (batch.data.len(), mapped.data.len());
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        rounds.push(runtime.block_on(spend(&mut *mapper, &batch))?);
    }
    rounds.sort_unstable();
    let middle = rounds.get(ROUNDS / 2).ok_or("no round was run")?;
    let records = f64::from(ROUND * RECORDS);
    let micros = middle.as_secs_f64() * 1e6 / records;
    let (came, went) = (came / RECORDS as usize, went / RECORDS as usize);
    println!("{micros:.2} us of processor time a record ({came} bytes to {went} bytes)");
    Ok(())
}

/// Processor time of one round.
async fn spend(mapper: &mut dyn Transform, batch: &RecordBatch) -> Result<Duration, Fault> {
    let start = processor_time();
    for _ in 0..ROUND {
        drop(mapper.apply(batch).await?);
    }
    Ok(processor_time().saturating_sub(start))
}

/// Of this thread, which is the only one that works here.
fn processor_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let nanos = u32::try_from(now.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanos)
}
