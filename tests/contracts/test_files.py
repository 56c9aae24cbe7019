"""Imports and files: guarded progress, signed uploads with a range of sizes, ETags."""

from __future__ import annotations

import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain import keys
from chalicelib.domain.errors import Misconfigured
from chalicelib.domain.imports import MAX_BYTES, BadRow, FileFormat, Import, ImportKind, ImportState
from chalicelib.ports import Form, World
from tests.contracts import faults
from tests.contracts.conftest import Container
from tests.fakes.files import FakeFiles


def an_import(**changes: Any) -> Import:
    now = time.time_ns() // 1_000_000
    fields: dict[str, Any] = {
        "id": keys.message_id(now, secrets.token_bytes(4)),
        "created": now,
        "expires": now // 1000 + 3600,
    }
    return Import(
        **{**fields, "kind": ImportKind.SEGMENT, "format": FileFormat.XLSX, "target": 7, **changes}
    )


def test_an_import_is_read_as_it_was_created_with_its_first_version(container: Container) -> None:
    one = an_import()
    assert container().imports.get(one.id) is None
    container().imports.create(one)
    assert container().imports.get(one.id) == replace(one, version=1)


def test_an_import_goes_on_from_the_version_before_and_from_no_other(container: Container) -> None:
    one = an_import()
    container().imports.create(one)
    second = replace(
        one,
        version=2,
        state=ImportState.RUNNING,
        etag='"m"',
        rows=10,
        failed=1,
        reason="x",
        total=25,
        tries=1,
    )
    assert container().imports.advance(second, [BadRow(3, "phone", "bad")])
    assert not container().imports.advance(replace(second, rows=99), [BadRow(4, "phone", "late")])
    assert container().imports.get(one.id) == second
    assert list(container().imports.bad_rows(one.id)) == [BadRow(3, "phone", "bad")]


def test_bad_rows_come_in_the_order_of_the_file(world: World) -> None:
    one = an_import()
    world.imports.create(one)
    for n in range(1, 13):
        bad = [BadRow(1000 * n + k, f"tag[北京{k}]", "must be something else") for k in range(300)]
        assert world.imports.advance(replace(one, version=n + 1, rows=1000 * n), bad)
    found = world.imports.bad_rows(one.id)
    assert len(found) == 3600
    assert [each.row for each in found] == sorted(each.row for each in found)
    assert world.imports.bad_rows(an_import().id) == []


def test_imports_are_listed_newest_first(world: World) -> None:
    made = [an_import() for _ in range(5)]
    for one in made:
        world.imports.create(one)
    ordered = sorted((one.id for one in made), reverse=True)
    listed = [one.id for one in world.imports.newest("", 1000)]
    assert [id for id in listed if id in ordered] == ordered
    assert [one.id for one in world.imports.newest(ordered[1], 2)] == listed[
        listed.index(ordered[1]) + 1 :
    ][:2]


def test_a_list_of_imports_does_not_end_where_an_answer_is_cut(
    real: World, aws: Callable[[str], Any]
) -> None:
    for _ in range(3):
        real.imports.create(an_import())
    listed = [one.id for one in real.imports.newest("", 3)]
    with faults.short_pages(aws("dynamodb"), "Query"):
        assert [one.id for one in real.imports.newest("", 3)] == listed


@pytest.fixture
def upload(world: World, request: pytest.FixtureRequest) -> Callable[[Form, bytes], bool]:
    """Upload a file as a browser does. Return False if the form refuses it."""
    if isinstance(world.files, FakeFiles):
        return world.files.upload
    request.getfixturevalue("aws")
    return _post


def _post(form: Form, content: bytes) -> bool:
    border = secrets.token_hex(8)
    parts = [
        f'--{border}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in form.fields.items()
    ]
    head = (
        "".join(parts)
        + f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    )
    body = head.encode() + content + f"\r\n--{border}--\r\n".encode()
    asked = urllib.request.Request(
        form.url, body, {"Content-Type": f"multipart/form-data; boundary={border}"}, method="POST"
    )
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=10).read()
    except urllib.error.HTTPError as error:
        if error.code != 400:
            raise
        return False
    return True


def test_a_form_takes_files_of_its_range_of_sizes_only(
    world: World, upload: Callable[[Form, bytes], bool], unique: str
) -> None:
    form = world.files.form(f"imports/uploads/{unique}", 1, 100, 60)
    assert not upload(form, b"")
    assert not upload(form, b"x" * 101)
    assert world.files.etag(f"imports/uploads/{unique}") is None
    assert upload(form, b"x" * 100)
    assert upload(form, b"y")
    etag = world.files.etag(f"imports/uploads/{unique}")
    assert etag is not None
    assert world.files.read(f"imports/uploads/{unique}", etag) == b"y"


def test_a_file_may_have_thirty_megabytes(
    world: World, upload: Callable[[Form, bytes], bool], unique: str
) -> None:
    form = world.files.form(f"imports/uploads/{unique}", 1, MAX_BYTES, 60)
    assert upload(form, b"x" * MAX_BYTES)
    assert not upload(form, b"x" * (MAX_BYTES + 1))


def test_a_file_is_read_only_as_it_was_marked(world: World, unique: str) -> None:
    key = f"imports/errors/{unique}.csv"
    world.files.write(key, b"one", "text/csv")
    etag = world.files.etag(key)
    assert etag is not None
    world.files.write(key, b"two", "text/csv")
    assert world.files.read(key, etag) is None
    assert world.files.etag(key) != etag
    world.files.delete(key)
    world.files.delete(key)
    assert world.files.etag(key) is None
    assert world.files.read(key, etag) is None


def test_an_address_serves_the_file_under_its_name(real: World, unique: str) -> None:
    key = f"imports/errors/{unique}.csv"
    real.files.write(key, "row,field\r\n2,电话\r\n".encode(), "text/csv; charset=utf-8")
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        real.files.address(key, "errors.csv", 60), timeout=5
    ) as answer:
        assert answer.read().decode() == "row,field\r\n2,电话\r\n"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="errors.csv"'
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"


def test_files_of_others_go_through_the_egress_policy(real: World) -> None:
    with pytest.raises(Misconfigured):
        real.files.fetch("http://169.254.169.254/latest/meta-data/", 100, 10)
