"""Uses a COS endpoint through the official Python SDK, unmodified, as its users would.

Standard input says where and with which key, as JSON. Each function below is one story in a bucket of its own; its name
is printed when it has ended as it should. Anything else is an exception.
"""

import hashlib
import io
import json
import os
import sys
import tempfile

import requests
from qcloud_cos import CosConfig, CosS3Client
from qcloud_cos.cos_exception import CosServiceError

plan = json.load(sys.stdin)
address = plan["address"]
appid = plan["appid"]
REGION = "ap-guangzhou"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
MB = 1024 * 1024
# Keys that are awkward in addresses, in XML, or as paths.
ODD_KEYS = [
    "plain.txt",
    "a b+c&d=e?f#g%h.txt",
    "中文/ключ/é.txt",
    "a//b///c",
    "a/./b/../c",
    "folder/",
    "quote\"'<>&amp;.txt",
    "~!*()'.txt",
    "x" * 300,
]


def configuration(way):
    key = {"SecretId": plan["id"], "SecretKey": plan["secret"], "Region": REGION, "Scheme": "http"}
    if way == "address":
        host, port = address.rsplit(":", 1)
        return CosConfig(IP=host, Port=int(port), ServiceDomain=address, **key)
    return CosConfig(Proxies={"http": f"http://{address}"}, **key)


