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
    print(json.dumps({name: json.loads(text) for name, text in answers.items()}))


main()
