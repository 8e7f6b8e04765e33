"""Stories of somebody with boto3, as it comes from the package index, and a server of batch jobs.

Usage: s3control.py STORY, with the plan as JSON on the standard input. Tells what it made, as JSON.
"""

import base64
import csv
import datetime
import hashlib
import json
import pathlib
import sys
import urllib.error
import urllib.parse
import urllib.request

import boto3
import botocore.config
import botocore.exceptions

PLAN = json.load(sys.stdin)
ACCOUNT = "123456789012"
ENDED = {"Complete", "Failed", "Cancelled"}


def client(key=None, secret=None, region="snow", endpoint=PLAN["endpoint"], **config):
    # With any other region botocore puts the account before the host.
    return boto3.client(
        "s3control",
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=key or PLAN.get("key", "AKIDEXAMPLE"),
        aws_secret_access_key=secret or PLAN.get("secret", "exampleSecret"),
        config=botocore.config.Config(retries={"max_attempts": 0}, **config),
    )


def request(**changes):
    asked = {
        "AccountId": ACCOUNT,
        "ConfirmationRequired": True,
        "Operation": {
            "S3PutObjectCopy": {
                "TargetResource": f"arn:aws:s3:::{PLAN['target']}",
                "TargetKeyPrefix": "copies",
                "NewObjectMetadata": {"ContentType": "image/jpeg", "UserMetadata": {"k1": "v1"}},
                "NewObjectTagging": [{"Key": "album", "Value": "2026"}],
            }
        },
        "Manifest": {
            "Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key"]},
            "Location": {
                "ObjectArn": f"arn:aws:s3:::{PLAN['source']}/{PLAN.get('manifest', 'manifest.csv')}",
                "ETag": f'"{PLAN["etag"]}"',
            },
        },
        "Report": {
            "Bucket": f"arn:aws:s3:::{PLAN['target']}",
            "Format": "Report_CSV_20180820",
            "Enabled": True,
            "Prefix": "reports",
            "ReportScope": "AllTasks",
        },
        "Priority": 10,
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/batch",
        "Description": "keep <&> é",
        "Tags": [{"Key": "team", "Value": "photos"}],
    }
    asked.update(changes)
    return {name: value for name, value in asked.items() if value is not None}


def generator(**changes):
    asked = {"SourceBucket": f"arn:aws:s3:::{PLAN['source']}", "EnableManifestOutput": False, **changes}
    return {"S3JobManifestGenerator": asked}


def look_until(s3control, job, enough):
    while True:
        seen = s3control.describe_job(AccountId=ACCOUNT, JobId=job)["Job"]
        if enough(seen["Status"]):
            return seen


def life():
    s3control = client()
    asked = request(ClientRequestToken="the same")
    job = s3control.create_job(**asked)["JobId"]
    # Whoever is not told asks again, and gets the same job.
    assert s3control.create_job(**asked)["JobId"] == job
    seen = look_until(s3control, job, lambda status: status not in ("New", "Preparing"))
    assert seen["Status"] == "Suspended", seen
    assert seen["SuspendedCause"] and seen["SuspendedDate"], seen
    for name in ("Operation", "Manifest", "Report", "Priority", "RoleArn", "Description", "ConfirmationRequired"):
        assert seen[name] == asked[name], (name, seen[name])
    assert seen["JobArn"] == f"arn:aws:s3:snow:{ACCOUNT}:job/{job}", seen["JobArn"]
    assert seen["ProgressSummary"] == {
        "TotalNumberOfTasks": 6,
        "NumberOfTasksSucceeded": 0,
        "NumberOfTasksFailed": 0,
        "Timers": {"ElapsedTimeInActiveSeconds": 0},
    }, seen
    tags(s3control, job)
    answer = s3control.update_job_priority(AccountId=ACCOUNT, JobId=job, Priority=42)
    assert (answer["JobId"], answer["Priority"]) == (job, 42), answer
    answer = s3control.update_job_status(
        AccountId=ACCOUNT, JobId=job, RequestedJobStatus="Ready", StatusUpdateReason="go on now"
    )
    assert answer["JobId"] == job and answer["StatusUpdateReason"] == "go on now", answer
    seen = look_until(s3control, job, lambda status: status in ENDED)
    assert seen["Status"] == "Complete" and seen["Priority"] == 42 and seen["TerminationDate"], seen
    counts = seen["ProgressSummary"]
    assert (counts["NumberOfTasksSucceeded"], counts["NumberOfTasksFailed"]) == (5, 1), seen
    report(job)
    pages(s3control, job)
    return {"job": job}


