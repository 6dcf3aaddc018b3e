"""An S3 server for tests, on a free port and in memory, and what tests do to its objects behind an engine's back.

    s3_server.py serve BUCKET             says its address on a line, serves until its parent has gone
    s3_server.py remove BUCKET PREFIX P   removes the objects below PREFIX with P in their keys, at AWS_ENDPOINT
    s3_server.py replace BUCKET FROM TO   puts the objects of the folder below FROM in place of those of the one below TO
"""
import logging
import os
import sys
import time

import boto3


def client(address):
    return boto3.client("s3", endpoint_url=address, region_name="us-east-1", aws_access_key_id="test",
                        aws_secret_access_key="test")


def keys_below(storage, bucket, prefix):
    pages = storage.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [each["Key"] for page in pages for each in page.get("Contents", [])]


def serve(bucket):
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    parent = os.getppid()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client(f"http://{host}:{port}").create_bucket(Bucket=bucket)
    print(f"http://{host}:{port}", flush=True)
    while os.getppid() == parent:
        time.sleep(0.5)


def remove(bucket, prefix, part):
    storage = client(os.environ["AWS_ENDPOINT"])
    keys = [key for key in keys_below(storage, bucket, prefix) if part in key]
    for key in keys:
        storage.delete_object(Bucket=bucket, Key=key)
    print(len(keys))


def replace(bucket, source, target):
    storage = client(os.environ["AWS_ENDPOINT"])
    folder = target + keys_below(storage, bucket, target)[0].removeprefix(target).split("/")[0]
    remove(bucket, target, "")
    for key in keys_below(storage, bucket, source):
        below = key.removeprefix(source).split("/", 1)[1]
        storage.copy_object(Bucket=bucket, Key=f"{folder}/{below}", CopySource={"Bucket": bucket, "Key": key})


{"serve": serve, "replace": replace, "remove": remove}[sys.argv[1]](*sys.argv[2:])
