"""Amazon SES by the role of the function that sends, without an access key."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.aws.own_role import OwnRole
from chalicelib.domain.errors import Invalid, Misconfigured
from chalicelib.domain.provider_io import Account, OutgoingCall, Recipient
from chalicelib.providers.email import ses_signing
from chalicelib.providers.email.ses import Ses
from chalicelib.providers.email.ses_signing import Keys
from chalicelib.web.egress import Policy
from chalicelib.web.http import Http
from tests.contracts import emulator
from tests.providers.email.test_ses import CONTENT, LOGIN, NOW, OPTIONS, Aws

BY_ROLE = {"role": "function"}
OF_ROLE = {name: value for name, value in OPTIONS.items() if name != "region"}


class Renewed:
    """Implements OwnRole. Each call has another key, as after a renewal."""

    region = "ap-southeast-1"

    def __init__(self) -> None:
        self.calls = 0

    def keys(self) -> tuple[str, str, str]:
        self.calls += 1
        return f"ASIA{self.calls}", "secret", f"token{self.calls}"


def test_each_call_is_signed_with_the_key_that_the_role_has_now() -> None:
    aws = Aws()
    provider = Ses(Http(Policy(), 5.0, aws), lambda: NOW, Renewed())
    with provider.connect(Account("news", BY_ROLE, OF_ROLE)) as session:
        for contact in ("ann@example.org", "bob@example.org"):
            recipient = Recipient(contact, CONTENT, "ref", "https://ums.example/u/x")
            session.send(OutgoingCall("m", [recipient]))
    for number, request in enumerate(aws.requests, 1):
        assert request.url.startswith("https://email.ap-southeast-1.amazonaws.com/")
        keys = Keys(f"ASIA{number}", "secret", f"token{number}")
        signed = ses_signing.signed(
            "POST", request.url, request.body or b"", keys, "ap-southeast-1", NOW
        )
        assert signed.items() <= request.headers.items()


def test_a_channel_may_send_in_another_region_of_the_account() -> None:
    aws = Aws()
    provider = Ses(Http(Policy(), 5.0, aws), lambda: NOW, Renewed())
    with provider.connect(Account("news", BY_ROLE, OPTIONS)) as session:
        session.check()
    assert aws.requests[0].url == "https://email.eu-west-1.amazonaws.com/v2/email/account"
    assert "/eu-west-1/ses/" in aws.requests[0].headers["authorization"]


@pytest.mark.parametrize(
    ("credentials", "options", "field"),
    [
        ({"role": "arn:aws:iam::1:role/x"}, {}, "credentials.role"),
        ({**BY_ROLE, "access_key_id": "AKIA"}, {}, "credentials.access_key_id"),
        ({**BY_ROLE, "session_token": "t"}, {}, "credentials.session_token"),
        (BY_ROLE, {"base_url": "https://evil.example"}, "options.base_url"),
        (BY_ROLE, {"region": "evil.example/"}, "options.region"),
        (LOGIN, {}, "options.region"),
        ({}, {"region": "eu-west-1"}, "credentials.access_key_id"),
    ],
)
def test_settings_that_would_hand_the_roles_token_to_others_are_refused(
    credentials: dict[str, str], options: dict[str, Any], field: str
) -> None:
    provider = Ses(Http(Policy(), 5.0), role=Renewed())
    with pytest.raises(Invalid) as error:
        provider.check_credentials(credentials, {**OF_ROLE, **options})
    assert error.value.field == field


def test_the_local_stack_may_stand_in_for_aws() -> None:
    provider = Ses(Http(Policy(("127.0.0.1",)), 5.0), role=Renewed())
    provider.check_credentials(BY_ROLE, {**OF_ROLE, "base_url": "http://127.0.0.1:9/ses"})


def test_without_the_leave_of_the_deployment_there_is_no_role() -> None:
    provider = Ses(Http(Policy(), 5.0))
    with pytest.raises(Invalid, match="SesIdentities"):
        provider.check_credentials(BY_ROLE, OF_ROLE)
    with pytest.raises(Misconfigured):
        provider.connect(Account("news", BY_ROLE, OF_ROLE))


def test_the_keys_are_those_of_the_functions_other_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (("ACCESS_KEY_ID", "ASIA"), ("SECRET_ACCESS_KEY", "s")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "t")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with emulator.own_session():
        assert OwnRole().keys() == ("ASIA", "s", "t")
        assert OwnRole().region == "eu-west-1"
