"""Tokens of an account that has authorised a third-party platform."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib.domain.errors import Misconfigured, Unavailable, Uncertain
from chalicelib.domain.provider_io import Account, Token, token_name
from chalicelib.providers.tokens import AccessTokens
from chalicelib.providers.wechat import component
from chalicelib.providers.wechat.mini_program import MiniProgram
from chalicelib.providers.wechat.official_account import OfficialAccount
from tests.providers.scripted import ScriptedTransport, call, http, reply
from tests.providers.tokened import Clock, said, tokens
from tests.providers.wechat.calls import AUTHORISED, MINI, OK, TEMPLATE, official

GRANTED = reply({"component_access_token": "ct", "expires_in": 7200})

INFO = {
    "authorizer_appid": "wx1",
    "authorizer_access_token": "at1",
    "expires_in": 7200,
    "authorizer_refresh_token": "r1",
    "func_info": [],
}

EXCHANGED = reply({"authorization_info": INFO})

KNOWN = reply(
    {
        "authorizer_info": {},
        "authorization_info": {"authorizer_appid": "wx1", "authorizer_refresh_token": "r7"},
    }
)

REFRESHED = reply(
    {"authorizer_access_token": "at2", "expires_in": 7200, "authorizer_refresh_token": "r2"}
)


def keep(kept: AccessTokens, name: str, value: str, seconds: int = 3600) -> None:
    kept.keep(name, Token(value, kept.now + seconds * 1000, kept.now + seconds * 1000))


def told(clock: Clock | None = None, code: str = "code-1") -> AccessTokens:
    kept = tokens(clock)
    keep(kept, component.ticket_name("wxc"), "ticket@@@1", 43200)
    if code:
        keep(kept, component.code_name("wxc", "wx1"), code)
    return kept


def test_a_new_authorisation_is_exchanged_when_somebody_sends() -> None:
    transport, kept = ScriptedTransport(GRANTED, EXCHANGED, OK, OK), told()
    session = official(transport, kept, AUTHORISED)
    session.send(call("a", content=TEMPLATE))
    session.send(call("b", content=TEMPLATE))
    assert [urlsplit(request.url).path.rpartition("/")[2] for request in transport.requests] == [
        "api_component_token",
        "api_query_auth",
        "send",
        "send",
    ]
    assert transport.bodies()[0] == {
        "component_appid": "wxc",
        "component_appsecret": "cs",
        "component_verify_ticket": "ticket@@@1",
    }
    assert transport.bodies()[1] == {"component_appid": "wxc", "authorization_code": "code-1"}
    assert [query.get("access_token") for query in transport.queries()] == [
        None,
        ["ct"],
        ["at1"],
        ["at1"],
    ]


def test_a_code_is_exchanged_once_and_then_the_token_is_refreshed() -> None:
    clock = Clock()
    kept = told(clock)
    transport = ScriptedTransport(
        GRANTED, EXCHANGED, OK, GRANTED, REFRESHED, OK, GRANTED, REFRESHED, OK
    )
    session = official(transport, kept, AUTHORISED)
    for _ in range(3):
        session.send(call("a", content=TEMPLATE))
        keep(kept, component.code_name("wxc", "wx1"), "code-1")  # announced again
        clock.now += 7100
    refreshes = [body for body in transport.bodies() if "authorizer_refresh_token" in body]
    assert [body["authorizer_refresh_token"] for body in refreshes] == ["r1", "r2"]
    assert refreshes[0] == {
        "component_appid": "wxc",
        "authorizer_appid": "wx1",
        "authorizer_refresh_token": "r1",
    }


def test_a_newer_authorisation_goes_before_the_refresh_token_and_a_spent_code_does_not() -> None:
    clock = Clock()
    kept = told(clock)
    newer = reply(
        {
            "authorization_info": {
                **INFO,
                "authorizer_access_token": "at3",
                "authorizer_refresh_token": "r3",
            }
        }
    )
    transport = ScriptedTransport(
        GRANTED, EXCHANGED, OK, said(61003), newer, OK, GRANTED, said(61010), REFRESHED, OK
    )
    session = official(transport, kept, AUTHORISED)
    session.send(call("a", content=TEMPLATE))
    keep(kept, component.code_name("wxc", "wx1"), "code-2")
    session.send(
        call("a", content=TEMPLATE)
    )  # the old token is refused, as after an authorisation that was taken back
    keep(kept, component.code_name("wxc", "wx1"), "code-3", 36000)
    clock.now += 7100
    session.send(call("a", content=TEMPLATE))
    assert [
        body["authorization_code"] for body in transport.bodies() if "authorization_code" in body
    ] == ["code-1", "code-2", "code-3"]
    assert transport.bodies()[-2]["authorizer_refresh_token"] == "r3"
    assert transport.queries()[-1] == {"access_token": ["at2"]}


@pytest.mark.parametrize("code", ["", "code-1"])
def test_where_no_refresh_token_was_kept_wechat_is_asked_for_it(code: str) -> None:
    """The code was too old at the first call, or a worker died before it stored the
    refresh token.
    """
    kept = told(code=code)
    spent = [said(61010)] if code else []
    transport = ScriptedTransport(GRANTED, *spent, KNOWN, REFRESHED, OK)
    official(transport, kept, AUTHORISED).send(call("a", content=TEMPLATE))
    asked = transport.bodies()[-3:]
    assert asked[0] == {"component_appid": "wxc", "authorizer_appid": "wx1"}
    assert asked[1] == {
        "component_appid": "wxc",
        "authorizer_appid": "wx1",
        "authorizer_refresh_token": "r7",
    }
    assert transport.queries()[-1] == {"access_token": ["at2"]}
    assert "r2" in str(kept.read(component.refresh_name("wxc", "wx1")))


def test_a_refresh_token_that_is_no_longer_good_is_asked_for_anew() -> None:
    clock = Clock()
    transport = ScriptedTransport(
        GRANTED, EXCHANGED, OK, GRANTED, said(61023), KNOWN, REFRESHED, OK
    )
    session = official(transport, told(clock), AUTHORISED)
    session.send(call("a", content=TEMPLATE))
    clock.now += 7100
    session.send(call("a", content=TEMPLATE))
    assert [
        body["authorizer_refresh_token"]
        for body in transport.bodies()
        if "authorizer_refresh_token" in body
    ] == ["r1", "r7"]


def test_the_platforms_token_is_shared_by_its_channels_and_renewed_when_it_is_not_known() -> None:
    kept = told()
    keep(kept, component.code_name("wxc", "wx2"), "code-2")
    other = {**AUTHORISED, "app_id": "wx2"}
    second = reply(
        {
            "authorization_info": {
                **INFO,
                "authorizer_appid": "wx2",
                "authorizer_access_token": "at9",
            }
        }
    )
    fresh = reply({"component_access_token": "ct2", "expires_in": 7200})
    transport = ScriptedTransport(GRANTED, EXCHANGED, OK, said(42001), fresh, second, said(0))
    official(transport, kept, AUTHORISED).send(call("a", content=TEMPLATE))
    with MiniProgram(http(transport), kept, component=True).connect(
        Account("mp", other)
    ) as session:
        assert session.send(call("a", content=MINI)).outcomes[0].provider_id
    assert [query.get("access_token") for query in transport.queries()] == [
        None,
        ["ct"],
        ["at1"],
        ["ct"],
        None,
        ["ct2"],
        ["at9"],
    ]
    assert kept.read(token_name("oa", "")) == "at1"


def test_the_platforms_token_is_another_one_with_another_secret() -> None:
    kept = told()
    transport = ScriptedTransport(
        GRANTED,
        EXCHANGED,
        OK,
        reply({"component_access_token": "ct2", "expires_in": 7200}),
        REFRESHED,
        OK,
    )
    for credentials_fingerprint, secret in (("first", "cs"), ("second", "another")):
        of = Account(
            "oa", {**AUTHORISED, "component_app_secret": secret}, {}, credentials_fingerprint
        )
        with OfficialAccount(http(transport), kept, component=True).connect(of) as session:
            session.send(call("a", content=TEMPLATE))
    assert [query.get("access_token") for query in transport.queries()] == [
        None,
        ["ct"],
        ["at1"],
        None,
        ["ct2"],
        ["at2"],
    ]


@pytest.mark.parametrize(
    ("code", "answers", "kind", "said_code"),
    [
        ("", [GRANTED, said(61003)], Misconfigured, "61003"),
        ("", [GRANTED, KNOWN, said(61023)], Misconfigured, "61023"),
        (
            "",
            [GRANTED, reply({"authorization_info": {"authorizer_refresh_token": ""}})],
            Misconfigured,
            "not_authorised",
        ),
        ("", [GRANTED, reply({"authorization_info": []})], Misconfigured, "not_authorised"),
        ("code-1", [GRANTED, said(61010), said(61003)], Misconfigured, "61003"),
        ("code-1", [said(61006)], Misconfigured, "61006"),
        ("code-1", [GRANTED, said(61011)], Misconfigured, "61011"),
        ("code-1", [GRANTED, said(-1)], Unavailable, "-1"),
        ("code-1", [GRANTED, Uncertain("timeout")], Unavailable, "timeout"),
        (
            "code-1",
            [GRANTED, reply({"authorization_info": {**INFO, "authorizer_appid": "wx9"}})],
            Unavailable,
            "no_authorization_info",
        ),
        (
            "code-1",
            [GRANTED, reply({"authorization_info": []})],
            Unavailable,
            "no_authorization_info",
        ),
        (
            "code-1",
            [GRANTED, reply({"authorization_info": {"authorizer_appid": "wx1"}})],
            Unavailable,
            "no_access_token",
        ),
    ],
)
def test_without_authorisation_nothing_is_sent(
    code: str, answers: list[Any], kind: type[Exception], said_code: str
) -> None:
    session = official(ScriptedTransport(*answers), told(code=code), AUTHORISED)
    with pytest.raises(kind) as error:
        session.send(call("a", content=TEMPLATE))
    assert (type(error.value), error.value.code) == (kind, said_code)  # type: ignore[attr-defined]


def test_without_a_ticket_an_operator_must_act() -> None:
    kept = tokens()
    keep(kept, component.code_name("wxc", "wx1"), "code-1")
    session = official(ScriptedTransport(), kept, AUTHORISED)
    with pytest.raises(Misconfigured, match="no_component_verify_ticket"):
        session.check()


def test_the_link_shows_the_code_to_scan() -> None:
    transport = ScriptedTransport(GRANTED, reply({"pre_auth_code": "p@1", "expires_in": 1800}))
    link = official(transport, told(), AUTHORISED).authorisation_link("https://a.example/done?x=1")
    assert link.startswith("https://mp.weixin.qq.com/cgi-bin/componentloginpage?")
    assert parse_qs(urlsplit(link).query) == {
        "component_appid": ["wxc"],
        "pre_auth_code": ["p@1"],
        "redirect_uri": ["https://a.example/done?x=1"],
        "auth_type": ["1"],
        "biz_appid": ["wx1"],
    }
    assert transport.bodies()[1] == {"component_appid": "wxc"}
    with pytest.raises(Misconfigured):
        official(ScriptedTransport(GRANTED, said(61011)), told(), AUTHORISED).authorisation_link(
            "https://a.example"
        )
