"""Drives the Kingdee simulator with the vendor's own SDK (signed headers, no login).

Usage: kingdee_sdk.py <conf.ini> <server url>. Prints one JSON object with the parsed answers.
The SDK signs with the machine's time and keeps the session that the server's cookies give it.
"""

import json
import sys

from k3cloud_webapi_sdk.main import K3CloudApiSdk


def bill(number, quantity="2.0000"):
    org = {"FNumber": "100"}
    return {
        "FID": 0,
        "FBillTypeID": {"FNUMBER": "XSCKD01_SYS"},
        "FBillNo": number,
        "FDate": "2025-10-09 10:12:31",
        "FSaleOrgId": org,
        "FCustomerID": {"FNumber": "FENXIAO004"},
        "FStockOrgId": org,
        "FNote": "张三 & \"李四\" + 'x'",
        "SubHeadEntity": {"FSettleCurrID": {"FNumber": "PRE001"}},
        "FEntity": [
            {
                "FMaterialID": {"FNumber": "SKU-0001"},
                "FRealQty": quantity,
                "FTaxPrice": "25.5000",
                "FStockID": {"FNumber": "WH001"},
            }
        ],
    }


def order(number):
    org = {"FNumber": "100"}
    return {
        "FBillTypeID": {"FNUMBER": "XSDD01_SYS"},
        "FBillNo": number,
        "FDate": "2025-10-09",
        "FSaleOrgId": org,
        "FCustId": {"FNumber": "TB001"},
        "FSaleOrderEntry": [
            {"FMaterialId": {"FNumber": "SKU-0001"}, "FQty": "3.0000"},
            {"FMaterialId": {"FNumber": "SKU-0002"}, "FQty": "1.2500"},
        ],
    }


def more(sdk):
    """Base data, other forms, and what is done with documents that stand."""
    form, one = "SAL_SaleOrder", {"Numbers": ["SDK-O1"]}
    materials = {
        "FormId": "BD_MATERIAL",
        "FieldKeys": "FMATERIALID,FNumber,FName,FBaseUnitId.FNumber",
        "FilterString": "FNumber<'SKU-0008' and (FMATERIALID>0 or FName='x')",
        "OrderString": "FNumber DESC",
        "StartRow": 2,
        "Limit": 3,
    }
    lines = {
        "FormId": form,
        "FieldKeys": "FBillNo,FMaterialId.FNumber,FQty,FSaleOrderEntry_FSeq",
        "FilterString": "FBillNo='SDK-O1'",
    }
    push = {"Numbers": ["SDK-O1"], "TargetFormId": "SAL_OUTSTOCK", "IsEnableDefaultRule": "true"}
    return {
        "materials": sdk.ExecuteBillQuery(materials),
        "draft": sdk.Draft(form, {"Model": {"FBillNo": "SDK-O2"}}),
        "order": sdk.Save(form, {"Model": order("SDK-O1")}),
        "lines": sdk.BillQuery(lines),
        "early_push": sdk.Push(form, push),
        "submit_order": sdk.Submit(form, one),
        "cancel_assign": sdk.CancelAssign(form, one),
        "submit_again": sdk.Submit(form, one),
        "audit_order": sdk.Audit(form, one),
        "push": sdk.Push(form, push),
        "push_again": sdk.Push(form, push),
        "close": sdk.ExcuteOperation(form, "BillClose", one),
        "unaudit": sdk.UnAudit(form, one),
        "forbid": sdk.ExcuteOperation("BD_MATERIAL", "Forbid", {"Numbers": ["SKU-0003"]}),
    }


def main():
    conf, url = sys.argv[1], sys.argv[2]
    sdk = K3CloudApiSdk(url)
    sdk.Init(config_path=conf, config_node="config")
    model = [bill("SDK-2"), bill("SDK-3"), bill("SDK-1"), bill("SDK-4", quantity="0")]
    query = {
        "FormId": "SAL_OUTSTOCK",
        "FieldKeys": "FID,FBillNo,FDocumentStatus,FNote,FMaterialID.FNumber,FTaxPrice",
        "FilterString": "FBillNo in ('SDK-1','SDK-3')",
        "Limit": 10,
    }
    answers = {
        "save": sdk.Save("SAL_OUTSTOCK", {"Model": bill("SDK-1")}),
        "batch": sdk.BatchSave("SAL_OUTSTOCK", {"Model": model}),
        "polled": sdk.BatchSaveQuery("SAL_OUTSTOCK", {"Model": [bill("SDK-5")]}),
        "query": sdk.ExecuteBillQuery(query),
        "bill_query": sdk.BillQuery(query),
        "submit": sdk.Submit("SAL_OUTSTOCK", {"Numbers": ["SDK-1"]}),
        "audit": sdk.Audit("SAL_OUTSTOCK", {"Numbers": ["SDK-1"]}),
        "view": sdk.View("SAL_OUTSTOCK", {"Number": "SDK-1"}),
        "delete": sdk.Delete("SAL_OUTSTOCK", {"Numbers": ["SDK-1", "SDK-2"]}),
    }
    answers.update(more(sdk))
    print(json.dumps({name: json.loads(text) for name, text in answers.items()}))


main()