def tags(s3control, job):
    def get():
        return s3control.get_job_tagging(AccountId=ACCOUNT, JobId=job)["Tags"]

    assert get() == [{"Key": "team", "Value": "photos"}]
    new = [{"Key": "a", "Value": "1"}, {"Key": "é", "Value": ""}]
    s3control.put_job_tagging(AccountId=ACCOUNT, JobId=job, Tags=new)
    assert get() == new, get()
    s3control.delete_job_tagging(AccountId=ACCOUNT, JobId=job)
    assert get() == [], get()


def report(job):
    found = {key: row[:3] for key, row in rows(job).items()}
    expected = {f"{number} é+.jpg": ("succeeded", "200", "") for number in range(5)}
    expected["missing.jpg"] = ("failed", "404", "NoSuchKey")
    assert found == expected, found


def rows(job):
    folder = pathlib.Path(PLAN["folder"])
    manifest = json.loads((folder / f"reports/job-{job}/manifest.json").read_text())
    assert manifest["Format"] == "Report_CSV_20180820", manifest
    found = {}
    for result in manifest["Results"]:
        assert result["Bucket"] == PLAN["target"], result
        with open(folder / result["Key"], newline="") as file:
            for bucket, key, version, status, http_status, code, told in csv.reader(file):
                assert (bucket, version) == (PLAN["source"], ""), bucket
                assert status == result["TaskExecutionStatus"], status
                found[urllib.parse.unquote(key)] = (status, http_status, code, told)
    return found


def pages(s3control, job):
    jobs = [job] + [s3control.create_job(**request())["JobId"] for _ in range(4)]
    found, token = [], {}
    while True:
        page = s3control.list_jobs(AccountId=ACCOUNT, MaxResults=2, **token)
        assert len(page["Jobs"]) <= 2, page
        found += page["Jobs"]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert [each["JobId"] for each in found] == jobs, found
    assert {each["Operation"] for each in found} == {"S3PutObjectCopy"}, found
    complete = s3control.list_jobs(AccountId=ACCOUNT, JobStatuses=["Complete", "Failed"])["Jobs"]
    assert [each["JobId"] for each in complete] == [job], complete
    assert complete[0]["Description"] == "keep <&> é" and complete[0]["TerminationDate"], complete


