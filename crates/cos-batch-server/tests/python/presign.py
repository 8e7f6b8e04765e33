"""Presigns what standard input describes, by the official Python SDK, and prints an address for each.

The clock is set, since the SDK signs from a minute before now.
"""

import json
import sys
import time

from qcloud_cos import CosConfig, CosS3Client

plan = json.load(sys.stdin)
conf = CosConfig(Region="ap-guangzhou", Scheme="http", SecretId=plan["id"], SecretKey=plan["secret"])
client = CosS3Client(conf)
time.time = lambda: plan["now"]

for request in plan["requests"]:
    address = client.get_presigned_url(
        Bucket="b-1250000000", Key=request["key"], Method=request["method"], Expired=300, Params=request["params"]
    )
    print(address)
