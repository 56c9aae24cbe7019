"""Fact files in a bucket of their own, as Parquet, which DuckDB writes.

DuckDB is in the package of one function only. It is imported where a file is written.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from chalicelib.aws.clients import client, error_code
from chalicelib.config import settings
from chalicelib.domain.fact_files import FactRow

TIMES = ("sent", "time")  # epoch ms, which become timestamps in UTC
LAST = 253_402_300_799_999  # ms: the end of 9999. A provider's clock may be anything
NUMBERS = ("template", "chunk", "number", "step", "contact")
_GONE = frozenset({"404", "NoSuchKey", "NotFound"})
# Another content than expected, or another writer at this moment.
_OTHERS = frozenset({"412", "PreconditionFailed", "409", "ConditionalRequestConflict"})
_OPTIONS = {"threads": "2", "memory_limit": "800MB", "autoinstall_known_extensions": "false"}


class FactFiles:
    @property
    def is_on(self) -> bool:
        return bool(settings().facts_bucket)

    def etag(self, name: str) -> str:
        from botocore.exceptions import ClientError

        try:
            answer = client("s3").head_object(Bucket=settings().facts_bucket, Key=name)
        except ClientError as error:
            if error_code(error) not in _GONE:
                raise
            return ""
        return str(answer["ETag"])

    @contextmanager
    def draft(self) -> Iterator[Draft]:
        with (
            tempfile.TemporaryDirectory() as folder,
            (Path(folder) / "rows.json").open("w", encoding="utf-8", errors="replace") as file,
        ):
            yield Draft(file)


class Draft:
    """Rows as lines of JSON in a temporary file, so that any number fits in memory."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def add(self, rows: Iterable[FactRow]) -> None:
        for row in rows:
            self._file.write(json.dumps(row._asdict(), ensure_ascii=False) + "\n")

    def put(self, name: str, etag: str) -> bool:
        from botocore.exceptions import ClientError

        self._file.flush()
        source = Path(self._file.name)
        target = source.with_suffix(".parquet")
        _convert(source, target)
        expected = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        try:
            with target.open("rb") as body:
                client("s3").put_object(
                    Bucket=settings().facts_bucket, Key=name, Body=body, **expected
                )
        except ClientError as error:
            if error_code(error) not in _OTHERS:
                raise
            return False
        return True


def _convert(source: Path, target: Path) -> None:
    """Write rows as Parquet. DuckDB streams them, and keeps what does not fit beside them."""
    import duckdb

    types = dict.fromkeys(FactRow._fields, "VARCHAR")
    types |= dict.fromkeys(NUMBERS, "INTEGER") | dict.fromkeys(TIMES, "BIGINT")
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in types.items())
    shown = ", ".join(_time(name) if name in TIMES else f'"{name}"' for name in types)
    read = f"read_json($source, format='newline_delimited', columns={{{columns}}})"
    copy = f"COPY (SELECT {shown} FROM {read}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"  # noqa: S608 - names of ours
    options: dict[str, Any] = {**_OPTIONS, "temp_directory": os.fspath(source.parent / "spilled")}
    with duckdb.connect(config=options) as connection:
        connection.execute(copy, {"source": os.fspath(source)})


def _time(name: str) -> str:
    """Return the column of a time. A later one than any reader knows is the last."""
    return f"make_timestamp_ms(if({name} > {LAST}, {LAST}, {name})) AS {name}"
