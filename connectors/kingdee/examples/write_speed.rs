//! How long a batch takes natively, from lines to outcomes, with an answer that
//! costs nothing: `cargo run --release -p duijie-connector-kingdee --example write_speed`.
//! A figure to look at, not a test.
#![allow(clippy::print_stdout, clippy::expect_used)]

use std::time::Instant;

use duijie_connector_kingdee::Writer;
use duijie_sdk::http::{Failure, Request, Response};
use duijie_sdk::target::{Action, Batch, Entry};
use duijie_sdk::{Network, Settings, Signed, Writer as _};

const DOCUMENTS: usize = 100;
const ROUNDS: u32 = 2000;

/// Every document saved, and a session that is always there.
struct Instant200(Vec<u8>);

impl Network for Instant200 {
    fn send(&self, _: Request) -> Result<Response, Failure> {
        Ok(Response {
            status: 200,
            headers: Vec::new(),
            body: self.0.clone(),
        })
    }

    fn send_many(&self, requests: Vec<Request>) -> Vec<Result<Response, Failure>> {
        requests
            .into_iter()
            .map(|request| self.send(request))
            .collect()
    }

    fn sign(&self, _: &str, _: &[(&str, &str)]) -> Result<Signed, String> {
        Err("nothing is signed here".to_owned())
    }

    fn held(&self) -> Vec<String> {
        vec!["KDSVCSessionId".to_owned()]
    }

    fn forget(&self) {}

    fn now_ms(&self) -> u64 {
        0
    }
}

fn document(number: usize) -> String {
    let row = |sku: usize| {
        format!(
            r#"{{"FMaterialID":"SKU-{sku}","FAuxPropId":"03","FMustQty":"2.0000","FRealQty":"2.0000","FPrice":"","FTaxPrice":"25.5000","FIsFree":"false","FLot":"20250822","FProduceDate":"2025-08-22","FExpiryDate":"","FEntryTaxRate":"","FEntryTaxAmount":"","FOwnerTypeId":"BD_OwnerOrg","FOwnerId":"100","FAmount":"","FAllAmount":"","FStockID":"CK01","FMtoNo":"","FEntrynote":"","FormId":"SAL_OUTSTOCK","Operation":"Save","IsAutoSubmitAndAudit":false,"IsVerifyBaseDataField":false,"SubSystemId":"21"}}"#
        )
    };
    let rows: Vec<String> = (0..3).map(row).collect();
    format!(
        r#"{{"FBillTypeID":"XSCKD001","FBillNo":"CK{number:011}","FDate":"2022-10-12 13:40:00","FSaleOrgId":"100","FCustomerID":"FENXIAO004","FSaleDeptID":"BM000175","FStockOrgId":"100","F_ora_Text_ysdh":"2022101213400{number}","F_ora_Text_ckdh":"CK{number:011}","FNote":"请尽快发货，谢谢","FSHOPNUMBER":"","FSALECHANNEL":"","FOwnerIdHead":"100","SubHeadEntity":{{"FSettleOrgID":"100","FSETTLECURRID":"PRE001","FEntity":[{}]}}}}"#,
        rows.join(",")
    )
}

fn main() {
    let lines: String = (0..DOCUMENTS)
        .map(|number| document(number) + "\n")
        .collect();
    let entries: Vec<Entry> = (0..DOCUMENTS)
        .map(|number| Entry {
            target_key: format!("CK{number:011}"),
            action: Action::Create,
            known_id: None,
            attempt: 1,
        })
        .collect();
    let saved: Vec<String> = (0..DOCUMENTS)
        .map(|index| {
            format!(
                r#"{{"Id":{},"Number":"CK{index:011}","DIndex":{index}}}"#,
                100_000 + index
            )
        })
        .collect();
    let answer = format!(
        r#"{{"Result":{{"ResponseStatus":{{"IsSuccess":true,"Errors":[],"SuccessEntitys":[{}],"SuccessMessages":[],"MsgCode":0}}}}}}"#,
        saved.join(",")
    );
    let settings = Settings {
        connection: r#"{"base_url":"http://127.0.0.1/K3Cloud/","acct_id":"a","username":"u","auth":"password","password":{"$secret":"password"}}"#.to_owned(),
        pipeline: "{}".to_owned(),
    };
    let network = Instant200(answer.into_bytes());
    let mut writer = Writer::over(network, &settings, "SAL_OUTSTOCK").expect("good settings");
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let batch = Batch {
            data: lines.clone().into_bytes(),
            entries: entries.clone(),
        };
        let start = Instant::now();
        let outcomes = writer.write(batch).expect("written");
        let each = start.elapsed().as_secs_f64() * 1e6 / DOCUMENTS as f64;
        assert_eq!(outcomes.len(), DOCUMENTS);
        best = best.min(each);
    }
    println!(
        "{best:.2} us a document of {} bytes, at best",
        lines.len() / DOCUMENTS
    );
}