def fails(status, code, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except CosServiceError as error:
        assert (error.get_status_code(), error.get_error_code()) == (status, code), error
        return error
    raise AssertionError(f"{call.__name__} did not fail with {code}")


def content(answer):
    return answer["Body"].get_raw_stream().read()


def quoted_md5(data):
    return '"%s"' % hashlib.md5(data).hexdigest()


def objects(client, bucket):
    data = os.urandom(3 * MB + 7)
    answer = client.put_object(
        Bucket=bucket,
        Key="in/one.bin",
        Body=data,
        ContentType="image/jpeg",
        CacheControl="no-cache",
        Metadata={"x-cos-meta-camera": "one two"},
        StorageClass="STANDARD_IA",
    )
    assert answer["ETag"] == quoted_md5(data), answer
    assert answer["x-cos-hash-crc64ecma"].isdigit(), answer
    answer = client.get_object(Bucket=bucket, Key="in/one.bin")
    assert content(answer) == data
    assert answer["Content-Type"] == "image/jpeg" and answer["x-cos-meta-camera"] == "one two", answer
    assert answer["x-cos-storage-class"] == "STANDARD_IA" and answer["ETag"] == quoted_md5(data)
    answer = client.get_object(Bucket=bucket, Key="in/one.bin", Range="bytes=1000000-2000000")
    assert content(answer) == data[1000000:2000001]
    assert answer["Content-Range"] == f"bytes 1000000-2000000/{len(data)}", answer
    answer = client.get_object(Bucket=bucket, Key="in/one.bin", ResponseContentType="text/plain; a=b")
    assert answer["Content-Type"] == "text/plain; a=b"
    head = client.head_object(Bucket=bucket, Key="in/one.bin")
    assert int(head["Content-Length"]) == len(data) and head["Cache-Control"] == "no-cache", head
    client.get_object(Bucket=bucket, Key="in/one.bin", IfMatch=head["ETag"])
    fails(412, "PreconditionFailed", client.get_object, Bucket=bucket, Key="in/one.bin", IfMatch='"other"')
    fails(416, "InvalidRange", client.get_object, Bucket=bucket, Key="in/one.bin", Range=f"bytes={len(data)}-")
    fails(404, "NoSuchKey", client.get_object, Bucket=bucket, Key="in/none")
    fails(404, "NoSuchResource", client.head_object, Bucket=bucket, Key="in/none")
    assert client.object_exists(Bucket=bucket, Key="in/one.bin")
    assert not client.object_exists(Bucket=bucket, Key="in/none")
    client.delete_object(Bucket=bucket, Key="in/one.bin")
    client.delete_object(Bucket=bucket, Key="in/one.bin")
    assert not client.object_exists(Bucket=bucket, Key="in/one.bin")
    for body in (b"", "text", io.BytesIO(b"from a file"), (piece for piece in (b"in ", b"chunks"))):
        client.put_object(Bucket=bucket, Key="body", Body=body, EnableMD5=isinstance(body, bytes))
    assert content(client.get_object(Bucket=bucket, Key="body")) == b"in chunks"
    fails(404, "NoSuchBucket", client.put_object, Bucket=f"none-{appid}", Key="k", Body=b"")
    fails(403, "AccessDenied", client.get_object, Bucket="theirs-1251111111", Key="k")


def odd_keys(client, bucket):
    for key in ODD_KEYS:
        client.put_object(Bucket=bucket, Key=key, Body=key.encode())
    for key in ODD_KEYS:
        assert content(client.get_object(Bucket=bucket, Key=key)) == key.encode(), key
    listed = [entry["Key"] for entry in pages(client, bucket)]
    assert listed == sorted(ODD_KEYS, key=lambda key: key.encode()), listed
    answer = client.delete_objects(Bucket=bucket, Delete={"Object": [{"Key": key} for key in ODD_KEYS]})
    assert sorted(entry["Key"] for entry in answer["Deleted"]) == sorted(ODD_KEYS), answer
    assert pages(client, bucket) == []
    answer = client.delete_objects(Bucket=bucket, Delete={"Object": [{"Key": "none"}], "Quiet": "true"})
    assert "Deleted" not in answer and "Error" not in answer, answer


def pages(client, bucket, size=3, **named):
    found, marker = [], ""
    while True:
        answer = client.list_objects(Bucket=bucket, MaxKeys=size, Marker=marker, **named)
        entries = answer.get("Contents", [])
        prefixes = [{"Key": entry["Prefix"]} for entry in answer.get("CommonPrefixes", [])]
        assert len(entries) + len(prefixes) <= size, answer
        found += sorted(entries + prefixes, key=lambda entry: entry["Key"].encode())
        if answer["IsTruncated"] == "false":
            return found
        marker = answer["NextMarker"]


def listings(client, bucket):
    keys = [f"p{folder}/{name}" for folder in range(5) for name in ("a", "b/c", "b/d", "e")] + ["p", "p0", "p2", "q"]
    for key in keys:
        client.put_object(Bucket=bucket, Key=key, Body=b"12345")
    keys.sort()
    for size in (1, 3, 7, 1000):
        assert [entry["Key"] for entry in pages(client, bucket, size)] == keys
        top = [entry["Key"] for entry in pages(client, bucket, size, Delimiter="/")]
        assert top == ["p", "p0", "p0/", "p1/", "p2", "p2/", "p3/", "p4/", "q"], top
        inner = [entry["Key"] for entry in pages(client, bucket, size, Prefix="p1/", Delimiter="/")]
        assert inner == ["p1/a", "p1/b/", "p1/e"], inner
    entry = pages(client, bucket, 1000, Prefix="p1/a")[0]
    assert (entry["Size"], entry["ETag"], entry["StorageClass"]) == ("5", quoted_md5(b"12345"), "STANDARD"), entry
    fails(404, "NoSuchBucket", client.list_objects, Bucket=f"none-{appid}")


def copies(client, bucket):
    client.put_object(
        Bucket=bucket, Key="from a", Body=b"body", ContentType="a/b", Metadata={"x-cos-meta-one": "1"}
    )
    source = {"Bucket": bucket, "Key": "from a", "Region": REGION}
    answer = client.copy_object(Bucket=bucket, Key="to", CopySource=source)
    assert answer["ETag"] == quoted_md5(b"body"), answer
    head = client.head_object(Bucket=bucket, Key="to")
    assert (head["Content-Type"], head["x-cos-meta-one"]) == ("a/b", "1"), head
    client.copy_object(
        Bucket=bucket, Key="to", CopySource=source, CopyStatus="Replaced", ContentType="c/d", StorageClass="ARCHIVE"
    )
    head = client.head_object(Bucket=bucket, Key="to")
    assert head["Content-Type"] == "c/d" and "x-cos-meta-one" not in head, head
    assert head["x-cos-storage-class"] == "ARCHIVE"
    fails(403, "InvalidObjectState", client.get_object, Bucket=bucket, Key="to")
    fails(400, "InvalidRequest", client.copy_object, Bucket=bucket, Key="from a", CopySource=source)
    fails(404, "NoSuchKey", client.copy_object, Bucket=bucket, Key="x", CopySource=dict(source, Key="none"))
    theirs = dict(source, Bucket="theirs-1251111111")
    fails(403, "AccessDenied", client.copy_object, Bucket=bucket, Key="x", CopySource=theirs)
    fails(
        412,
        "PreconditionFailed",
        client.copy_object,
        Bucket=bucket,
        Key="x",
        CopySource=source,
        CopySourceIfMatch='"other"',
    )


def copy_as_a_whole(client, bucket):
    """The SDK asks the source's own host, whatever address is set."""
    data = os.urandom(12 * MB)
    client.put_object(Bucket=bucket, Key="large", Body=data)
    source = {"Bucket": bucket, "Key": "large", "Region": REGION}
    client.copy(Bucket=bucket, Key="copy", CopySource=source)
    assert content(client.get_object(Bucket=bucket, Key="copy")) == data


def parts(client, bucket):
    data = os.urandom(5 * MB + 3)
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        answer = client.upload_file(Bucket=bucket, Key="a/large file", LocalFilePath=file.name, PartSize=2, EnableMD5=True)
        assert answer["ETag"].endswith('-3"'), answer
        assert content(client.get_object(Bucket=bucket, Key="a/large file")) == data
        copy = file.name + ".copy"
        client.download_file(Bucket=bucket, Key="a/large file", DestFilePath=copy, PartSize=1)
        with open(copy, "rb") as downloaded:
            assert downloaded.read() == data
        os.remove(copy)
    upload = client.create_multipart_upload(Bucket=bucket, Key="k", ContentType="x/y")["UploadId"]
    tags = []
    for number in (2, 1):
        answer = client.upload_part(Bucket=bucket, Key="k", Body=bytes([number]) * MB, PartNumber=number, UploadId=upload)
        tags.insert(0, {"PartNumber": number, "ETag": answer["ETag"]})
    source = {"Bucket": bucket, "Key": "a/large file", "Region": REGION}
    answer = client.upload_part_copy(
        Bucket=bucket, Key="k", PartNumber=3, UploadId=upload, CopySource=source, CopySourceRange="bytes=10-19"
    )
    tags.append({"PartNumber": 3, "ETag": answer["ETag"]})
    listed = client.list_parts(Bucket=bucket, Key="k", UploadId=upload, MaxParts=2)
    assert [part["PartNumber"] for part in listed["Part"]] == ["1", "2"] and listed["IsTruncated"] == "true", listed
    listed = client.list_multipart_uploads(Bucket=bucket)
    assert [entry["UploadId"] for entry in listed["Upload"]] == [upload], listed
    wrong = {"Part": [{"PartNumber": 1, "ETag": '"x"'}]}
    fails(400, "InvalidPart", client.complete_multipart_upload, Bucket=bucket, Key="k", UploadId=upload, MultipartUpload=wrong)
    backwards = {"Part": tags[::-1]}
    fails(
        400,
        "InvalidPartOrder",
        client.complete_multipart_upload,
        Bucket=bucket,
        Key="k",
        UploadId=upload,
        MultipartUpload=backwards,
    )
    answer = client.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Part": tags})
    assert answer["ETag"].endswith('-3"') and answer["x-cos-hash-crc64ecma"].isdigit(), answer
    answer = client.get_object(Bucket=bucket, Key="k")
    assert content(answer) == b"\1" * MB + b"\2" * MB + data[10:20] and answer["Content-Type"] == "x/y"
    upload = client.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    client.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)
    fails(404, "NoSuchUpload", client.abort_multipart_upload, Bucket=bucket, Key="k", UploadId=upload)
    assert "Upload" not in client.list_multipart_uploads(Bucket=bucket)


