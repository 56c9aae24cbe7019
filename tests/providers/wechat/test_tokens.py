"""Access tokens of an account by its own secret."""

from __future__ import annotations

import threading

import pytest

from chalicelib.domain.errors import Misconfigured, QuotaUsedUp, Rejected, Unavailable, Uncertain
from chalicelib.domain.provider_io import Account
from chalicelib.providers.tokens import AccessTokens, MemoryTokens
from chalicelib.providers.wechat.api import STALE
from chalicelib.providers.wechat.official_account import OfficialAccount
from chalicelib.web.messages import Request, Response
from tests.providers.scripted import ScriptedTransport, call, http, reply
from tests.providers.tokened import Clock, said, tokens
from tests.providers.wechat.calls import AUTHORISED, OK, OWN, TEMPLATE, TOKEN, official, sent


@pytest.mark.parametrize("code", sorted(STALE))
def test_a_token_that_is_no_longer_known_is_renewed_at_once_and_the_call_repeated_once(
    code: str,
) -> None:
    fresh = reply({"access_token": "t2", "expires_in": 7200})
    answer, transport = sent(said(int(code)), fresh, OK, token="abc")
    assert answer.outcomes[0].provider_id == "200228332"
    assert [query.get("access_token") for query in transport.queries()] == [
        None,
        ["t1"],
        None,
        ["t2"],
    ]
    assert transport.bodies()[1] == transport.bodies()[3]
    with pytest.raises(Misconfigured) as error:
        sent(said(int(code)), fresh, said(int(code)))
    assert error.value.code == code


def test_one_token_serves_all_calls_until_shortly_before_it_ends() -> None:
    clock = Clock()
    kept = tokens(clock)
    transport = ScriptedTransport(
        TOKEN, OK, OK, reply({"access_token": "t2", "expires_in": 7200}), OK
    )
    session = official(transport, kept)
    session.send(call("a", content=TEMPLATE))
    assert official(transport, kept).send(call("b", content=TEMPLATE)).outcomes[0].provider_id
    clock.now += 7000
    session.send(call("c", content=TEMPLATE))
    assert [query.get("access_token") for query in transport.queries()] == [
        None,
        ["t1"],
        ["t1"],
        None,
        ["t2"],
    ]


def test_many_workers_without_a_token_fetch_one() -> None:
    """The clock is real. Each worker has its own memory, and the store is shared."""
    store, fetched = MemoryTokens(), []

    class Transport:
        def send(self, request: Request, timeout: float) -> Response:
            if request.url.endswith("stable_token"):
                fetched.append(request)
                return TOKEN
            return OK

    def work() -> None:
        session = official(Transport(), AccessTokens(store))  # type: ignore[arg-type]
        done.append(session.send(call("a", content=TEMPLATE)).outcomes[0].provider_id)

    done: list[str] = []
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == ["200228332"] * 8
    assert len(fetched) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (said(40125), Misconfigured),
        (said(40013), Misconfigured),
        (said(40164), Misconfigured),
        (said(-1), Unavailable),
        (said(45009), QuotaUsedUp),
        (said(99999), Misconfigured),
        (reply({"expires_in": 7200}), Unavailable),
        (reply({"access_token": "a b"}), Unavailable),
        (Uncertain("timeout"), Unavailable),
        (Response(500, {}, b""), Unavailable),
    ],
)
def test_without_a_token_nothing_was_taken(
    answer: Response | Exception, kind: type[Exception]
) -> None:
    session = official(ScriptedTransport(answer))
    with pytest.raises(kind) as error:
        session.send(call("a", content=TEMPLATE))
    assert type(error.value) is kind


def test_an_own_token_can_be_had_and_checked_one_of_a_platform_is_not_given_on() -> None:
    session = official(ScriptedTransport(TOKEN, TOKEN))
    token = session.access_token()
    assert token is not None
    assert token.value == "t1"
    session.check()
    with pytest.raises(Misconfigured):
        official(ScriptedTransport(said(40125))).check()
    assert official(ScriptedTransport(), raw=AUTHORISED).access_token() is None
    with pytest.raises(Rejected, match="no_authorisation"):
        session.authorisation_link("https://a.example")


def test_other_credentials_never_use_the_token_that_earlier_ones_brought() -> None:
    kept, transport = (
        tokens(),
        ScriptedTransport(TOKEN, OK, reply({"access_token": "t2", "expires_in": 7200}), OK, OK),
    )
    for credentials_fingerprint in ("first", "second", "first"):
        with OfficialAccount(http(transport), kept).connect(
            Account("oa", OWN, {}, credentials_fingerprint)
        ) as session:
            session.send(call("a", content=TEMPLATE))
    sends = [
        query
        for path, query in zip(transport.paths(), transport.queries(), strict=True)
        if path.endswith("send")
    ]
    assert sends == [{"access_token": [value]} for value in ("t1", "t2", "t1")]