def errors():
    s3control = client()
    raised = s3control.exceptions

    def refused(kind, call, word, **arguments):
        try:
            answer = call(**{"AccountId": ACCOUNT, **arguments})
        except botocore.exceptions.ClientError as error:
            assert kind is None or isinstance(error, kind), (kind, error)
            assert word in str(error), (word, error)
            return error.response["ResponseMetadata"]["HTTPStatusCode"]
        raise AssertionError((word, answer))

    nobody = "0193a1b2-c3d4-7e5f-8a6b-0c1d2e3f4a5b"
    assert refused(raised.NotFoundException, s3control.describe_job, "no job", JobId=nobody) == 404
    assert refused(raised.NotFoundException, s3control.get_job_tagging, "no job", JobId=nobody) == 404
    job = s3control.create_job(**request(ClientRequestToken="t"))["JobId"]
    make = s3control.create_job
    again = request(ClientRequestToken="t", Priority=1)
    assert refused(raised.IdempotencyException, make, "ClientRequestToken", **again) == 400
    assert refused(raised.BadRequestException, make, "Manifest", **request(Manifest=None)) == 400
    assert refused(raised.BadRequestException, make, "Priority", **request(Priority=2**31)) == 400
    assert refused(raised.BadRequestException, make, "Description", **request(Description="é" * 257)) == 400
    two = {"S3DeleteObjectTagging": {}, "S3ReplicateObject": {}}
    assert refused(raised.BadRequestException, make, "Operation", **request(Operation=two)) == 400
    many = [{"Key": f"k{number}", "Value": ""} for number in range(51)]
    assert refused(raised.BadRequestException, make, "50 tags", **request(Tags=many)) == 400
    for name, operation in {
        "S3ReplicateObject": {},
        "S3ComputeObjectChecksum": {"ChecksumType": "COMPOSITE"},
        "S3UpdateObjectEncryption": {},
    }.items():
        assert refused(None, make, name, **request(Operation={name: operation})) == 501
    unknown = {"LambdaInvoke": {"FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:nobodys"}}
    assert refused(raised.BadRequestException, make, "nobodys", **request(Operation=unknown)) == 400
    output = {"Bucket": f"arn:aws:s3:::{PLAN['target']}", "ManifestFormat": "S3InventoryReport_CSV_20211130"}
    for part, word in (
        ({"EnableManifestOutput": True, "ManifestOutputLocation": output}, "EnableManifestOutput"),
        ({"Filter": {"EligibleForReplication": True}}, "EligibleForReplication"),
    ):
        asked = request(Manifest=None, ManifestGenerator=generator(**part))
        assert refused(None, make, word, **asked) == 501
    elsewhere = {**request()["Report"], "Bucket": "arn:aws:s3:::somebodys"}
    assert refused(None, make, "AccessDenied", **request(Report=elsewhere)) == 403
    owner = {**request()["Report"], "ExpectedBucketOwner": "210987654321"}
    assert refused(None, make, "AccessDenied", **request(Report=owner)) == 403
    assert refused(raised.InvalidNextTokenException, s3control.list_jobs, "nextToken", NextToken="x") == 400
    assert refused(raised.InvalidRequestException, s3control.list_jobs, "jobStatuses", JobStatuses=["Lost"]) == 400
    put = s3control.put_job_tagging
    assert refused(raised.TooManyTagsException, put, "50 tags", JobId=job, Tags=many) == 400
    change = s3control.update_job_status
    look_until(s3control, job, lambda status: status == "Suspended")
    paused = {"JobId": job, "RequestedJobStatus": "Paused"}
    assert refused(raised.BadRequestException, change, "requestedJobStatus", **paused) == 400
    change(AccountId=ACCOUNT, JobId=job, RequestedJobStatus="Cancelled")
    look_until(s3control, job, lambda status: status == "Cancelled")
    assert refused(raised.JobStatusException, change, "already", JobId=job, RequestedJobStatus="Ready") == 400
    assert refused(raised.BadRequestException, s3control.update_job_priority, "already", JobId=job, Priority=1) == 400
    # Keys, and whose they are.
    assert refused(None, client(secret="wrong").list_jobs, "SignatureDoesNotMatch") == 403
    assert refused(None, client(key="AKIDNOBODY").list_jobs, "InvalidAccessKeyId") == 403
    other = client("AKIDOTHER", "secretOfTheOther")
    assert refused(None, other.list_jobs, "AccessDenied") == 403
    assert refused(raised.NotFoundException, other.describe_job, "no job", AccountId="210987654321", JobId=job) == 404
    assert other.list_jobs(AccountId="210987654321")["Jobs"] == []
    return {}