def tagging(client, bucket):
    client.put_object(Bucket=bucket, Key="k", Body=b"x")
    tags = [{"Key": "b c", "Value": "1"}, {"Key": "中", "Value": "2"}]
    client.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": {"Tag": tags}})
    answer = client.get_object_tagging(Bucket=bucket, Key="k")
    assert answer["TagSet"]["Tag"] == tags, answer
    client.delete_object_tagging(Bucket=bucket, Key="k")
    assert not client.get_object_tagging(Bucket=bucket, Key="k").get("TagSet")
    many = [{"Key": str(number), "Value": ""} for number in range(11)]
    fails(400, "InvalidTag", client.put_object_tagging, Bucket=bucket, Key="k", Tagging={"TagSet": {"Tag": many}})
    fails(404, "NoSuchKey", client.get_object_tagging, Bucket=bucket, Key="none")


def access(client, bucket):
    client.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert client.get_object_acl(Bucket=bucket, Key="k")["CannedACL"] == "default"
    client.put_object_acl(Bucket=bucket, Key="k", ACL="public-read")
    answer = client.get_object_acl(Bucket=bucket, Key="k")
    assert answer["CannedACL"] == "public-read", answer
    grantee = "qcs::cam::uin/100000000001:uin/100000000001"
    client.put_object_acl(Bucket=bucket, Key="k", GrantRead=f'id="{grantee}"')
    grants = client.get_object_acl(Bucket=bucket, Key="k")["AccessControlList"]["Grant"]
    assert [grant["Grantee"]["ID"] for grant in grants if grant["Permission"] == "READ"] == [grantee], grants
    policy = {
        "Owner": {"ID": grantee},
        "AccessControlList": {
            "Grant": [
                {
                    "Grantee": {"ID": grantee, "DisplayName": grantee, "@xsi:type": "CanonicalUser", "@xmlns:xsi": XSI},
                    "Permission": "WRITE_ACP",
                }
            ]
        },
    }
    client.put_object_acl(Bucket=bucket, Key="k", AccessControlPolicy=policy)
    grants = client.get_object_acl(Bucket=bucket, Key="k")["AccessControlList"]["Grant"]
    assert "WRITE_ACP" in [grant["Permission"] for grant in grants], grants
    # What was read may be written back, and changes nothing.
    grants = [{"ACL": acl} for acl in ("default", "private", "public-read")] + [{"GrantRead": f'id="{grantee}"'}]
    for change in grants + [{"ACL": "public-read", "GrantRead": f'id="{grantee}"'}]:
        client.put_object_acl(Bucket=bucket, Key="k", **change)
        policy = client.get_object_acl(Bucket=bucket, Key="k")
        if change.get("ACL") != "default":
            client.put_object_acl(Bucket=bucket, Key="k", AccessControlPolicy=policy)
            again = client.get_object_acl(Bucket=bucket, Key="k")
            assert again == policy, (policy, again)


