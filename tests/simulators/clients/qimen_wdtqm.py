"""Sends 奇门 queries to the Wangdiantong simulator with the public `wdtqm` package.

Usage: qimen_wdtqm.py <url> <app_key> <app_secret> <target_app_key> <sid> <key> <secret:salt> <start> <end>.
The package was made for 旗舰奇门: it adds its own inner signature, which 企业奇门 signs over like any
parameter and otherwise ignores. Set TZ=Asia/Shanghai: it writes local time.
"""

import json
import sys

from wdtqm import WdtQimenSDK

METHOD = "wdt.wms.stockout.sales.querywithdetail"


def main():
    url, app_key, app_secret, target, sid, key, secret, start, end = sys.argv[1:10]
    sdk = WdtQimenSDK(app_key, app_secret, target, key, secret, sid, url)
    parameters = {"sid": sid, "start_time": start, "end_time": end, "page_no": 0, "page_size": 3}
    answer = sdk.call_api("wdt.stockout.order.query.trade", parameters)
    window = {"start_time": start, "end_time": end, "status": "95,105,110,113", "status_type": 3}
    pager = {"page_no": 1, "page_size": 3}
    nested = {"params": json.dumps(window), "pager": json.dumps(pager)}
    flagship = sdk.call_api(METHOD, nested)
    sdk.wdt_secret = "another secret"
    refused_inside = sdk.call_api(METHOD, nested)
    sdk.app_secret = "another secret"
    refused = sdk.call_api("wdt.stockout.order.query.trade", parameters)
    print(
        json.dumps(
            {
                "answer": answer,
                "flagship": flagship,
                "refused_inside": refused_inside,
                "refused": refused,
            }
        )
    )


main()
