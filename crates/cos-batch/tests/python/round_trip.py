"""One half of a round trip through the official Python SDK of COS, unmodified: `upload` or `download`.

Standard input says where and with which key, as JSON. `upload` puts objects and a manifest of them, and prints the
manifest's ETag; `download` reads the copies and the report and compares them.
"""

import hashlib
import json
import sys
import tempfile
from urllib.parse import quote

from qcloud_cos import CosConfig, CosS3Client

plan = json.load(sys.stdin)
client = CosS3Client(
    CosConfig(
        Region="ap-guangzhou",
        SecretId=plan["id"],
        SecretKey=plan["secret"],
        Scheme="http",
        Proxies={"http": f"http://{plan['address']}"},
    ),
    retry=0,
)
source, target = plan["source"], plan["target"]
MB = 1024 * 1024


def objects():
    """Key and content of each object, the same in both halves."""
    for number in range(40):
        yield f"in/{number:03} é+&.txt", f"{number}\n".encode() * number
    yield "in/odd//key/../with dots/", b"odd"
    yield "in/large.bin", bytes(range(256)) * (3 * MB // 256) + b"end"


def upload():
    for bucket in (source, target):
        client.create_bucket(Bucket=bucket)
    rows = []
    for key, content in objects():
        if len(content) > MB:
            with tempfile.NamedTemporaryFile() as file:
                file.write(content)
                file.flush()
                client.upload_file(Bucket=source, Key=key, LocalFilePath=file.name, PartSize=1)
        else:
            client.put_object(Bucket=source, Key=key, Body=content, Metadata={"x-cos-meta-size": str(len(content))})
        rows.append(f"{source},{quote(key, safe='/')}\n")
    rows.append(f"{source},in/gone.txt\n")
    answer = client.put_object(Bucket=source, Key="lists/all.csv", Body="".join(rows).encode())
    print(answer["ETag"].strip('"'))


def read(bucket, key):
    answer = client.get_object(Bucket=bucket, Key=key)
    return answer, answer["Body"].get_raw_stream().read()


def download():
    for key, content in objects():
        answer, copy = read(target, key)
        assert copy == content, key
        if len(content) <= MB:
            assert answer["x-cos-meta-size"] == str(len(content)), answer
    _, manifest = read(target, f"reports/job-{plan['job']}/manifest.json")
    rows = []
    for result in json.loads(manifest)["Results"]:
        assert result["Bucket"] == target
        _, part = read(target, result["Key"])
        assert hashlib.md5(part).hexdigest() == result["MD5Checksum"], result
        rows += part.decode().splitlines()
    failed = [row for row in rows if ",succeeded," not in row]
    assert len(rows) == len(list(objects())) + 1, rows
    assert len(failed) == 1 and "in/gone.txt" in failed[0] and "NoSuchKey" in failed[0], failed
    listed = client.list_objects(Bucket=target, Prefix="in/")["Contents"]
    assert sorted(entry["Key"] for entry in listed) == sorted(key for key, _ in objects())
    print("the same")


{"upload": upload, "download": download}[sys.argv[1]]()
