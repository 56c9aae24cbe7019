"""WeCom's access token, and the idempotency token of a call."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import Misconfigured, Throttled, Unavailable, Uncertain
from chalicelib.providers.wecom import api
from chalicelib.providers.wecom.linkedcorp import LinkedCorp
from chalicelib.providers.wecom.wecom import LEAST_INTERVAL, TOKEN_LIFE, WeCom
from chalicelib.web.messages import Response
from tests.providers.scripted import ScriptedTransport, call, http, reply
from tests.providers.tokened import Clock, said, token, tokens
from tests.providers.wecom.calls import CARD, TAKEN, TEXT, account, opened, sent


@pytest.mark.parametrize("code", sorted(api.STALE))
def test_a_token_that_is_not_known_any_more_is_renewed_and_the_call_repeated_at_once(
    code: str,
) -> None:
    answer, transport = sent(
        said(int(code)), token("t2"), said(0, msgid="m"), outgoing=call("a", content=TEXT)
    )
    assert answer.outcomes == [TAKEN]
    assert [query.get("access_token") for query in transport.queries()] == [
        None,
        ["t1"],
        None,
        ["t2"],
    ]
    assert transport.bodies()[1] == transport.bodies()[3]


def test_a_new_token_that_is_not_known_either_is_for_an_operator() -> None:
    with pytest.raises(Misconfigured) as error:
        sent(said(40014), token("t2"), said(40014), outgoing=call("a", content=TEXT))
    assert error.value.code == "40014"


def test_a_token_is_kept_between_jobs_and_fetched_again_before_it_ends() -> None:
    clock = Clock()
    transport = ScriptedTransport(token("t1"), said(0), said(0), token("t2"), said(0))
    provider = WeCom(http(transport), tokens(clock))
    for later in (0, 5000, 7100):
        clock.now = 1_700_000_000.0 + later
        with provider.connect(account()) as session:
            session.send(call("a", content=TEXT))
    assert [query.get("access_token") for query in transport.queries()] == [
        None,
        ["t1"],
        ["t1"],
        None,
        ["t2"],
    ]


@pytest.mark.parametrize("answer", [said(40035), Response(400, {}, b"<html>")])
def test_a_token_that_cannot_be_renewed_loses_no_call(answer: Response) -> None:
    with pytest.raises(Misconfigured):
        sent(said(42001), answer, outgoing=call("a", "b", content=TEXT))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (said(40001), Misconfigured),
        (said(40013), Misconfigured),
        (said(60020), Misconfigured),
        (said(77777), Misconfigured),
        (said(47001), Misconfigured),
        (Response(400, {}, b"<html>"), Misconfigured),
        (said(-1), Unavailable),
        (said(45009), Throttled),
        (token(""), Unavailable),
        (token("a b"), Unavailable),
        (reply({"errcode": 0}), Unavailable),
        (Response(200, {}, b"<html>"), Unavailable),
        (Uncertain("timeout"), Unavailable),
    ],
)
def test_without_a_token_nothing_was_sent(
    answer: Response | Exception, kind: type[Exception]
) -> None:
    transport = ScriptedTransport(answer)
    with opened(transport) as session, pytest.raises(kind) as error:
        session.send(call("a", content=TEXT))
    assert type(error.value) is kind
    assert transport.paths() == ["GET /cgi-bin/gettoken"]


def test_the_token_is_handed_out_with_its_end() -> None:
    clock = Clock()
    for provider in (WeCom, LinkedCorp):
        with provider(http(ScriptedTransport(token("t9"))), tokens(clock)).connect(
            account()
        ) as session:
            given_ = session.access_token()
        assert given_ is not None
        assert given_.value == "t9"
        assert 7000_000 < given_.expires - clock.now * 1000 < 7200_000


def test_a_check_asks_for_a_token_even_if_one_is_kept() -> None:
    for provider in (WeCom, LinkedCorp):
        transport = ScriptedTransport(token(), token(), said(40001))
        with provider(http(transport), tokens()).connect(account()) as session:
            session.access_token()
            session.check()
            with pytest.raises(Misconfigured):
                session.check()


def test_the_same_call_again_has_the_same_json_and_another_message_has_not() -> None:
    bodies = []
    for name in ("one", "one", "two"):
        _, transport = sent(said(0, msgid="m"), outgoing=call("a", content=CARD, token=name))
        bodies.append(transport.bodies()[1])
    assert bodies[0] == bodies[1] != bodies[2]
    assert bodies[0]["template_card"]["task_id"] == "one"
    assert WeCom.capabilities.token_life == TOKEN_LIFE < LEAST_INTERVAL


def test_every_call_has_a_word_of_its_own_unless_the_operator_turns_the_check_off() -> None:
    with opened(ScriptedTransport()) as session:
        assert session.token() != session.token()
    with opened(ScriptedTransport(), duplicate_check=False) as session:
        assert session.token() is None


def test_without_a_token_the_senders_own_settings_hold() -> None:
    content = {**TEXT, "safe": 1, "enable_duplicate_check": 0, "duplicate_check_interval": 60}
    _, transport = sent(said(0), outgoing=call("a", content=content))
    assert {
        name: transport.bodies()[1][name]
        for name in ("safe", "enable_duplicate_check", "duplicate_check_interval")
    } == {
        "safe": 1,
        "enable_duplicate_check": 0,
        "duplicate_check_interval": 60,
    }


@pytest.mark.parametrize(("wanted", "given_"), [(60, None), (14400, 14400)])
def test_a_longer_interval_of_the_senders_is_kept(wanted: int, given_: int | None) -> None:
    _, transport = sent(
        said(0), outgoing=call("a", content={**TEXT, "duplicate_check_interval": wanted}, token="x")
    )
    interval = transport.bodies()[1]["duplicate_check_interval"]
    assert interval == given_ if given_ else LEAST_INTERVAL <= interval < 2 * LEAST_INTERVAL
