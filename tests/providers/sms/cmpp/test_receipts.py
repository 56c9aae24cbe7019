"""Status reports and replies as receipts."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.provider_io import Receipt, ReceiptKind, Reply
from chalicelib.providers.sms.cmpp import codec, receipts
from chalicelib.providers.sms.cmpp.group_ids import GroupIds, canonical, following
from chalicelib.providers.sms.cmpp.messages import Deliver, Report
from chalicelib.providers.sms.receipts import NO_SUCH_NUMBER

NOW = 1_790_000_000_000
AT = int(datetime.datetime(2026, 11, 21, 1, 30, tzinfo=datetime.UTC).timestamp() * 1000)


def report(stat: str, done: str = "2611210930", number: str = "13800138000") -> Report:
    return Report(7, stat, "2611210929", done, number)


@pytest.mark.parametrize(
    ("stat", "kind"),
    [
        ("DELIVRD", ReceiptKind.DELIVERED),
        ("EXPIRED", ReceiptKind.DELIVERY_FAILED),
        ("DELETED", ReceiptKind.DELIVERY_FAILED),
        ("UNDELIV", ReceiptKind.DELIVERY_FAILED),
        ("UNKNOWN", ReceiptKind.DELIVERY_FAILED),
        ("REJECTD", ReceiptKind.DELIVERY_FAILED),
        ("MA:0054", ReceiptKind.DELIVERY_FAILED),
        ("IC:0151", ReceiptKind.DELIVERY_FAILED),
        ("DB:0141", ReceiptKind.DELIVERY_FAILED),
        ("ACCEPTD", ReceiptKind.OTHER),
        ("0", ReceiptKind.OTHER),
        ("ENROUTE", ReceiptKind.OTHER),
        ("BLACK", ReceiptKind.DELIVERY_FAILED),
        ("NOROUTE", ReceiptKind.DELIVERY_FAILED),
        ("noroute", ReceiptKind.DELIVERY_FAILED),
        ("SGIP:12", ReceiptKind.DELIVERY_FAILED),
        ("", None),
        ("A B", None),
        ("\ufffd", None),
    ],
)
def test_a_state_becomes_a_receipt_which_may_say_nothing(
    stat: str, kind: ReceiptKind | None
) -> None:
    receipt = receipts.receipt(report(stat), NOW)
    assert (receipt.kind if receipt else None) is kind
    if receipt is not None:
        assert receipt.code == ("" if kind is ReceiptKind.DELIVERED else stat.upper())
        assert (
            receipt.time == AT
        )  # the gateway's, in China's time, so that a repeat has the same time
        assert receipt.contact == ""


def test_only_the_states_of_dead_numbers_say_that_a_number_is_dead() -> None:
    stats = (*NO_SUCH_NUMBER, "UNDELIV", "DELIVRD", "MK:0012", "DB:0102", "ACCEPTD")
    assert [
        stat
        for stat in stats
        if getattr(receipts.receipt(report(stat), NOW), "undeliverable", None)
    ] == list(NO_SUCH_NUMBER)
    receipt = receipts.receipt(report("XY:0001"), NOW, ("XY:0001",))
    assert receipt is not None
    assert receipt.undeliverable


@pytest.mark.parametrize(
    ("done", "time"),
    [
        ("2611210930", AT),
        ("0000000000", AT - 60_000),
        ("", AT - 60_000),
        ("２６１１２１０９３０", AT - 60_000),
        ("2613990930", AT - 60_000),
    ],
)
def test_a_time_that_cannot_be_read_is_the_time_of_the_submit(done: str, time: int) -> None:
    receipt = receipts.receipt(report("DELIVRD", done), NOW)
    assert receipt is not None
    assert receipt.time == time


def test_without_any_time_it_is_now() -> None:
    receipt = receipts.receipt(Report(7, "DELIVRD", "", "", "1"), NOW)
    assert receipt is not None
    assert receipt.time == NOW


@pytest.mark.parametrize("other", ["8613800138000", "+8613800138000", "008613800138000"])
def test_a_number_has_one_name_however_it_is_spelt(other: str) -> None:
    assert receipts.name(7, other) == receipts.name(7, "13800138000")
    assert receipts.name(7, "13800138001") != receipts.name(7, "13800138000")


@pytest.mark.parametrize("number", ["8612345", "861380013800", "85212345678", "+14155550100"])
def test_other_numbers_keep_their_digits(number: str) -> None:
    assert canonical(number) == number.removeprefix("+")


@pytest.mark.parametrize(
    ("number", "dialled"),
    [
        ("13055551234", "13055551234"),
        ("+13055551234", "0013055551234"),
        ("+85291234567", "85291234567"),
        ("+8613800138000", "8613800138000"),
    ],
)
def test_a_number_abroad_is_never_dialled_as_somebody_of_the_mainland(
    number: str, dialled: str
) -> None:
    assert receipts.dialled(number) == dialled
    assert receipts.name(7, number) == receipts.name(7, dialled), "reports find it"


def test_a_name_gives_no_number_away_and_fits_into_a_key() -> None:
    name = receipts.name(0xFFFFFFFFFFFFFFFF, "13800138000")
    assert "138" not in name.split("-")[1]
    assert len(name) == 23
    assert " " not in name
    assert "|" not in name


def test_the_ids_of_one_submit_follow_each_other_in_the_last_sixteen_bits() -> None:
    assert following(0xB2B9DA8000010000, 98) == 0xB2B9DA8000010062
    assert following(0xB2B9DA800001FFFF, 1) == 0xB2B9DA8000010000


def delivered(content: bytes, *, is_report: bool = True, form: int = 0) -> Deliver:
    return Deliver(
        id=9, to="10690", number="13800138000", content=content, format=form, is_report=is_report
    )


@pytest.mark.parametrize("size", [60, 71])
def test_reports_of_both_sizes_become_the_same_receipt(size: int) -> None:
    receipt = receipts.read(
        delivered(codec.encode_report(report("DELIVRD"), size)), NOW, GroupIds()
    )
    name = receipts.name(7, "13800138000")
    assert receipt == Receipt(name, ReceiptKind.DELIVERED, AT, may_be_derived=True)


def test_what_a_person_wrote_becomes_a_reply() -> None:
    receipt = receipts.read(
        delivered("退订".encode("utf-16-be"), is_report=False, form=8), NOW, GroupIds()
    )
    assert receipt == Reply("13800138000", "退订", NOW, "0000000000000009")


@given(st.binary(max_size=255))
def test_any_report_is_a_receipt_or_nothing(content: bytes) -> None:
    receipt = receipts.read(delivered(content), NOW, GroupIds())
    assert receipt is None or isinstance(receipt, Receipt)
