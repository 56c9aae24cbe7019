"""Any answer of WeCom, and any settings."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Invalid, ProviderError
from chalicelib.providers.wecom.linkedcorp import LinkedCorp
from chalicelib.providers.wecom.wecom import WeCom
from tests.providers.scripted import ScriptedTransport, call, http, reply
from tests.providers.tokened import token, tokens
from tests.providers.wecom.calls import CREDENTIALS, TEXT, linked, opened, sent

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(
                ["errcode", "msgid", "invaliduser", "unlicenseduser", "access_token", "expires_in"]
            ),
            inner,
        )
    ),
    max_leaves=15,
)


@given(ANY, st.booleans())
def test_any_answer_gives_an_outcome_for_each_or_an_error_of_ours(body: Any, success: bool) -> None:
    answer = reply({**body, "errcode": 0} if success and isinstance(body, dict) else body)
    for send, contacts in ((sent, ("a", "b")), (linked, ("ww/a", "ww/b"))):
        try:
            got, _ = send(answer, token("t2"), answer, outgoing=call(*contacts, content=TEXT))
        except ProviderError:
            continue
        assert len(got.outcomes) == 2
        assert got.provider_id.isascii()


@given(ANY)
def test_any_answer_for_a_token_is_a_token_or_an_error_of_ours(body: Any) -> None:
    with opened(ScriptedTransport(reply(body))) as session:
        try:
            given_ = session.access_token()
        except ProviderError:
            return
        assert given_ is not None
        assert given_.value


@pytest.mark.parametrize(
    ("change", "options", "field"),
    [
        ({"corp_id": ""}, {}, "credentials.corp_id"),
        ({"secret": None}, {}, "credentials.secret"),
        ({"agent_id": None}, {}, "credentials.agent_id"),
        ({"agent_id": "x"}, {}, "credentials.agent_id"),
        ({"agent_id": True}, {}, "credentials.agent_id"),
        ({"agent_id": 10**18}, {}, "credentials.agent_id"),
        ({"x": 1}, {}, "credentials.x"),
        ({"callback_token": "t"}, {}, "credentials.encoding_aes_key"),
        ({"encoding_aes_key": "a" * 43}, {}, "credentials.callback_token"),
        ({"callback_token": "t", "encoding_aes_key": "a" * 42}, {}, "credentials.encoding_aes_key"),
        (
            {"callback_token": "t" * 33, "encoding_aes_key": "a" * 43},
            {},
            "credentials.callback_token",
        ),
        ({}, {"base_url": "https://localhost@x"}, "options.base_url"),
        ({}, {"duplicate_check": 1}, "options.duplicate_check"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(
    change: dict[str, Any], options: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as error:
        WeCom(http(ScriptedTransport()), tokens()).check_credentials(
            {**CREDENTIALS, **change}, options
        )
    assert error.value.field == field


def test_settings_that_can_work_are_taken() -> None:
    full = {
        **CREDENTIALS,
        "agent_id": "1000002",
        "callback_token": "t" * 32,
        "encoding_aes_key": "a" * 43,
    }
    WeCom(http(ScriptedTransport()), tokens()).check_credentials(
        full, {"base_url": "https://wk.example", "duplicate_check": False}
    )
    LinkedCorp(http(ScriptedTransport()), tokens()).check_credentials(CREDENTIALS, {})
    with pytest.raises(Invalid):
        LinkedCorp(http(ScriptedTransport()), tokens()).check_credentials(full, {})