def restore(client, bucket):
    client.put_object(Bucket=bucket, Key="cold", Body=b"x", StorageClass="DEEP_ARCHIVE")
    client.put_object(Bucket=bucket, Key="warm", Body=b"x")
    request = {"Days": 2, "CASJobParameters": {"Tier": "Bulk"}}
    fails(403, "InvalidObjectState", client.get_object, Bucket=bucket, Key="cold")
    client.restore_object(Bucket=bucket, Key="cold", RestoreRequest=request)
    assert content(client.get_object(Bucket=bucket, Key="cold")) == b"x"
    head = client.head_object(Bucket=bucket, Key="cold")
    assert head["x-cos-restore"].startswith('ongoing-request="false", expiry-date="'), head
    assert head["x-cos-storage-class"] == "DEEP_ARCHIVE"
    client.restore_object(Bucket=bucket, Key="cold", RestoreRequest=request)
    fails(405, "RestoreNonArchiveObject", client.restore_object, Bucket=bucket, Key="warm", RestoreRequest=request)
    fast = dict(request, CASJobParameters={"Tier": "Expedited"})
    fails(400, "InvalidArgument", client.restore_object, Bucket=bucket, Key="cold", RestoreRequest=fast)


def versions(client, bucket):
    client.put_object(Bucket=bucket, Key="k", Body=b"null")
    listed = client.list_objects_versions(Bucket=bucket)
    assert [entry["VersionId"] for entry in listed["Version"]] == [None], listed
    assert "Status" not in client.get_bucket_versioning(Bucket=bucket)
    client.put_bucket_versioning(Bucket=bucket, Status="Enabled")
    assert client.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    first = client.put_object(Bucket=bucket, Key="k", Body=b"1")["x-cos-version-id"]
    marker = client.delete_object(Bucket=bucket, Key="k")
    assert marker["x-cos-delete-marker"] == "true", marker
    fails(404, "NoSuchKey", client.get_object, Bucket=bucket, Key="k")
    assert content(client.get_object(Bucket=bucket, Key="k", VersionId=first)) == b"1"
    listed = client.list_objects_versions(Bucket=bucket, Prefix="k")
    assert [entry["VersionId"] for entry in listed["DeleteMarker"]] == [marker["x-cos-version-id"]], listed
    assert [entry["VersionId"] for entry in listed["Version"]] == [first, "null"], listed
    page = client.list_objects_versions(Bucket=bucket, MaxKeys=1)
    assert page["IsTruncated"] == "true" and page["NextVersionIdMarker"] == marker["x-cos-version-id"], page
    page = client.list_objects_versions(
        Bucket=bucket, MaxKeys=1, KeyMarker=page["NextKeyMarker"], VersionIdMarker=page["NextVersionIdMarker"]
    )
    assert [entry["VersionId"] for entry in page["Version"]] == [first], page
    source = {"Bucket": bucket, "Key": "k", "Region": REGION, "VersionId": "null"}
    client.copy_object(Bucket=bucket, Key="old", CopySource=source)
    assert content(client.get_object(Bucket=bucket, Key="old")) == b"null"
    fails(409, "BucketNotEmpty", client.delete_bucket, Bucket=bucket)
    client.put_bucket_versioning(Bucket=bucket, Status="Suspended")
    assert "x-cos-version-id" not in client.put_object(Bucket=bucket, Key="k", Body=b"2")
    answer = client.delete_objects(Bucket=bucket, Delete={"Object": [{"Key": "k", "VersionId": first}]})
    assert answer["Deleted"][0]["VersionId"] == first, answer
    listed = client.list_objects_versions(Bucket=bucket)
    entries = listed["Version"] + listed["DeleteMarker"]
    answer = client.delete_objects(Bucket=bucket, Delete={"Object": entries})
    assert len(answer["Deleted"]) == len(entries) == 3 and "Error" not in answer, answer
    listed = client.list_objects_versions(Bucket=bucket)
    assert "Version" not in listed and "DeleteMarker" not in listed, listed


