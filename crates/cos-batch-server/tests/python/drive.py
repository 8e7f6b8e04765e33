"""Sends the requests that standard input describes to a server, signed by the official Python SDK, in several ways.

Prints `<way> <status>` for each request. Says nothing about what the answers should be: that is for who started it.
"""

import base64
import hashlib
import http.client
import json
import socket
import sys
from urllib.parse import quote, quote_plus

import requests
from qcloud_cos import CosConfig, CosS3Client
from qcloud_cos.cos_auth import CosS3Auth

plan = json.load(sys.stdin)
address = plan["address"]
host, port = address.rsplit(":", 1)


def config(key):
    return CosConfig(
        Region="ap-guangzhou", Scheme="http", SecretId=key["id"], SecretKey=key["secret"], Token=key["token"]
    )


def headers_of(request, key):
    headers = {"x-cos-appid": plan["appid"]}
    if request["body"]:
        digest = hashlib.md5(request["body"].encode()).digest()
        headers["Content-MD5"] = base64.b64encode(digest).decode()
        headers["Content-Type"] = "application/xml"
    if key["token"]:
        headers["x-cos-security-token"] = key["token"]
    return headers


def send(request, headers, body, auth=None, params=None):
    """As the SDK sends, with the library it uses."""
    url = f"http://{address}{request['path']}"
    params = request["params"] if params is None else params
    answer = requests.request(
        request["method"], url, params=params, data=body, headers=headers, auth=auth, timeout=20
    )
    return answer.status_code


def as_the_sdk(request, key):
    """The host is signed without its port then, the length with its header."""
    auth = CosS3Auth(config(key), request["path"], request["params"])
    return send(request, headers_of(request, key), request["body"].encode(), auth)


def with_a_host_header(request, key):
    """The host is signed with its port then."""
    headers = dict(headers_of(request, key), Host=address)
    return send(request, headers, request["body"].encode(), CosS3Auth(config(key), request["path"], request["params"]))


def in_chunks(request, key):
    """Without a length; Transfer-Encoding is signed then."""
    body = request["body"].encode()
    pieces = (body[at : at + 100] for at in range(0, len(body), 100)) if body else b""
    return send(request, headers_of(request, key), pieces, CosS3Auth(config(key), request["path"], request["params"]))


def signature(request, key, headers):
    client = CosS3Client(config(key))
    # A copy, since the SDK writes the signature into it.
    headers = dict(headers)
    return client.get_auth(request["method"], "b-1250000000", request["path"], 3600, headers, request["params"])


def in_the_query(request, key):
    """The fields of the signature as parameters, as in a presigned URL."""
    headers = dict(headers_of(request, key), Host=address)
    fields = dict(field.split("=", 1) for field in signature(request, key, headers).split("&"))
    return send(request, headers, request["body"].encode(), params=dict(request["params"], **fields))


def raw(request, key, write_head, chunks=None):
    """Written by hand onto a socket; the SDK makes the signature alone."""
    body = request["body"].encode()
    signed = dict(headers_of(request, key), Host=address)
    if chunks is None:
        signed["Content-Length"] = str(len(body))
    elif body:
        signed["Transfer-Encoding"] = "chunked"
    authorization = signature(request, key, signed)
    head = write_head(request, list(signed.items()) + [("Authorization", authorization)])
    if chunks is not None and body:
        pieces = [body[at : at + chunks] for at in range(0, len(body), chunks)]
        body = b"".join(b"%X;a=b\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=20) as stream:
        stream.sendall(head.encode("latin-1") + b"\r\n\r\n" + body)
        answer = http.client.HTTPResponse(stream, method=request["method"])
        answer.begin()
        answer.read()
        return answer.status


def target(request, escape):
    pairs = "&".join(f"{escape(name)}={escape(value)}" for name, value in request["params"].items())
    return request["path"] + ("?" + pairs if pairs else "")


def upper_case(request, headers):
    """Names in capitals, white space around values, spaces in the query as percent signs."""
    line = f"{request['method']} {target(request, lambda text: quote(text, safe=''))} HTTP/1.1"
    return "\r\n".join([line] + [f"{name.upper()}:   {value} \t" for name, value in headers])


def lower_case_backwards(request, headers):
    """Names in small letters, headers and parameters in another order, no white space, spaces in the query as pluses."""
    turned = dict(request, params=dict(reversed(list(request["params"].items()))))
    line = f"{request['method']} {target(turned, quote_plus)} HTTP/1.1"
    others = [("user-agent", "by hand"), ("Accept", "*/*"), ("date", "Thu, 01 Jan 1970 00:00:00 GMT")]
    return "\r\n".join([line] + [f"{name.lower()}:{value}" for name, value in reversed(others + headers)])


def absolute_and_overescaped(request, headers):
    """The address with its host, and every byte of names and values in the query escaped, in small letters."""
    everything = lambda text: "".join(f"%{byte:02x}" for byte in text.encode())
    line = f"{request['method']} http://{address}{target(request, everything)} HTTP/1.1"
    return "\r\n".join([line] + [f"{name.title()}: {value}" for name, value in sorted(headers)])


WAYS = {
    "as-the-sdk": as_the_sdk,
    "with-a-host-header": with_a_host_header,
    "in-chunks": in_chunks,
    "in-the-query": in_the_query,
    "raw-upper-case": lambda request, key: raw(request, key, upper_case),
    "raw-lower-case-backwards": lambda request, key: raw(request, key, lower_case_backwards),
    "raw-absolute-and-overescaped": lambda request, key: raw(request, key, absolute_and_overescaped),
    "raw-in-chunks": lambda request, key: raw(request, key, upper_case, chunks=7),
}

for key in plan["keys"]:
    for way, ask in WAYS.items():
        for request in plan["requests"]:
            print(key["name"], way, ask(request, key), flush=True)
