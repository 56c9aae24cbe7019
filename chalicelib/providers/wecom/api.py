"""WeCom's API for application messages and linked corporations: credentials, token, codes.

Token: https://developer.work.weixin.qq.com/document/path/91039, codes: …/path/90313.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.errors import (
    Invalid,
    Misconfigured,
    ProviderError,
    Rejected,
    Throttled,
    Unavailable,
)
from chalicelib.domain.provider_io import Account
from chalicelib.providers.base import (
    check_names,
    number,
    optional_text,
    optional_url,
    required_text,
    settings,
)
from chalicelib.providers.errcodes import TokenApi, VendorCodes
from chalicelib.providers.tokens import AccessTokens
from chalicelib.providers.wechat import crypto
from chalicelib.web.egress import Policy
from chalicelib.web.http import Http

BASE_URL = "https://qyapi.weixin.qq.com"
CALL_SIZE = 1000  # userids of a call, both APIs

# "Global error codes", https://developer.work.weixin.qq.com/document/path/90313. 81013 and 60020
# are also on the page of sending (…/path/90236). The list is from 2025 and partly recalled.
# Misconfigured: every message would meet the error, so it waits for an operator.
ERRORS: Mapping[str, type[ProviderError]] = {
    "-1": Unavailable,  # busy
    "6000": Unavailable,  # data changed meanwhile
    "40001": Misconfigured,  # secret
    "40003": Rejected,  # userid
    "40007": Rejected,  # media_id: unknown, or older than three days
    "40008": Rejected,  # msgtype
    "40013": Misconfigured,  # corpid
    "40014": Misconfigured,  # access token, also the new one
    "40031": Rejected,  # list of userids
    "40032": Rejected,  # length of that list
    "40033": Rejected,  # characters
    "40035": Rejected,  # a parameter
    "40039": Rejected,  # length of an address
    "40056": Misconfigured,  # agentid
    "40058": Rejected,  # a parameter, which the text names
    "40063": Rejected,  # a parameter is missing
    "40091": Misconfigured,  # secret of another corporation
    "40141": Misconfigured,  # the corporation
    "41001": Misconfigured,  # no access token
    "41002": Misconfigured,  # no corpid
    "41004": Misconfigured,  # no secret
    "41011": Misconfigured,  # no agentid
    "42001": Misconfigured,  # access token expired, also the new one
    "42052": Rejected,  # too late to recall
    "44001": Rejected,  # empty media
    "44004": Rejected,  # empty text
    "45001": Rejected,  # media too large
    "45002": Rejected,  # content too long
    "45008": Rejected,  # articles
    "45009": Throttled,  # calls of a minute, or person-times of the day
    "45031": Misconfigured,  # secret is too weak
    "45033": Throttled,  # calls at a time
    "46004": Rejected,  # no such user
    "47001": Rejected,  # not readable
    "48001": Misconfigured,  # API not granted
    "48002": Misconfigured,  # API not allowed to the application
    "48004": Misconfigured,  # no authorisation, or no longer
    "48006": Misconfigured,  # API taken back, since it was not used for long
    "50002": Rejected,  # user out of the application's sight
    "50003": Misconfigured,  # application is switched off
    "60011": Misconfigured,  # application may not see members or itself
    "60021": Rejected,  # user out of the application's sight
    "60020": Misconfigured,  # IP address not on the application's list
    "60111": Rejected,  # no such user
    "81013": Rejected,  # no user, party or tag is valid
    "82001": Rejected,
    "301002": Misconfigured,  # agentid belongs to another application
}
STALE = frozenset({"40001", "40014", "41001", "42001"})

# Nobody of a call can be reached.
NOBODY = frozenset({"81013", "82001"})
# Some user of a call cannot be reached. These codes, also 60111, do not prove a contact dead.
# WeCom sends the same code for a missing user and for one out of the application's sight for now.
NOT_THERE = frozenset({"40003", "46004", "50002", "60011", "60021", "60111"})

CODES = VendorCodes(ERRORS, STALE)

_CALLBACK = ("callback_token", "encoding_aes_key")
CREDENTIALS = settings("corp_id agent_id secret")
CREDENTIALS_WITH_CALLBACK = settings("corp_id agent_id secret", " ".join(_CALLBACK))


def check_credentials(raw: Mapping[str, Any], *, callback: bool) -> None:
    """Check credentials.

    `callback`: the two fields to read callbacks are allowed, both or neither.
    """
    check_names(raw, CREDENTIALS_WITH_CALLBACK if callback else CREDENTIALS, "credentials")
    required_text(raw, "corp_id", "credentials", 64)
    required_text(raw, "secret", "credentials", 256)
    if number(raw.get("agent_id")) is None:
        raise Invalid("credentials.agent_id", "is required and must be a number")
    if any(raw.get(name) for name in _CALLBACK):
        required_text(raw, "callback_token", "credentials", 32)
        if not crypto.is_aes_key(required_text(raw, "encoding_aes_key", "credentials", 43)):
            raise Invalid("credentials.encoding_aes_key", "must be 43 letters and digits")


def check_options(options: Mapping[str, Any], policy: Policy) -> None:
    optional_url(options, "base_url", policy)


def open_api(http: Http, tokens: AccessTokens, account: Account) -> TokenApi:
    credentials = account.credentials
    query = {"corpid": str(credentials["corp_id"]), "corpsecret": str(credentials["secret"])}
    return TokenApi(http, tokens, account, CODES, (f"{base_url(account)}/cgi-bin/gettoken", query))


def base_url(account: Account) -> str:
    return (optional_text(account.options, "base_url") or BASE_URL).rstrip("/")
