"""Signs the requests that standard input describes anew, by the official Python SDK, and compares with what they carry.

Prints `same` or the difference for each. The SDK signs from a minute before now; the clock is set so that this is when the
signature that is compared begins.
"""

import json
import sys
import time
from urllib.parse import parse_qsl, unquote

import requests
from qcloud_cos import CosConfig
from qcloud_cos.cos_auth import CosS3Auth

BEFORE_NOW = 60

plan = json.load(sys.stdin)
conf = CosConfig(Region="ap-guangzhou", Scheme="http", SecretId=plan["id"], SecretKey=plan["secret"])

for seen in plan["requests"]:
    headers = dict(seen["headers"])
    ours = headers.pop("authorization")
    fields = dict(field.split("=", 1) for field in ours.split("&"))
    start, end = map(int, fields["q-sign-time"].split(";"))
    time.time = lambda: start + BEFORE_NOW
    path, _, query = seen["target"].partition("?")
    params = dict(parse_qsl(query, keep_blank_values=True))
    request = requests.Request(seen["method"], "http://" + headers["host"] + path, headers=headers)
    signed = CosS3Auth(conf, unquote(path), params, end - start - BEFORE_NOW)(request)
    theirs = signed.headers["Authorization"]
    print("same" if theirs == ours else f"{seen['method']} {seen['target']}\n  ours   {ours}\n  theirs {theirs}")
