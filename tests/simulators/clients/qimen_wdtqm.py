"""Sends a 企业奇门 query to the Wangdiantong simulator with the public `wdtqm` package.

Usage: qimen_wdtqm.py <url> <app_key> <app_secret> <target_app_key> <sid> <start> <end>.
The package was made for the flagship dialect: it adds its own inner signature, which the enterprise
server signs over like any parameter and otherwise ignores. Set TZ=Asia/Shanghai: it writes local time.
"""

import json
import sys

from wdtqm import WdtQimenSDK


def main():
    url, app_key, app_secret, target, sid, start, end = sys.argv[1:8]
    sdk = WdtQimenSDK(app_key, app_secret, target, "unused", "unused:salt", sid, url)
    parameters = {"sid": sid, "start_time": start, "end_time": end, "page_no": 0, "page_size": 3}
    answer = sdk.call_api("wdt.stockout.order.query.trade", parameters)
    sdk.app_secret = "another secret"
    refused = sdk.call_api("wdt.stockout.order.query.trade", parameters)
    print(json.dumps({"answer": answer, "refused": refused}))


main()