def operations():
    s3control = client()
    sidecars = pathlib.Path(PLAN["source_folder"]) / ".cos-batch"

    def kept(word):
        files = [path for path in sidecars.rglob("*") if path.is_file()]
        return sum(word in path.read_bytes() for path in files)

    def run(operation):
        job = s3control.create_job(**request(Operation=operation, ConfirmationRequired=False))["JobId"]
        seen = look_until(s3control, job, lambda status: status in ENDED)
        counts = seen["ProgressSummary"]
        done = (seen["Status"], counts["NumberOfTasksSucceeded"], counts["NumberOfTasksFailed"])
        assert done == ("Complete", 5, 1), seen
        assert seen["Operation"] == operation, seen
        return job

    run({"S3PutObjectTagging": {"TagSet": [{"Key": "album", "Value": "of 2026"}]}})
    assert kept(b"of 2026") == 5, kept(b"of 2026")
    run({"S3DeleteObjectTagging": {}})
    assert kept(b"of 2026") == 0, kept(b"of 2026")
    run({"S3PutObjectAcl": {"AccessControlPolicy": {"CannedAccessControlList": "public-read"}}})
    assert kept(b"public-read") == 5, kept(b"public-read")
    run({"S3PutObjectLegalHold": {"LegalHold": {"Status": "ON"}}})
    assert kept(b"legal_hold") == 5, kept(b"legal_hold")
    run({"S3PutObjectLegalHold": {"LegalHold": {"Status": "OFF"}}})
    assert kept(b"legal_hold") == 0, kept(b"legal_hold")
    until = datetime.datetime(2040, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    run({"S3PutObjectRetention": {"Retention": {"Mode": "GOVERNANCE", "RetainUntilDate": until}}})
    assert kept(str(int(until.timestamp())).encode()) == 5, until
    run({"S3PutObjectRetention": {"BypassGovernanceRetention": True, "Retention": {}}})
    assert kept(b"GOVERNANCE") == 0, kept(b"GOVERNANCE")
    job = run({"S3ComputeObjectChecksum": {"ChecksumAlgorithm": "SHA256", "ChecksumType": "FULL_OBJECT"}})
    sums = {key: json.loads(told) for key, (status, _, _, told) in rows(job).items() if status == "succeeded"}
    for number in range(5):
        text = f"photo {number}".encode()
        told = sums[f"{number} é+.jpg"]
        assert told["checksum_hex"] == hashlib.sha256(text).hexdigest().upper(), told
        assert base64.b64decode(told["checksum_base64"]) == hashlib.sha256(text).digest(), told
        assert told["etag"] == hashlib.md5(text).hexdigest(), told
        assert (told["checksumAlgorithm"], told["checksumType"]) == ("SHA256", "FULL_OBJECT"), told
    names = [job["Operation"] for job in s3control.list_jobs(AccountId=ACCOUNT)["Jobs"]]
    assert names == [
        "S3PutObjectTagging",
        "S3DeleteObjectTagging",
        "S3PutObjectAcl",
        "S3PutObjectLegalHold",
        "S3PutObjectLegalHold",
        "S3PutObjectRetention",
        "S3PutObjectRetention",
        "S3ComputeObjectChecksum",
    ], names
    return {}


def functions():
    s3control = client()
    function = "arn:aws:lambda:us-east-1:123456789012:function:resize"
    arguments = {"FunctionArn": function, "InvocationSchemaVersion": "2.0", "UserArguments": {"width": "80 <&>"}}
    asked = request(Operation={"LambdaInvoke": arguments}, ConfirmationRequired=False)
    job = s3control.create_job(**asked)["JobId"]
    seen = look_until(s3control, job, lambda status: status in ENDED)
    assert seen["Status"] == "Complete" and seen["Operation"] == {"LambdaInvoke": arguments}, seen
    assert s3control.list_jobs(AccountId=ACCOUNT)["Jobs"][0]["Operation"] == "LambdaInvoke"
    failed = {key: row[1:] for key, row in rows(job).items() if row[0] == "failed"}
    assert failed == {
        "2 é+.jpg": ("200", "PermanentFailure", 'no "room"'),
        "missing.jpg": ("403", "FunctionError", 'the function "resize" answered 403 Forbidden'),
    }, failed
    told = {key: row[1:] for key, row in rows(job).items() if row[0] == "succeeded"}
    assert told == {
        "0 é+.jpg": ("200", "", "80 <&>"),
        "1 é+.jpg": ("200", "", "second try"),
        "3 é+.jpg": ("200", "", "second try"),
        "4 é+.jpg": ("200", "", "the function's answer has no result for the task"),
    }, told
    return {"job": job}


def generated():
    s3control = client()
    names = {"MatchAnyPrefix": ["1", "2", "manifest"], "MatchAnySuffix": [".jpg"]}
    asked = generator(Filter={"KeyNameConstraint": names, "ObjectSizeGreaterThanBytes": 3})
    job = s3control.create_job(**request(Manifest=None, ManifestGenerator=asked))["JobId"]
    seen = look_until(s3control, job, lambda status: status not in ("New", "Preparing"))
    assert (seen["Status"], seen["ProgressSummary"]["TotalNumberOfTasks"]) == ("Suspended", 2), seen
    assert seen["ManifestGenerator"] == asked and "Manifest" not in seen, seen
    s3control.update_job_status(AccountId=ACCOUNT, JobId=job, RequestedJobStatus="Ready")
    seen = look_until(s3control, job, lambda status: status in ENDED)
    counts = seen["ProgressSummary"]
    assert (counts["NumberOfTasksSucceeded"], counts["NumberOfTasksFailed"]) == (2, 0), seen
    copies = sorted(path.name for path in (pathlib.Path(PLAN["folder"]) / "copies").iterdir())
    assert [name for name in copies if name.endswith(".jpg")] == ["1 é+.jpg", "2 é+.jpg"], copies
    nothing = generator(Filter={"KeyNameConstraint": {"MatchAnySubstring": ["no such"]}})
    job = s3control.create_job(**request(Manifest=None, ManifestGenerator=nothing))["JobId"]
    seen = look_until(s3control, job, lambda status: status in ENDED)
    assert seen["Status"] == "Failed" and "found no keys" in seen["FailureReasons"][0]["FailureReason"], seen
    return {}


def ways():
    job = client().create_job(**request())["JobId"]
    # Through a proxy, with the account before a host that is no machine: the target then is an address as a whole.
    proxied = client(region="eu-west-1", endpoint="http://batch.example", proxies={"http": PLAN["endpoint"]})
    seen = proxied.describe_job(AccountId=ACCOUNT, JobId=job)["Job"]
    assert seen["JobArn"] == f"arn:aws:s3:eu-west-1:{ACCOUNT}:job/{job}", seen["JobArn"]
    assert proxied.update_job_priority(AccountId=ACCOUNT, JobId=job, Priority=5)["Priority"] == 5
    # By an address that is signed itself.
    address = client().generate_presigned_url("describe_job", Params={"AccountId": ACCOUNT, "JobId": job}, ExpiresIn=60)
    asked = urllib.request.Request(address, headers={"x-amz-account-id": ACCOUNT})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    assert f"<JobId>{job}</JobId>" in opener.open(asked).read().decode()
    other = job[:-1] + ("1" if job.endswith("0") else "0")
    try:
        opener.open(urllib.request.Request(address.replace(job, other), headers=dict(asked.header_items())))
    except urllib.error.HTTPError as error:
        assert error.code == 403 and b"SignatureDoesNotMatch" in error.read(), error
    else:
        raise AssertionError("another job was shown")
    return {}


def confirm():
    client().update_job_status(AccountId=ACCOUNT, JobId=PLAN["job"], RequestedJobStatus="Ready")
    return look()


def look():
    seen = look_until(client(), PLAN["job"], lambda status: status in ENDED)
    failed, key = seen["ProgressSummary"]["NumberOfTasksFailed"], seen["Manifest"]["Location"]["ObjectArn"]
    return {"status": seen["Status"], "failed": failed, "key": key}


def create():
    return {"job": client().create_job(**request())["JobId"]}


def foreign():
    s3control = client()
    ours = look_until(s3control, PLAN["cancelled"], lambda status: status in ENDED)
    assert (ours["Status"], ours["Priority"]) == ("Cancelled", 77), ours
    theirs = look_until(s3control, PLAN["theirs"], lambda status: status == "Suspended")
    target = f"arn:aws:s3:::{PLAN['target']}"
    assert theirs["Operation"]["S3PutObjectCopy"]["TargetResource"] == target, theirs
    assert theirs["Manifest"]["Spec"]["Fields"] == ["Bucket", "Key"], theirs
    assert theirs["Report"]["Bucket"] == target, theirs
    listed = s3control.list_jobs(AccountId=ACCOUNT)["Jobs"]
    assert [each["JobId"] for each in listed] == [PLAN["cancelled"], PLAN["theirs"]], listed
    s3control.update_job_priority(AccountId=ACCOUNT, JobId=PLAN["theirs"], Priority=3)
    s3control.update_job_status(AccountId=ACCOUNT, JobId=PLAN["theirs"], RequestedJobStatus="Cancelled")
    theirs = look_until(s3control, PLAN["theirs"], lambda status: status in ENDED)
    assert (theirs["Status"], theirs["Priority"]) == ("Cancelled", 3), theirs
    return {}


STORIES = [life, errors, operations, functions, generated, ways, confirm, look, create, foreign]
print(json.dumps({story.__name__: story for story in STORIES}[sys.argv[1]]()))
