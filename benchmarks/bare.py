"""What scripts do today: boto3 by itself, each loop in a process of its own.

python -m benchmarks.bare pool|serial|list URL [COUNT]
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

from benchmarks.campaign import question

THREADS = 64


def client(url: str) -> object:
    """boto3 as it comes, with connections for all threads."""
    return boto3.client(
        "mturk", region_name="us-east-1", endpoint_url=url, aws_access_key_id="BENCHMARK",
        aws_secret_access_key="secret", config=Config(max_pool_connections=THREADS),
    )  # fmt: skip


def publish(mturk: object, number: int) -> str:
    """One HIT."""
    answer = mturk.create_hit_with_hit_type(
        HITTypeId="3BENCHMARKTYPE",
        MaxAssignments=1,
        LifetimeInSeconds=604_800,
        Question=question(number),
        RequesterAnnotation=f"bare:{number}",
        UniqueRequestToken=f"bare:{number}",
    )
    return answer["HIT"]["HITId"]


def main(what: str, url: str, count: int = 0) -> None:
    """One loop."""
    mturk = client(url)
    if what == "list":
        pages = mturk.get_paginator("list_hits").paginate(PaginationConfig={"PageSize": 100})
        print(sum(len(page["HITs"]) for page in pages))
    elif what == "serial":
        print(len([publish(mturk, number) for number in range(count)]))
    else:
        with ThreadPoolExecutor(THREADS) as pool:
            print(len(list(pool.map(lambda number: publish(mturk, number), range(count)))))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
