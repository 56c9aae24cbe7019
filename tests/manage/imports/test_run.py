"""Imports, step by step: each row is done once, however often workers die."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import pytest

from chalicelib.domain import audiences
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.groups import GROUPS, Family
from chalicelib.domain.imports import FileFormat, ImportKind, ImportState
from chalicelib.manage.imports import columns, sheets
from tests import spreadsheets
from tests.builders import SHOP, a_channel, a_user
from tests.fakes.world import FakeWorld
from tests.manage.imports.files import (
    LIST,
    SEGMENT,
    TAGS,
    USERS,
    done,
    figures,
    report,
    run,
    started,
)

FULL = """userid,phone[all],phone[shop],email,app_regid[push],tag[all],tag[shop],\
dingtalkcc_userid,wechatwk_linkedcorp
ann,13800138000,13900139000,ann@example.com,r1;r2,vip;北京,gold,ding1,corp/u1；corp/u2
bob,,,bob@example.com,,,,,
"""


def test_every_column_goes_where_its_header_says(fake: FakeWorld) -> None:
    assert figures(done(fake, FULL)) == (2, 2, 0, 0)
    ann, bob = fake.users.stored["ann"], fake.users.stored["bob"]
    assert ann.contacts == {
        ChannelType.SMS: {"all": ("13800138000",), "shop": ("13900139000",)},
        ChannelType.EMAIL: {"all": ("ann@example.com",)},
        ChannelType.APP: {"push": ("r1", "r2")},
        ChannelType.DINGTALK_CC: {"all": ("ding1",)},
        ChannelType.WECHATWK_LINKEDCORP: {"all": ("corp/u1", "corp/u2")},
    }
    assert ann.tags == {"all": ("vip", "北京"), "shop": ("gold",)}
    assert (bob.contacts, bob.tags) == ({ChannelType.EMAIL: {"all": ("bob@example.com",)}}, {})


def test_a_workbook_is_imported_like_the_same_file_as_csv(fake: FakeWorld) -> None:
    grid: list[Sequence[spreadsheets.Cell]] = list(csv.reader(io.StringIO(FULL)))
    assert figures(done(fake, spreadsheets.xlsx(grid), USERS, FileFormat.XLSX)) == (2, 2, 0, 0)
    before = dict(fake.users.stored)
    assert figures(done(fake, FULL)) == (2, 0, 2, 0)
    assert fake.users.stored == before


def test_a_column_without_a_code_means_the_only_channel_of_its_type(fake: FakeWorld) -> None:
    done(fake, "userid,app_regid\nann,r1\n")
    assert fake.users.stored["ann"].contacts == {ChannelType.APP: {"push": ("r1",)}}
    fake.settings.put_channel(a_channel("push2", ChannelType.APP, number=98, name="another"))
    one = done(fake, "userid,app_regid\nann,r1\n")
    assert (one.state, one.reason) == (
        ImportState.FAILED,
        "app_regid: needs the code of a delivery channel in brackets",
    )


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("phone", "userid: there is no such column"),
        ("userid,name", 'name: unknown column for an import of kind "users"'),
        ("userid,phone[a b]", 'phone[a b]: unknown column for an import of kind "users"'),
        ("userid,,phone", 'column 2: unknown column for an import of kind "users"'),
        ("userid,phone,phone[all]", "phone[all]: duplicate column"),
        ("userid,USERID", "USERID: duplicate column"),
        (
            "userid,phone[nobody]",
            "phone[nobody]: must be all or the channel key of an access channel",
        ),
        ("userid,tag[nobody]", "tag[nobody]: must be all or the channel key of an access channel"),
        ("userid,app[shop]", "app[shop]: there is no app channel with this code"),
        (
            "userid,dingtalk_cc[shop]",
            "dingtalk_cc[shop]: is the same for all access channels:"
            " leave out what stands in brackets",
        ),
        (
            "userid,wechatoa_openid",
            "wechatoa_openid: needs the code of a delivery channel in brackets",
        ),
    ],
)
def test_a_wrong_header_fails_the_import_before_anything_is_changed(
    fake: FakeWorld, header: str, reason: str
) -> None:
    one = done(fake, f"{header}\nann,1,1\n")
    assert (one.state, one.reason, figures(one)) == (ImportState.FAILED, reason, (0, 0, 0, 0))
    assert not fake.users.stored
    assert list(fake.files.stored) == [f"imports/errors/{one.id}.csv"], "the upload goes"


def test_bad_rows_are_told_by_number_column_and_reason_and_the_others_are_done(
    fake: FakeWorld,
) -> None:
    raw = (
        "userid,phone,email,tag\nann,12,a@b.c,\n,13800138000,,\nbob,13800138000,b@c.d,a b\n"
        "bob2,13800138000,,\nbob2,13900139000,,\n"
    )
    one = done(fake, raw + "x\0y,1,,\n" + "c" * 65 + ",13800138000,,\n")
    assert (one.state, figures(one)) == (ImportState.DONE, (7, 1, 0, 6))
    told = report(fake, one)
    headers = ["userid", "phone", "email", "tag"]
    assert told[0] == ["row", "column", "value", "advice", *headers]
    assert [line[:2] for line in told[1:]] == [
        ["2", "phone"],
        ["3", "userid"],
        ["4", "tag"],
        ["6", "userid"],
        ["7", "userid"],
        ["7", "phone"],
        ["8", "userid"],
    ]
    assert told[1][2] == "****"
    assert told[1][3].startswith("must be a phone number")
    assert told[4][3] == "stands in row 5 already"
    assert told[4][4:6] == ["bob2", "139****9000"]
    assert list(fake.users.stored) == ["bob2"]
    assert not [line for line in told for cell in line if "1380013" in cell], "no contact is quoted"


def test_a_row_without_a_user_says_so_and_not_that_it_stands_there_twice(fake: FakeWorld) -> None:
    long = 12345678901234567890
    cells: list[Sequence[spreadsheets.Cell]] = [
        ["userid", "phone"],
        *([long, "13800138000"] for _ in range(2)),
        *([None, "13800138000"] for _ in range(2)),
    ]
    told = report(fake, done(fake, spreadsheets.xlsx(cells), USERS, FileFormat.XLSX))[1:]
    assert [line[:2] for line in told] == [[str(n), "userid"] for n in (2, 3, 4, 5)]
    assert ["15 digits" in line[3] for line in told] == [True, True, False, False]
    assert [line[3].startswith("1 to 64") for line in told] == [False, False, True, True]


@pytest.mark.parametrize(
    "header", ["13800138000,ann", "ann@example.com,bob", "+8613800138000", "a" * 99 + "13800138000"]
)
def test_a_file_without_a_header_is_refused_without_quoting_whom_it_is_about(
    fake: FakeWorld, header: str
) -> None:
    """The reason is kept, and every member may read it."""
    one = done(fake, f"{header}\n")
    assert one.state is ImportState.FAILED
    unknown, *rest, missing = one.reason.splitlines()
    assert unknown == 'column 1: unknown column for an import of kind "users"'
    assert [line.partition(":")[0] for line in rest] in ([], ["column 2"])
    assert missing == "userid: there is no such column"
    numbers: list[Sequence[spreadsheets.Cell]] = [["userid", 12345678901234567890], ["ann", 1]]
    assert done(fake, spreadsheets.xlsx(numbers), USERS, FileFormat.XLSX).reason.startswith(
        "column 2: is a number of more than 15 digits"
    )


def test_a_number_that_lost_digits_is_refused(fake: FakeWorld) -> None:
    one = done(
        fake,
        spreadsheets.xlsx([["userid", "phone"], ["ann", 12345678901234567890]]),
        USERS,
        FileFormat.XLSX,
    )
    assert report(fake, one)[1][:2] == ["2", "phone"]
    assert "15 digits" in report(fake, one)[1][3]


def test_cells_that_are_empty_leave_what_is_there_and_others_replace_it(fake: FakeWorld) -> None:
    fake.users.has(a_user("ann", text="13800138000", mail="a@b.c", tags=["old"]))
    done(fake, "userid,phone,email,tag\nann,,new@b.c,new\n")
    ann = fake.users.stored["ann"]
    assert ann.contacts == {
        ChannelType.SMS: {"all": ("13800138000",)},
        ChannelType.EMAIL: {"all": ("new@b.c",)},
    }
    assert ann.tags == {"all": ("new",)}


def test_tags_are_added_to_those_that_are_there(fake: FakeWorld) -> None:
    fake.users.has(a_user("ann", tags=["old"]))
    one = done(fake, "userid,tag[all]\nann,vip;new\nann,newer\nbob,vip\nbob,a b\n", TAGS)
    assert figures(one) == (4, 3, 0, 1)
    assert fake.users.stored["ann"].tags == {"all": ("old", "vip", "new", "newer")}
    assert report(fake, one)[1][:2] == ["5", "tag[all]"]
    assert done(fake, "userid,phone\nann,13800138000\n", TAGS).state is ImportState.FAILED


@pytest.mark.parametrize(
    ("kind", "name"), [(SEGMENT, audiences.segment(7)), (LIST, audiences.listing(7))]
)
def test_members_join_a_segment_or_a_list(fake: FakeWorld, kind: ImportKind, name: str) -> None:
    raw = "userid\nann\nbob\nann\n" + "x" * 65 + "\n"
    assert figures(done(fake, raw, kind, FileFormat.CSV, 7)) == (4, 2, 1, 1)
    assert fake.audiences.members[name] == {"ann", "bob"}
    fake.log.clear()
    assert figures(done(fake, raw, kind, FileFormat.CSV, 7)) == (4, 0, 3, 1)
    assert "audiences.change" not in fake.log


@pytest.mark.parametrize(
    "number", ["1.38E+10", "2.08810212245883E+15", "1E+12", "1.2e+16", "-1.5E+07", "1,38E+10"]
)
def test_a_number_that_a_spreadsheet_shortened_when_it_saved_csv_is_refused(
    fake: FakeWorld, number: str
) -> None:
    """A value that would be a good user id, and a good id of Alipay."""
    fake.settings.put_channel(a_channel("life", ChannelType.ALIPAY_LIFE, number=97, name="life"))
    one = done(fake, f'userid,alipaylife_userid,tag\n"{number}",,\nann,"{number}",\nbob,1E5,1E5\n')
    assert [(line[:2], "15 digits" in line[3]) for line in report(fake, one)[1:]] == [
        (["2", "userid"], True),
        (["3", "alipaylife_userid"], True),
    ]
    assert set(fake.users.stored) == {"bob"}


@pytest.mark.parametrize(("kind", "family"), [(SEGMENT, Family.SEGMENT), (LIST, Family.LIST)])
def test_nobody_joins_a_segment_or_a_list_that_was_deleted_meanwhile(
    fake: FakeWorld, kind: ImportKind, family: Family
) -> None:
    id = started(fake, "userid\nann\n", kind, FileFormat.CSV, 7)
    groups = fake.records.of(GROUPS[family])
    groups.delete(groups.stored[7])
    run(fake)
    one = fake.imports.stored[id]
    assert (one.state, one.reason, fake.audiences.members) == (
        ImportState.FAILED,
        f"target: there is no such {family}",
        {},
    )


def test_a_user_whom_others_change_all_the_time_is_a_bad_row(fake: FakeWorld) -> None:
    fake.users.has(a_user("ann"))
    fake.meanwhile("users.save", lambda: fake.users.touch("ann"))
    one = done(fake, "userid,phone\nann,13800138000\nbob,13800138000\n")
    assert figures(one) == (2, 1, 0, 1)
    assert report(fake, one)[1][:2] == ["2", "userid"]


@pytest.mark.parametrize("kind", list(ImportKind))
def test_the_template_can_be_imported(fake: FakeWorld, kind: ImportKind) -> None:
    header, *rows = columns.template(kind, {ChannelType.APP: ["push"]})
    one = done(fake, sheets.write(header, rows), kind, FileFormat.CSV, 1)
    assert (one.state, figures(one)) == (ImportState.DONE, (1, 1, 0, 0))


def test_what_was_exported_is_imported_as_it_was(fake: FakeWorld) -> None:
    done(fake, sheets.write(["userid", "phone[shop]"], [["@ann", "+85291234567"]]))
    assert fake.users.stored["@ann"].contacts == {ChannelType.SMS: {SHOP: ("+85291234567",)}}
