"""The releases of a stage: the templates that were deployed, in the bucket for packages.

A note of each release has its template's address and the values of its parameters. A deployment may
break off after CloudFormation has begun, so the stack itself says what is deployed now.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from infra import aws_errors


@dataclass(frozen=True)
class Release:
    template: str  # its address
    parameters: Mapping[str, str]
    time: int = 0  # ms, of its deployment


@dataclass(frozen=True)
class Releases:
    """The notes of a stage, and the objects that templates are made of."""

    s3: Any
    bucket: str
    stage: str

    def remember(self, template: str, stack: Mapping[str, Any] | None) -> None:
        """Note that the template at this address is deployed now, with the stack's parameters.

        The last note is the present release, also where another machine's clock was ahead.
        """
        last = max(self._moments(), default=0)
        key = self._key_at(max(int(time.time() * 1000), last + 1))
        note = {"template": template, "parameters": values_of(stack)}
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=json.dumps(note).encode())

    def settle(self, body: Mapping[str, Any], stack: Mapping[str, Any]) -> None:
        """Note the release that a stack has, unless it is the last one that was noted."""
        last = next(self._newest_first(), None)
        is_noted = last and self.has_template(last) and self.body_of(last) == body
        if not is_noted:
            self.remember(self.upload(body), stack)

    def earlier(self) -> Release | None:
        """Return the release that was deployed before the present one."""
        noted = self._newest_first()
        present = next(noted, None)
        return next((each for each in noted if present and each.template != present.template), None)

    def upload(self, body: Mapping[str, Any]) -> str:
        """Upload a template, and return its address."""
        content = json.dumps(body, separators=(",", ":")).encode()
        key = f"template/{hashlib.sha256(content).hexdigest()}.json"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)
        # The region's host, since the host of us-east-1 does not know every new bucket.
        return f"{self.s3.meta.endpoint_url}/{self.bucket}/{key}"

    def body_of(self, release: Release) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self._read(self._key(release)))
        return body

    def has_template(self, release: Release) -> bool:
        return self.has(self._key(release))

    def has(self, key: str) -> bool:
        try:
            self.s3.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if aws_errors.code_of(error) not in ("404", "NoSuchKey", "NotFound"):
                raise
            return False
        return True

    def _newest_first(self) -> Iterator[Release]:
        for moment in sorted(self._moments(), reverse=True):
            yield _release(self._read(self._key_at(moment)).decode(), moment)

    def _moments(self) -> Iterator[int]:
        """Yield the times (ms) of all notes."""
        pages = self.s3.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.bucket, Prefix=self._prefix):
            for entry in page.get("Contents", []):
                yield int(entry["Key"].removeprefix(self._prefix))

    def _key_at(self, moment: int) -> str:
        return f"{self._prefix}{moment:013d}"

    def _key(self, release: Release) -> str:
        return release.template.partition(f"/{self.bucket}/")[2]

    def _read(self, key: str) -> bytes:
        return bytes(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    @property
    def _prefix(self) -> str:
        return f"releases/{self.stage}/"


def values_of(stack: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the values of a stack's parameters."""
    parameters = (stack or {}).get("Parameters", [])
    return {each["ParameterKey"]: str(each.get("ParameterValue", "")) for each in parameters}


def _release(note: str, moment: int) -> Release:
    if not note.startswith("{"):  # a note of before 29 November 2026 has the address alone
        return Release(note, {}, moment)
    return Release(**json.loads(note), time=moment)
