"""Files of contacts: suppressions, and contacts on lists."""

from __future__ import annotations

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.imports import FileFormat, ImportState
from chalicelib.domain.jobs import ImportJob
from chalicelib.entrypoints.lambdas.imports import DOOR
from chalicelib.flow import suppressions
from chalicelib.manage import list_contacts
from chalicelib.manage.imports import run as imports
from tests.fakes.steps import Killed
from tests.fakes.world import FakeWorld, limits_of
from tests.manage.imports.files import LIST, SUPPRESSIONS, done, figures, report, run, started

CSV = FileFormat.CSV
SMS, EMAIL = ChannelType.SMS, ChannelType.EMAIL
FILE = "phone,email\n13900001111,\n,Ann@Example.com\n+86 139-0000-1111,b@example.com\nnobody,\n"


def suppressed(fake: FakeWorld) -> set[str]:
    listed = fake.audiences.suppressed("", 100)
    return {one.contact for one in listed}


def test_a_file_suppresses_its_contacts(fake: FakeWorld) -> None:
    ended = done(fake, FILE, SUPPRESSIONS)
    assert (ended.state, figures(ended)) == (ImportState.DONE, (4, 3, 0, 1))
    assert suppressions.suppressed_since(fake.ports, SMS, "+8613900001111") is not None
    assert suppressions.suppressed_since(fake.ports, EMAIL, "ANN@example.com") is not None
    assert len(suppressed(fake)) == 3
    (_, bad) = report(fake, ended)
    assert bad[:2] == ["5", "phone"]
    again = done(fake, FILE, SUPPRESSIONS)
    assert figures(again) == (4, 0, 3, 1)


def test_a_file_puts_contacts_on_a_list(fake: FakeWorld) -> None:
    assert figures(done(fake, FILE, LIST, CSV, 3)) == (4, 3, 0, 1)
    assert list_contacts.holds(fake.ports, 3, SMS, "13900001111")
    assert list_contacts.holds(fake.ports, 3, EMAIL, "b@example.com")
    assert figures(done(fake, FILE, LIST, CSV, 3))[1] == 0
    assert figures(done(fake, "userid\nann\n", LIST, CSV, 3)) == (1, 1, 0, 0)


def test_a_file_of_users_and_contacts_is_refused_instead_of_half_of_it_being_lost(
    fake: FakeWorld,
) -> None:
    ended = done(fake, "phone,userid\n13900001111,ann\n,bob\n", LIST, CSV, 3)
    assert ended.state is ImportState.FAILED
    assert "userid" in ended.reason
    assert not list_contacts.holds(fake.ports, 3, SMS, "13900001111")


@pytest.mark.parametrize(
    "header", ["userid\nann\n", "name\nx\n", "phone,userid\n13900001111,ann\n"]
)
def test_a_file_of_other_columns_is_refused(fake: FakeWorld, header: str) -> None:
    assert done(fake, header, SUPPRESSIONS).state is ImportState.FAILED
    assert not suppressed(fake)


def test_killed_anywhere_a_file_suppresses_all_of_its_contacts() -> None:
    lines = "phone\n" + "".join(f"1390000{n:04d}\n" for n in range(5))
    sample = FakeWorld(limits_of(import_rows=20))
    started(sample, lines, SUPPRESSIONS)
    begun = len(sample.log)
    run(sample)
    for number in range(begun, len(sample.log)):
        fake = FakeWorld(limits_of(import_rows=20))
        id = started(fake, lines, SUPPRESSIONS)
        fake.kill_at(number)
        with pytest.raises(Killed):
            run(fake)
        fake.spare()
        imports.work(fake.ports, ImportJob(id), DOOR)  # the queue brings the job again
        run(fake)
        assert fake.imports.stored[id].state is ImportState.DONE, number
        assert len(suppressed(fake)) == 5, number
