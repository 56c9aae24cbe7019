"""The connections of one account: their choice, their errors, and their return."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from chalicelib import observability
from chalicelib.domain.errors import Misconfigured, ProviderError, Unavailable, Uncertain
from chalicelib.domain.provider_io import Account
from chalicelib.providers.sms.cmpp import settings as cmpp_settings
from chalicelib.providers.sms.cmpp.gateway import Gateway
from chalicelib.providers.sms.cmpp.link import TRIES
from chalicelib.providers.sms.cmpp.messages import (
    Command,
    Plain,
    Submit,
    SubmitResp,
)
from chalicelib.providers.sms.cmpp.waits import Waits
from tests.liveness import eventually, soon
from tests.providers.sms.cmpp.line import SECRET, Line

QUICK = Waits(tick=0.01, shortest=0.001, longest=0.05)
TEXT = Submit(numbers=("13800138000",), content=b"hi", format=0, account="900001", source="10690")


def over() -> float:
    """Return a deadline that only an answer of the moment keeps."""
    return time.monotonic() + 0.2


@contextmanager
def gateway(dial: Callable[[], Any], waits: Waits = QUICK, **options: Any) -> Iterator[Gateway]:
    options = {"server": "gw", "access_number": "10690", **options}
    settings = cmpp_settings.read(Account("c", {"account": "900001", "password": SECRET}, options))
    opened = Gateway("c", settings.line, dial, lambda incoming: None, waits)
    opened.start()
    try:
        yield opened
    finally:
        opened.stop()


@pytest.mark.parametrize("status", [2, 3, 4])
def test_where_every_login_is_refused_nobody_waits(status: int) -> None:
    with (
        gateway(lambda: Line(status), connections=2) as found,
        pytest.raises(Misconfigured, match=f"connect_{status}"),  # Unavailable after a wait
    ):
        found.submit(TEXT, soon())


def test_a_gateway_that_cannot_prove_itself_is_a_security_event(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        gateway(lambda: Line(secret="of somebody else")) as found,
        pytest.raises(Misconfigured, match="gateway_not_authentic"),
    ):
        found.submit(TEXT, soon())
    events = {record.msg: vars(record) for record in caplog.records}
    assert events["gateway_unverified"]["channel"] == "c"
    observability.flush_metrics()
    assert f'"{observability.REFUSED}":' in capsys.readouterr().out


def test_a_gateway_that_is_busy_is_waited_for() -> None:
    lines = [Line(1), Line(5), Line()]
    with gateway(lambda: lines.pop(0)) as found:
        assert found.submit(TEXT, soon())[0].result == 0
    assert lines == []


@pytest.mark.parametrize("error", [Unavailable("connect"), RuntimeError("anything")])
def test_whatever_dialling_raises_it_is_done_again(error: Exception) -> None:
    tries: list[int] = []

    def dial() -> Line:
        tries.append(1)
        if len(tries) < 5:
            raise error
        return Line()

    with gateway(dial) as found:
        assert found.submit(TEXT, soon())[0].result == 0
    assert len(tries) == 5


def test_when_nothing_opens_in_time_nothing_was_sent() -> None:
    def dial() -> Line:
        raise Unavailable("connect")

    with gateway(dial) as found, pytest.raises(Unavailable, match="connect"):
        found.submit(TEXT, over())


def test_a_connection_that_ends_is_made_anew() -> None:
    lines: list[Line] = []

    def dial() -> Line:
        lines.append(Line())
        return lines[-1]

    with gateway(dial) as found:
        for n in range(3):
            assert found.submit(TEXT, soon())[0].result == 0
            lines[-1].shut()
            eventually(lambda n=n: len(lines) == n + 2)


def test_what_was_sent_on_a_connection_that_ends_is_uncertain() -> None:
    line = Line()
    line.mute = True
    raised: list[ProviderError] = []

    def submit(found: Gateway) -> None:
        try:
            found.submit(TEXT, soon())
        except ProviderError as error:
            raised.append(error)

    with gateway(lambda: line) as found:
        thread = threading.Thread(target=submit, args=(found,))
        thread.start()
        eventually(lambda: line.submits)
        line.shut()
        thread.join()
    assert [(type(error), error.code) for error in raised] == [(Uncertain, "connection_lost")]


def test_an_answer_that_stays_away_is_uncertain_and_frees_its_place() -> None:
    line = Line()
    line.mute = True
    with gateway(lambda: line, window=1) as found:
        found.wait_open(soon())
        with pytest.raises(Uncertain, match="timeout"):
            found.submit(TEXT, over())
        line.mute = False
        assert found.submit(TEXT, soon())[0].result == 0


def test_a_full_window_takes_nothing_more() -> None:
    line = Line()
    with gateway(lambda: line, window=1) as found:
        found.wait_open(soon())
        line.mute = True
        thread = threading.Thread(target=lambda: found.submit(TEXT, soon()))
        thread.start()
        eventually(lambda: line.submits)
        with pytest.raises(Unavailable, match="window_full"):
            found.submit(TEXT, over())
        assert len(line.submits) == 1
        line.answer(SubmitResp(1, 0), line.submits[0])
        thread.join()


def test_twenty_who_submit_at_once_have_sixteen_under_way(caplog: pytest.LogCaptureFixture) -> None:
    line = Line()
    with gateway(lambda: line) as found:
        found.wait_open(soon())
        line.mute = True
        threads = [threading.Thread(target=_ignore, args=(found,)) for _ in range(20)]
        for thread in threads:
            thread.start()
        eventually(lambda: len(line.submits) == 16)
        eventually(lambda: len(found.changed._waiters) == 20)  # type: ignore[attr-defined]
        assert len(line.submits) == 16
        for sequence in line.submits[:4]:
            line.answer(SubmitResp(sequence, 0), sequence)
        eventually(lambda: len(line.submits) == 20)
        for sequence in line.submits[4:]:
            line.answer(SubmitResp(sequence, 0), sequence)
        for thread in threads:
            thread.join()


def test_connections_share_what_is_sent_and_parts_stay_together() -> None:
    lines: list[Line] = []

    def dial() -> Line:
        lines.append(Line())
        lines[-1].mute = True
        return lines[-1]

    with gateway(dial, connections=2, window=2) as found:
        eventually(lambda: len(lines) == 2 and sum(c.free for c in found._connections) == 4)
        threads = [threading.Thread(target=_ignore, args=(found,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        eventually(lambda: [len(line.submits) for line in lines] == [2, 2])
        for line in lines:
            line.mute = False
            for sequence in line.submits:
                line.answer(SubmitResp(sequence, 0), sequence)
        for thread in threads:
            thread.join()
        _, on = found.submit(TEXT, soon())
        assert all(found.submit(TEXT, soon(), on)[1] is on for _ in range(5))


def _ignore(found: Gateway) -> None:
    found.submit(TEXT, soon())


def test_stopping_says_goodbye_also_to_what_has_just_opened() -> None:
    heard: list[Line] = []

    def dial() -> Line:
        heard.append(Line())
        return heard[-1]

    with gateway(dial, connections=3) as found:
        pass
    assert all(not thread.is_alive() for thread in found._threads)
    assert all(line.parted for line in heard)


def test_a_gateway_that_answers_no_test_is_left_and_dialled_again() -> None:
    lines: list[Line] = []

    def dial() -> Line:
        lines.append(Line(lively=bool(lines)))
        return lines[-1]

    with gateway(dial, replace(QUICK, idle=0.05, patience=0.05)) as found:
        eventually(lambda: len(lines) > 1)
        assert lines[0].tests == TRIES
        assert found.submit(TEXT, soon())[0].result == 0


def test_a_gateway_that_has_gone_without_a_word_swallows_one_text_and_no_more() -> None:
    line = Line()
    with gateway(lambda: line) as found:
        found.wait_open(soon())
        line.mute = True
        with pytest.raises(Uncertain, match="timeout"):
            found.submit(TEXT, over())
        eventually(lambda: line.tests == 1)
        with pytest.raises(Unavailable):
            found.submit(TEXT, over())
        assert len(line.submits) == 1
        line.mute = False
        waiting = threading.Thread(target=_ignore, args=(found,))
        waiting.start()
        line.answer(Plain(Command.ACTIVE_TEST_RESP), 3)
        waiting.join()
        assert len(line.submits) == 2


def test_waits_grow_to_a_minute_however_long_a_gateway_is_away() -> None:
    def after(failures: int, *, by_operator: bool = False) -> float:
        return Waits().after(failures, by_operator=by_operator, chance=lambda low, high: high)

    assert [after(n) for n in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert after(5_000) == 60  # half a week
    assert after(1, by_operator=True) == 60
