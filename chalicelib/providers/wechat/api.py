"""WeChat's API for Official Accounts and mini-programs: credentials, access token, codes.

Token: developers.weixin.qq.com, "Get stable access token" (`/cgi-bin/stable_token`). The older API
ends the token that another system of the account's owner got. The stable API does not, and repeats
the same token while it is valid.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from chalicelib.domain.errors import (
    Invalid,
    Misconfigured,
    ProviderError,
    QuotaUsedUp,
    Rejected,
    TemplateGone,
    Throttled,
    Unavailable,
)
from chalicelib.domain.provider_io import Account, Loss, Outcome
from chalicelib.providers.base import (
    check_names,
    optional_text,
    optional_url,
    required_text,
    safe_request,
    settings,
)
from chalicelib.providers.errcodes import SUCCESS, TokenApi, VendorCodes, errcode
from chalicelib.providers.tokens import AccessTokens
from chalicelib.providers.wechat.crypto import is_aes_key
from chalicelib.web.egress import Policy
from chalicelib.web.http import Http
from chalicelib.web.messages import Response

BASE_URL = "https://api.weixin.qq.com"
CALL_SIZE = 1  # the API takes one openid

# "Global return codes" and those of the pages of sending (template/send, subscribe/bizsend,
# subscribe/send, component/…) on developers.weixin.qq.com. Partly recalled.
# Misconfigured: every message would meet the error, so it waits for an operator.
ERRORS: Mapping[str, type[ProviderError]] = {
    "-1": Unavailable,  # busy, documented as "try again later"
    "40001": Misconfigured,  # secret, or an access token that is not the newest, also the new one
    "40013": Misconfigured,  # appid
    "40014": Misconfigured,  # access token, also the new one
    "40037": TemplateGone,  # template_id: not of this account, or deleted
    "40125": Misconfigured,  # secret
    "40164": Misconfigured,  # IP address not on the account's list
    "40165": Rejected,  # pagepath
    "40243": Misconfigured,  # secret is frozen
    "40249": Rejected,  # advertising
    "40250": Rejected,  # content with gaps
    "40251": QuotaUsedUp,  # of an account that has broken rules
    "41001": Misconfigured,  # no access token
    "41002": Misconfigured,  # no appid
    "41004": Misconfigured,  # no secret
    "41028": Rejected,
    "41030": Rejected,  # page
    "42001": Misconfigured,  # access token expired, also the new one
    "43107": Misconfigured,  # account or template is blocked for subscription messages
    "43116": TemplateGone,  # template is blocked
    "45009": QuotaUsedUp,  # of the day
    "45011": Throttled,  # calls of a minute
    "45168": Rejected,  # forbidden words
    "47001": Rejected,  # not readable
    "47003": Rejected,  # a value breaks its rule, which the text names
    "48001": Misconfigured,  # API not granted to the account
    "48004": Misconfigured,  # API blocked for the account
    "50001": Misconfigured,
    "50007": Misconfigured,  # account is suspended
    "61003": Misconfigured,  # the account has not authorised the third-party platform, or no longer
    "61004": Misconfigured,  # IP address not on the platform's list
    "61005": Misconfigured,  # ticket expired
    "61006": Misconfigured,  # ticket
    "61007": Misconfigured,  # permission not granted to the platform
    "61009": Misconfigured,  # authorisation code
    "61010": Misconfigured,  # authorisation code used or expired
    "61011": Misconfigured,  # component
    "61023": Misconfigured,  # refresh token
    "200011": Misconfigured,  # account is blocked
    # Of the library: the account has as many as it may, the template is blocked, wrong arguments.
    **dict.fromkeys(("200012", "200013", "200014", "200020", "200021"), Rejected),
}
# 61003 also comes for a token of an authorisation that was taken back and given again since.
STALE = frozenset({"40001", "40014", "42001", "61003"})

# Codes that concern the one recipient of a call.
LOST: Mapping[str, Outcome] = {
    "40003": Outcome(Loss.INVALID_TARGET, "40003"),  # not an openid of this account
    # Does not follow the account.
    "43004": Outcome(Loss.INVALID_TARGET, "43004", undeliverable=True),
    "43019": Outcome(Loss.INVALID_TARGET, "43019"),  # on the account's blacklist
    # Has not subscribed to this template, or has used the subscription up.
    "43101": Outcome(Loss.INVALID_TARGET, "43101"),
    "50002": Outcome(Loss.INVALID_TARGET, "50002"),  # user is restricted
    "43108": Outcome(code="43108", later=True),  # another message to this openid is being sent
    "43117": Outcome(code="43117", later=True),  # too many to this openid for now
    # "The message is duplicate in 60 seconds". As people report, also without a repeat.
    "40241": Outcome(code="40241", uncertain=True),
    # Picked out for a review. If the message passes, WeChat sends it and reports nothing more
    # (developers.weixin.qq.com/community, 2025-08).
    "40252": Outcome(code="40252", uncertain=True),
}

# An answer that grants something has no errcode.
GRANTS = frozenset(
    {
        "access_token",
        "component_access_token",
        "pre_auth_code",
        "authorization_info",
        "authorizer_access_token",
        "template_list",
    }
)

APP_ID = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)
OPENID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)

_OWN = ("app_id", "app_secret")
_AUTHORISED = ("app_id", "component_app_id", "component_app_secret")
_CALLBACK = ("callback_token", "encoding_aes_key")

OPTIONS = settings("", "base_url")


def credentials(*, component: bool, callback: bool) -> Mapping[str, bool]:
    """Return the names of credentials, and whether each is required."""
    if component:
        return settings(" ".join((*_AUTHORISED, *_CALLBACK)))
    return settings(" ".join(_OWN), " ".join(_CALLBACK if callback else ()))


def code_of(body: Any) -> str:
    return errcode(body) or (SUCCESS if isinstance(body, Mapping) and body.keys() & GRANTS else "")


CODES = VendorCodes(ERRORS, STALE, code_of)


def check_credentials(raw: Mapping[str, Any], *, component: bool, callback: bool) -> None:
    """Check credentials.

    `component`: of an account that has authorised a third-party platform.

    The callbacks of a platform are always encrypted.
    """
    check_names(raw, credentials(component=component, callback=callback), "credentials")
    for name in _AUTHORISED if component else _OWN:
        value = required_text(raw, name, "credentials", 256)
        if name.endswith("app_id") and not APP_ID.fullmatch(value):
            raise Invalid(f"credentials.{name}", "must be an AppID")
    if component or any(raw.get(name) for name in _CALLBACK):
        token = required_text(raw, "callback_token", "credentials", 32)
        if not re.fullmatch(r"[A-Za-z0-9]{3,32}", token):
            raise Invalid("credentials.callback_token", "must be 3 to 32 letters and digits")
        read_key = required_text if component else optional_text
        key = read_key(raw, "encoding_aes_key", "credentials", 43)
        if key and not is_aes_key(key):
            raise Invalid("credentials.encoding_aes_key", "must be 43 letters and digits")


def check_options(options: Mapping[str, Any], policy: Policy) -> None:
    optional_url(options, "base_url", policy)


def base_url(account: Account) -> str:
    return (optional_text(account.options, "base_url") or BASE_URL).rstrip("/")


class OwnApi(TokenApi):
    """The API of an account by the account's own secret."""

    def __init__(self, http: Http, tokens: AccessTokens, account: Account) -> None:
        credentials = account.credentials
        query = {
            "grant_type": "client_credential",
            "appid": str(credentials["app_id"]),
            "secret": str(credentials["app_secret"]),
        }
        super().__init__(
            http, tokens, account, CODES, (f"{base_url(account)}/cgi-bin/stable_token", query)
        )

    def _ask(self, url: str, query: Mapping[str, str]) -> Response:
        return safe_request(self._http, "POST", url, json=query)
