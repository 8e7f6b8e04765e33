"""Does each operation once through the official Python SDK, unmodified, so that its requests can be looked at.

Standard input says where and with which key, as JSON. The names of the operations are printed in the order in which they
were done; each sends one request.
"""

import json
import sys

from qcloud_cos import CosConfig, CosS3Client

plan = json.load(sys.stdin)
client = CosS3Client(
    CosConfig(
        Region="ap-guangzhou",
        Scheme="http",
        SecretId=plan["id"],
        SecretKey=plan["secret"],
        Proxies={"http": "http://" + plan["address"]},
    ),
    retry=0,
)
BUCKET = "b-125"
OBJECT = {"Bucket": BUCKET, "Key": "in/a b+c.txt"}
SOURCE = {"Bucket": "src-125", "Key": "d/ä b+c/./x", "Region": "ap-guangzhou"}
VERSION = dict(SOURCE, VersionId="v/1")
UPLOAD = dict(OBJECT, UploadId="u/1")
METADATA = {
    "ContentType": "image/jpeg",
    "CacheControl": "no-cache",
    "Metadata": {"x-cos-meta-camera": "one"},
}
TAGS = {"TagSet": {"Tag": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "<2>&"}]}}

OPERATIONS = {
    "put": lambda: client.put_object(
        Body=b"hello", StorageClass="STANDARD_IA", Tagging="a=1&b=%3C2%3E%26", ServerSideEncryption="AES256", **METADATA, **OBJECT
    ),
    "put, nothing": lambda: client.put_object(Body=b"", **OBJECT),
    "head": lambda: client.head_object(**OBJECT),
    "head, version": lambda: client.head_object(VersionId="v/1", **OBJECT),
    "get, range": lambda: client.get_object(Range="bytes=5-9", **OBJECT),
    "get, version": lambda: client.get_object(Range="bytes=0-4", VersionId="v/1", **OBJECT),
    "list": lambda: client.list_objects(Bucket=BUCKET, Prefix="in/", Marker="in/a b", MaxKeys=10),
    "list versions": lambda: client.list_objects_versions(
        Bucket=BUCKET, Prefix="in/", KeyMarker="in/a", VersionIdMarker="v/1", MaxKeys=10
    ),
    "copy": lambda: client.copy_object(CopySource=SOURCE, **OBJECT),
    "copy, version": lambda: client.copy_object(CopySource=VERSION, **OBJECT),
    "copy, replaced": lambda: client.copy_object(
        CopySource=SOURCE, CopyStatus="Replaced", StorageClass="ARCHIVE", ACL="private", **METADATA, **OBJECT
    ),
    "copy, conditions": lambda: client.copy_object(
        CopySource=SOURCE, CopySourceIfUnmodifiedSince="Sun, 06 Nov 1994 08:49:37 GMT", **OBJECT
    ),
    "begin upload": lambda: client.create_multipart_upload(StorageClass="STANDARD_IA", **METADATA, **OBJECT),
    "part": lambda: client.upload_part(Body=b"hello", PartNumber=2, **UPLOAD),
    "part, copied": lambda: client.upload_part_copy(
        PartNumber=2, CopySource=SOURCE, CopySourceRange="bytes=5-9", CopySourceIfMatch='"e"', **UPLOAD
    ),
    "complete upload": lambda: client.complete_multipart_upload(
        MultipartUpload={"Part": [{"PartNumber": 1, "ETag": '"p1"'}, {"PartNumber": 2, "ETag": '"p2"'}]}, **UPLOAD
    ),
    "abort upload": lambda: client.abort_multipart_upload(**UPLOAD),
    "list parts": lambda: client.list_parts(MaxParts=10, PartNumberMarker=1, **UPLOAD),
    "list uploads": lambda: client.list_multipart_uploads(
        Bucket=BUCKET, Prefix="in/", KeyMarker="in/a", UploadIdMarker="u/1", MaxUploads=10
    ),
    "put tags": lambda: client.put_object_tagging(Tagging=TAGS, **OBJECT),
    "put tags, version": lambda: client.put_object_tagging(Tagging=TAGS, VersionId="v/1", **OBJECT),
    "get tags": lambda: client.get_object_tagging(**OBJECT),
    "delete tags": lambda: client.delete_object_tagging(**OBJECT),
    "delete": lambda: client.delete_object(**OBJECT),
    "delete, version": lambda: client.delete_object(VersionId="v/1", **OBJECT),
    "restore": lambda: client.restore_object(
        RestoreRequest={"Days": 7, "CASJobParameters": {"Tier": "Bulk"}}, **OBJECT
    ),
    "put acl": lambda: client.put_object_acl(ACL="public-read", **OBJECT),
    "put acl, grants": lambda: client.put_object_acl(
        GrantRead='id="qcs::cam::uin/1:uin/2", id="qcs::cam::uin/1:uin/3"', **OBJECT
    ),
    "get acl": lambda: client.get_object_acl(**OBJECT),
    "head bucket": lambda: client.head_bucket(Bucket=BUCKET),
    "delete bucket": lambda: client.delete_bucket(Bucket=BUCKET),
    "get versioning": lambda: client.get_bucket_versioning(Bucket=BUCKET),
    "put versioning": lambda: client.put_bucket_versioning(Bucket=BUCKET, Status="Enabled"),
    "list buckets": lambda: client.list_buckets(),
}

for name, operation in OPERATIONS.items():
    operation()
    print(name)
