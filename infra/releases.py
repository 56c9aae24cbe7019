"""The releases of a stage: the templates that were deployed, in the bucket for packages."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any


def remember(s3: Any, bucket: str, stage: str, template: str) -> None:
    """Note that the template at this address is deployed now."""
    key = f"{_prefix(stage)}{int(time.time() * 1000):013d}"
    s3.put_object(Bucket=bucket, Key=key, Body=template.encode())


def earlier(s3: Any, bucket: str, stage: str) -> str | None:
    """Return the address of the template that was deployed before the present one."""
    templates = _newest_first(s3, bucket, stage)
    present = next(templates, None)
    return next((template for template in templates if template != present), None)


def read(s3: Any, bucket: str, template: str) -> bytes:
    key = template.partition(f"/{bucket}/")[2]
    return bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def _newest_first(s3: Any, bucket: str, stage: str) -> Iterator[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=_prefix(stage))
    keys = sorted(entry["Key"] for page in pages for entry in page.get("Contents", []))
    for key in reversed(keys):
        yield s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()


def _prefix(stage: str) -> str:
    return f"releases/{stage}/"
