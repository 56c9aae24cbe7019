"""The progress of an import: starts, repeats, killed workers."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import ImportEnded, Invalid, NotFound
from chalicelib.domain.imports import MAX_BYTES, FileFormat, ImportState
from chalicelib.domain.jobs import ImportJob
from chalicelib.entrypoints.lambdas.imports import DOOR
from chalicelib.manage.imports import run as imports
from tests.builders import an_access_channel
from tests.fakes.steps import Killed
from tests.fakes.world import FakeWorld, limits_of
from tests.manage.imports.files import (
    RANDOM,
    USERS,
    done,
    figures,
    report,
    run,
    started,
)


def test_a_file_without_rows_is_done(fake: FakeWorld) -> None:
    one = done(fake, "userid\n")
    assert (one.state, figures(one), one.percentage) == (ImportState.DONE, (0, 0, 0, 0), 100)


def test_an_import_starts_when_its_file_is_there_and_not_after_its_end(fake: FakeWorld) -> None:
    one, form = imports.begin(fake.ports, RANDOM, USERS, FileFormat.CSV)
    with pytest.raises(Invalid, match="not been uploaded"):
        imports.start(fake.ports, one.id)
    with pytest.raises(NotFound):
        imports.start(fake.ports, "nobody's")
    assert not fake.files.upload(form, b"")
    assert not fake.files.upload(form, bytes(MAX_BYTES + 1))
    assert fake.files.upload(form, bytes(MAX_BYTES))
    assert fake.files.upload(form, b"userid\n"), "and again"
    assert imports.start(fake.ports, one.id).version == 2
    assert imports.start(fake.ports, one.id).version == 2, "again, to go on"
    run(fake)
    with pytest.raises(ImportEnded):
        imports.start(fake.ports, one.id)


def test_a_file_that_is_replaced_after_the_start_is_not_read(fake: FakeWorld) -> None:
    id = started(fake, "userid\nann\n")
    fake.files.stored[f"imports/uploads/{id}"] = b"userid\nbob\n"
    run(fake)
    assert fake.imports.stored[id].state is ImportState.FAILED
    assert not fake.users.stored


def test_progress_can_be_followed(fake: FakeWorld) -> None:
    fake.limits = limits_of(import_rows=10, import_budget=0)
    id = started(fake, "userid\n" + "".join(f"u{n}\n" for n in range(25)))
    seen = []
    while (envelope := fake.queues.take()) is not None:
        imports.work(fake.ports, envelope.job, DOOR)  # type: ignore[arg-type]
        one, address = imports.show(fake.ports, id)
        seen.append((one.state.value, one.rows, one.percentage, address))
    assert seen == [("running", 10, 40, None), ("running", 20, 80, None), ("done", 25, 100, None)]


ROWS = "userid,phone,tag\n" + "".join(
    f"u{n},1380013{n:04d},t{n % 3}\n" if n % 7 else f"u{n},bad,\n" for n in range(1, 36)
)


def test_killed_anywhere_an_import_ends_as_if_it_had_not_been() -> None:
    calm = _world()
    id = started(calm, ROWS)
    begun = len(calm.log)
    run(calm)
    expected, told = calm.imports.stored[id], report(calm, calm.imports.stored[id])
    for step in range(begun, len(calm.log)):
        fake = _world()
        id = started(fake, ROWS)
        fake.kill_at(step)
        with pytest.raises(Killed):
            run(fake)
        fake.spare()
        imports.work(fake.ports, ImportJob(id), DOOR)  # the queue brings the job again
        run(fake)
        one = fake.imports.stored[id]
        assert fake.users.stored == calm.users.stored, step
        assert (one.state, one.rows, one.failed, one.changed + one.unchanged) == (
            ImportState.DONE,
            35,
            5,
            30,
        ), step
        assert report(fake, one) == told, step
        assert expected.changed >= one.changed


def _world() -> FakeWorld:
    fake = FakeWorld(limits_of(import_rows=10))
    fake.settings.put_access_channel(an_access_channel())
    return fake


def test_of_two_workers_the_later_goes_on_and_the_other_stops(fake: FakeWorld) -> None:
    fake.limits = limits_of(import_rows=10)
    id = started(fake, ROWS)
    fake.queues.take()
    fake.meanwhile("users.save", lambda: imports.work(fake.ports, ImportJob(id), DOOR), times=1)
    imports.work(fake.ports, ImportJob(id), DOOR)
    one = fake.imports.stored[id]
    assert (one.state, figures(one)) == (ImportState.DONE, (35, 30, 0, 5))
    assert all(user.version == 1 for user in fake.users.stored.values())


def test_an_import_that_ends_its_workers_fails_after_five(fake: FakeWorld) -> None:
    id = started(fake, ROWS)
    fake.queues.take()
    for _ in range(imports.TRIES):
        fake.kill_at(len(fake.log) + 4)  # while the file is read
        with pytest.raises(Killed):
            imports.work(fake.ports, ImportJob(id), DOOR)
        fake.spare()
        assert fake.imports.stored[id].state is ImportState.RUNNING
    imports.work(fake.ports, ImportJob(id), DOOR)
    assert fake.imports.stored[id].state is ImportState.FAILED
    assert not fake.imports.stored[id].has_report, "a row was not refused yet"
    assert (
        fake.imports.stored[id].reason
        == "file: processing crashed 5 times at row 0; the file may need too much memory"
    )


def test_an_import_whose_file_goes_lists_the_bad_rows_so_far(fake: FakeWorld) -> None:
    fake.limits = limits_of(import_rows=10, import_budget=0)
    id = started(fake, ROWS)
    envelope = fake.queues.take()
    imports.work(fake.ports, envelope.job, DOOR)  # type: ignore[union-attr, arg-type]
    fake.files.stored[f"imports/uploads/{id}"] = b"another"
    run(fake)
    one = fake.imports.stored[id]
    assert (one.state, one.failed, len(report(fake, one))) == (ImportState.FAILED, 1, 2)
