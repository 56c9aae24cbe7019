"""The contract of every platform for accounts: checks, credentials and settings."""

from __future__ import annotations

import contextlib
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Invalid, Misconfigured, ProviderError
from tests.profiles import examples
from tests.providers.contract import VALUES, Bench
from tests.providers.contract_cases import every, page


@every
def test_a_check_says_yes_to_right_credentials_and_sends_nothing(bench: Bench) -> None:
    with bench.session() as session:
        session.check()
    assert bench.box.get("sends", provider=bench.at_sandbox.provider).get(bench.contact(), 0) == 0


@every
def test_a_token_is_handed_on_where_the_capabilities_say_so_and_nowhere_else(bench: Bench) -> None:
    with bench.session() as session:
        token = session.access_token()
    assert (token is not None) is bench.provider.capabilities.hands_on_token


@every
def test_wrong_credentials_are_for_the_operator(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.with_wrong_credentials()
    bench.provider = bench.fresh()
    bench.remember()
    with (
        caplog.at_level(logging.INFO),
        bench.session() as session,
        pytest.raises(Misconfigured) as raised,
    ):
        session.check()
    seen = f"{raised.value} {raised.value!r} {bench.account!r} {_everything(caplog)}"
    assert [secret for secret in bench.secrets() if secret in seen and secret != "wrong"] == []


def _everything(caplog: pytest.LogCaptureFixture) -> str:
    return " ".join(
        f"{record.getMessage()} {record.__dict__}"
        for record in caplog.records
        if record.name.startswith("chalicelib")
    )


@every
def test_no_secret_contact_or_content_is_seen(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    contact = bench.contact()
    with caplog.at_level(logging.INFO), bench.session() as session:
        call = bench.call(contact, token=session.token())
        answer = session.send(call)
        seen = f"{bench.account!r} {call!r} {answer!r} {session!r} {bench.provider!r}"
        if bench.entry.sends:
            bench.meddle(
                page(
                    200,
                    b'{"errcode": 99999, "code": "99999", "result": -99999, "error": {"code": '
                    b"99999}}",
                )
            )
            with pytest.raises(ProviderError) as raised:
                session.send(call)
            seen += f" {raised.value} {raised.value!r}"
    seen += _everything(caplog)
    ids = f"{answer.provider_id} {[outcome.provider_id for outcome in answer.outcomes]}"
    marks = [*bench.secrets(), *VALUES.values(), *([] if contact in ids else [contact])]
    assert [mark for mark in marks if mark in seen] == []


@every
def test_credentials_are_what_the_capabilities_say(bench: Bench) -> None:
    able, provider = bench.provider.capabilities, bench.provider
    provider.check_credentials(bench.credentials, bench.made.options)
    assert set(bench.credentials) <= set(able.credentials)
    assert set(bench.made.options) <= set(able.options)
    for where, settings_, named in (
        ("credentials", bench.credentials, able.credentials),
        ("options", bench.made.options, able.options),
    ):
        for name in (name for name, required in named.items() if required):
            less = {key: value for key, value in settings_.items() if key != name}
            with pytest.raises(Invalid) as raised:
                provider.check_credentials(
                    *(
                        (less, bench.made.options)
                        if where == "credentials"
                        else (bench.credentials, less)
                    )
                )
            assert raised.value.field == f"{where}.{name}"
    with pytest.raises(Invalid) as raised:
        provider.check_credentials({**bench.credentials, "pigeon": "1"}, bench.made.options)
    assert raised.value.field == "credentials.pigeon"


# What SES needs unless mails go by the function's role.
UNLESS_BY_ROLE = {"ses": {"access_key_id", "secret_access_key", "region"}}


@every
def test_what_may_be_left_out_may_be_left_out(bench: Bench) -> None:
    able, needed = bench.provider.capabilities, UNLESS_BY_ROLE.get(bench.platform, set())
    credentials, options = (
        {name: value for name, value in given.items() if named[name] or name in needed}
        for given, named in (
            (bench.credentials, able.credentials),
            (bench.made.options, able.options),
        )
    )
    bench.provider.check_credentials(credentials, options)


JUNK = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.lists(st.integers(), max_size=2)
    | st.just({"a": [{}]})
)


@pytest.mark.hypothesis
@every
def test_whatever_an_operator_enters_is_taken_or_refused_by_name(bench: Bench) -> None:
    capabilities, provider = bench.provider.capabilities, bench.provider

    @examples(60, repeated=20)
    @given(
        st.dictionaries(st.sampled_from(sorted(capabilities.credentials)), JUNK),
        st.dictionaries(st.sampled_from(sorted(capabilities.options)), JUNK),
    )
    def try_settings(credentials: dict[str, Any], options: dict[str, Any]) -> None:
        with contextlib.suppress(Invalid):
            provider.check_credentials(
                {**bench.credentials, **credentials}, {**bench.made.options, **options}
            )

    try_settings()


@pytest.mark.hypothesis
@every
def test_whatever_a_sender_writes_is_taken_or_refused_by_name(bench: Bench) -> None:
    provider = bench.provider
    keys = st.sampled_from(
        sorted(_keys(bench.at_sandbox.content) | {"", "type", "text", "msgtype"})
    )
    nested = st.recursive(
        JUNK,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=4),
        max_leaves=6,
    )

    @examples(60, repeated=20)
    @given(st.dictionaries(keys, nested, max_size=5))
    def try_content(content: dict[str, Any]) -> None:
        with contextlib.suppress(Invalid):
            provider.check_content({**content})
        with contextlib.suppress(Invalid):
            provider.check_content({**bench.at_sandbox.content, **content})

    try_content()
    provider.check_content(bench.at_sandbox.content)


def _keys(content: Any) -> set[str]:
    if isinstance(content, dict):
        return set(content).union(*(_keys(value) for value in content.values()))
    return set().union(*(_keys(value) for value in content)) if isinstance(content, list) else set()