def presigned(client, bucket):
    """With an address set, the SDK makes links that name no bucket."""
    url = client.get_presigned_url(Method="PUT", Bucket=bucket, Key="a b.txt", Expired=300)
    proxies = {"http": f"http://{address}"}
    answer = requests.put(url, data=b"through a link", proxies=proxies)
    assert answer.status_code == 200, answer.text
    url = client.get_presigned_url(
        Method="GET", Bucket=bucket, Key="a b.txt", Expired=300, Params={"response-content-type": "x/y"}
    )
    answer = requests.get(url, proxies=proxies)
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"through a link", "x/y")
    for changed in (url.replace("a%20b", "a%20c"), url + "&versionId=null", url.replace("x%2Fy", "x%2Fz")):
        answer = requests.get(changed, proxies=proxies)
        assert answer.status_code == 403, (changed, answer.text)
    assert requests.put(url, data=b"x", proxies=proxies).status_code == 403
    url = client.get_presigned_download_url(Bucket=bucket, Key="a b.txt", Expired=300)
    assert requests.get(url, proxies=proxies).content == b"through a link"


def buckets(client, bucket):
    client.head_bucket(Bucket=bucket)
    assert client.bucket_exists(Bucket=bucket)
    assert not client.bucket_exists(Bucket=f"none-{appid}")
    other = f"second-{appid}"
    client.create_bucket(Bucket=other)
    fails(409, "BucketAlreadyOwnedByYou", client.create_bucket, Bucket=other)
    names = [entry["Name"] for entry in client.list_buckets()["Buckets"]["Bucket"]]
    assert bucket in names and other in names and not any(name.startswith("theirs") for name in names), names
    client.delete_bucket(Bucket=other)
    fails(404, "NoSuchBucket", client.delete_bucket, Bucket=other)
    fails(403, "AccessDenied", client.create_bucket, Bucket="mine-1251111111")
    fails(501, "NotImplemented", client.get_bucket_lifecycle, Bucket=bucket)


def strangers(client, bucket):
    client.put_object(Bucket=bucket, Key="k", Body=b"x")
    for named, code in (
        ({"SecretKey": "wrong"}, "SignatureDoesNotMatch"),
        ({"SecretId": "AKIDunknown"}, "InvalidAccessKeyId"),
    ):
        key = dict({"SecretId": plan["id"], "SecretKey": plan["secret"]}, **named)
        config = CosConfig(Region=REGION, Scheme="http", Proxies={"http": f"http://{address}"}, **key)
        fails(403, code, CosS3Client(config).get_object, Bucket=bucket, Key="k")


STORIES = [objects, odd_keys, listings, copies, copy_as_a_whole, parts, tagging, access, restore, versions, presigned, buckets, strangers]

for way in ("address", "proxy"):
    client = CosS3Client(configuration(way), retry=0)
    for number, story in enumerate(STORIES):
        if way == "address" and story in (copy_as_a_whole, presigned):
            continue
        bucket = f"{way}-{number}-{appid}"
        client.create_bucket(Bucket=bucket)
        story(client, bucket)
        print(way, story.__name__, flush=True)
