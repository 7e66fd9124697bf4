//! Updates and cancellations: what stands is read before it is changed.

use super::*;

#[test]
fn an_update_keeps_the_ids_of_document_and_rows() {
    let rows = json!([
        [7, "A", "D", 71, "S1"],
        [7, "A", "D", 72, "S2"],
        [8, "B", "C", 81, "S1"],
        [9, "C", "B", 91, "S1"],
    ]);
    let line = |sku: &str| json!({"FMaterialID": sku});
    let documents = batch(&[
        (
            "A",
            Action::Update,
            json!({"FEntity": [line("S2"), line("S3")]}),
        ),
        ("B", Action::Update, json!({})),
        ("C", Action::Update, json!({})),
        ("D", Action::Update, json!({})),
        ("E", Action::Create, least()),
    ]);
    let answers = vec![
        answer(&rows),
        answer(&saved(&[(0, 7)])),
        answer(&saved(&[(0, 10)])),
    ];
    let (script, outcomes) = write(&documents, answers);
    assert_eq!(
        outcomes.unwrap().iter().map(show).collect::<Vec<_>>(),
        [
            "applied 7",
            "rejected kingdee.locked",
            "rejected kingdee.locked",
            "rejected kingdee.not-found",
            "applied 10",
        ]
    );
    let sent = script.sent();
    let query = body(&sent[0]);
    assert_eq!(
        query["data"]["FieldKeys"],
        "FID,FBillNo,FDocumentStatus,FEntity_FEntryID,FMaterialID.FNumber"
    );
    assert_eq!(
        query["data"]["FilterString"],
        "FBillNo in ('A','B','C','D')"
    );
    assert_eq!(query["data"]["OrderString"], "FID,FEntity_FSeq");
    assert_eq!(sent[0].purpose, Some(Purpose::Read));
    assert_eq!(
        body(&sent[1])["data"]["Model"],
        json!([{"FID": 7, "FBillNo": "A", "FEntity": [
            {"FENTRYID": 72, "FMaterialID": {"FNumber": "S2"}},
            {"FENTRYID": 0, "FMaterialID": {"FNumber": "S3"}},
        ]}])
    );
    assert_eq!(body(&sent[1])["data"]["IsDeleteEntry"], "true");
}

#[test]
fn an_update_of_another_document_than_the_known_one_is_refused() {
    let mut documents = batch(&[
        ("A", Action::Update, json!({})),
        ("B", Action::Update, json!({})),
    ]);
    documents.entries[0].known_id = Some("6".to_owned());
    let rows = json!([
        [7, "A", "A", 71, "S1"],
        [8, "B", "A", 81, "S"],
        [9, "B", "A", 91, "S"]
    ]);
    check(
        &documents,
        vec![answer(&rows)],
        &[
            "rejected kingdee.other-document",
            "rejected kingdee.found-twice",
        ],
    );
}

#[test]
fn a_cancellation_deletes_what_is_not_audited() {
    let documents = batch(&[
        ("A", Action::Cancel, json!({})),
        ("B", Action::Cancel, json!({})),
        ("C", Action::Cancel, json!({})),
    ]);
    let rows = json!([[7, "A", "A"], [8, "B", "C"], [9, "C", "Z"]]);
    let answers = vec![answer(&rows), answer(&saved(&[(0, 7), (1, 9)]))];
    let (script, outcomes) = write(&documents, answers);
    assert_eq!(
        outcomes.unwrap().iter().map(show).collect::<Vec<_>>(),
        ["applied 7", "rejected kingdee.locked", "applied 9"]
    );
    let sent = script.sent();
    assert_eq!(sent[1].purpose, Some(Purpose::Write(vec![0, 2])));
    assert_eq!(
        body(&sent[1]),
        json!({"formid": "SAL_OUTSTOCK", "data": {
            "CreateOrgId": 0, "Numbers": ["A", "C"], "Ids": "", "NetworkCtrl": "",
        }})
    );
    assert_eq!(script.operations(), ["ExecuteBillQuery", "Delete"]);
}

#[test]
fn base_data_is_changed_by_its_id_and_has_no_rows() {
    let documents = batch(&[
        ("M1", Action::Update, json!({"FName": "n"})),
        (
            "M2",
            Action::Create,
            json!({"FName": "n", "SubHeadEntity.FBaseUnitId": "Pcs"}),
        ),
        (
            "M3",
            Action::Create,
            json!({"SubHeadEntity.FBaseUnitId": "Pcs"}),
        ),
    ]);
    let answers = vec![
        answer(&json!([[7, "M1", "A"]])),
        answer(&saved(&[(0, 7)])),
        answer(&saved(&[(0, 8)])),
    ];
    let (script, outcomes) = write_to("BD_MATERIAL", &documents, answers, &json!({}));
    assert_eq!(
        outcomes.unwrap().iter().map(show).collect::<Vec<_>>(),
        ["applied 7", "applied 8", "rejected required"]
    );
    let sent = script.sent();
    let query = body(&sent[0]);
    assert_eq!(
        query["data"]["FieldKeys"],
        "FMATERIALID,FNumber,FDocumentStatus"
    );
    assert_eq!(
        body(&sent[1])["data"]["Model"],
        json!([{"FMATERIALID": 7, "FNumber": "M1", "FName": "n"}])
    );
    assert_eq!(
        body(&sent[2])["data"]["Model"],
        json!([{
            "FMATERIALID": 0, "FNumber": "M2", "FName": "n",
            "SubHeadEntity": {"FBaseUnitId": {"FNumber": "Pcs"}},
        }])
    );
}

#[test]
fn documents_may_be_saved_one_a_call_or_as_drafts() {
    for (operation, expected) in [
        ("Save", ["applied 1", "rejected required"]),
        ("Draft", ["applied 1", "applied 1"]),
    ] {
        let documents = batch(&[
            ("A", Action::Create, least()),
            ("B", Action::Create, json!({"FNote": "n"})),
        ]);
        let calls = expected
            .iter()
            .filter(|told| told.starts_with("applied"))
            .count();
        let answers = vec![answer(&saved(&[(0, 1)])); calls];
        let settings = json!({ "operation": operation });
        let (script, outcomes) = write_with(&documents, answers, &settings);
        assert_eq!(
            outcomes.unwrap().iter().map(show).collect::<Vec<_>>(),
            expected
        );
        assert_eq!(script.operations(), vec![operation; calls]);
        let model = &body(&script.sent()[0])["data"]["Model"];
        assert_eq!(model["FBillNo"], "A");
    }
}
