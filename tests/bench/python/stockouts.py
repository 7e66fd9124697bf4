"""The example's job as a plain script: httpx, orjson, one page after the other.

Reads the same environment variables as the native yardstick.
"""

import hashlib
import os
import time

import httpx
import orjson

PREFIX = "Kingdee.BOS.WebApi.ServicesStub."
JSON = {"content-type": "application/json"}


def page(http, number):
    fields = {
        "appkey": os.environ["BENCH_APPKEY"],
        "end_time": os.environ["BENCH_END"],
        "page_no": str(number),
        "page_size": os.environ["BENCH_PAGE_SIZE"],
        "sid": os.environ["BENCH_SID"],
        "start_time": os.environ["BENCH_START"],
        "timestamp": str(int(time.time())),
    }
    text = ";".join(f"{len(k):02}-{k}:{len(v):04}-{v}" for k, v in sorted(fields.items()))
    secret = os.environ["BENCH_APPSECRET"]
    fields["sign"] = hashlib.md5((text + secret).encode()).hexdigest()
    url = os.environ["BENCH_WANGDIANTONG_URL"] + "stockout_order_query_trade.php"
    answer = orjson.loads(http.post(url, data=fields).content)
    if answer["code"] != 0:
        raise SystemExit(f"Wangdiantong answered {answer['code']}: {answer['message']}")
    return answer


def number(value):
    return {"FNumber": value}


def bill(order):
    shop, warehouse = number(order["shop_no"]), number(order["warehouse_no"])
    lines = order["details_list"]
    return {
        "FID": 0,
        "FBillTypeID": {"FNUMBER": "XSCKD001"},
        "FBillNo": order["order_no"],
        "FDate": order["consign_time"],
        "FSaleOrgId": shop,
        "FCustomerID": shop,
        "FSaleDeptID": number("BM000175"),
        "FStockOrgId": warehouse,
        "F_ora_Text_ysdh": lines[0]["src_tid"],
        "F_ora_Text_ckdh": order["stockout_no"],
        "FOwnerIdHead": warehouse,
        "SubHeadEntity": {"FSettleOrgID": shop, "FSettleCurrID": number("PRE001")},
        "FEntity": [
            {
                "FMaterialID": number(line["spec_no"]),
                "FAuxPropId": {"FAUXPROPID__FF100001": number("03")},
                "FMustQty": line["goods_count"],
                "FRealQty": line["goods_count"],
                "FTaxPrice": line["sell_price"],
                "FIsFree": float(line["sell_price"]) == 0,
                "FLot": number("20250822"),
                "FOwnerTypeID": "BD_OwnerOrg",
                "FOwnerID": warehouse,
                "FStockID": warehouse,
            }
            for line in lines
        ],
    }


def login(http, base):
    body = {
        "parameters": [
            os.environ["BENCH_ACCT_ID"],
            os.environ["BENCH_USERNAME"],
            os.environ["BENCH_APP_ID"],
            os.environ["BENCH_APP_SECRET"],
            2052,
        ]
    }
    url = f"{base}{PREFIX}AuthService.LoginByAppSecret.common.kdsvc"
    answer = orjson.loads(http.post(url, content=orjson.dumps(body), headers=JSON).content)
    if answer["LoginResultType"] != 1:
        raise SystemExit(f"Kingdee answered: {answer['Message']}")
    return answer["KDSVCSessionId"]


def main():
    base = os.environ["BENCH_KINGDEE_URL"]
    save = f"{base}{PREFIX}DynamicFormService.BatchSave.common.kdsvc"
    size = int(os.environ["BENCH_PAGE_SIZE"])
    written = 0
    with httpx.Client(timeout=60, trust_env=False) as http:
        headers = JSON | {"kdservice-sessionid": login(http, base)}
        total = int(page(http, 0)["total_count"])
        for index in reversed(range(-(-total // size))):
            model = [bill(order) for order in page(http, index)["stockout_list"]]
            data = {
                "NeedReturnFields": ["FBillNo"],
                "IsDeleteEntry": True,
                "SubSystemId": "21",
                "IsVerifyBaseDataField": False,
                "IsAutoSubmitAndAudit": False,
                "Model": model,
            }
            body = orjson.dumps({"formid": "SAL_OUTSTOCK", "data": data})
            answer = orjson.loads(http.post(save, content=body, headers=headers).content)
            written += len(answer["Result"]["ResponseStatus"]["SuccessEntitys"])
    if written != total:
        raise SystemExit(f"{written} of {total} documents were written")


main()
