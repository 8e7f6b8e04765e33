"""Copies objects from one bucket to another with boto3, as a script of an operator would.

Usage: python copies.py ENDPOINT SOURCE TARGET THREADS LIST
"""

import concurrent.futures
import sys

import boto3
from botocore.config import Config

endpoint, source, target, threads, keys = sys.argv[1:]
threads = int(threads)
config = Config(max_pool_connections=threads, s3={"addressing_style": "path"}, retries={"max_attempts": 1})
client = boto3.client("s3", endpoint_url=endpoint, config=config)


def copy(key):
    client.copy_object(Bucket=target, Key=key, CopySource={"Bucket": source, "Key": key})


with open(keys, encoding="utf-8") as lines, concurrent.futures.ThreadPoolExecutor(threads) as pool:
    for _ in pool.map(copy, (line.strip() for line in lines)):
        pass
