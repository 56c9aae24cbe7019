"""Settings of a CMPP account: the form of UMS, and more.

The form of UMS has gateway, account, access number, connections and service code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.errors import Invalid
from chalicelib.domain.provider_io import Account
from chalicelib.domain.values import frozen
from chalicelib.providers.base import check_names, optional_text, required_text, settings
from chalicelib.providers.sms.cmpp import codec, link, messages, text
from chalicelib.providers.sms.cmpp.group_ids import GroupWay
from chalicelib.providers.sms.cmpp.lines import Line
from chalicelib.providers.sms.cmpp.link import Login
from chalicelib.providers.sms.receipts import NO_SUCH_NUMBER

PORT = 7890  # of long connections
PORTS = frozenset({PORT})
VERSIONS: Mapping[str, int] = {"2.0": messages.V2, "3.0": messages.V3}

CREDENTIALS = settings("account password")
OPTIONS = settings(
    "server access_number",
    "supplier port version connections service_code window numbers_per_submit group_ids alphabet "
    "fee_user_type fee_type fee_code check_gateway dead_stats",
)


@frozen
class Settings:
    """Settings of a delivery channel. Several may send over the same line."""

    line: Line
    access_number: str
    service: str
    numbers_per_submit: int
    group_ids: GroupWay  # as the operator knows the gateway's way
    rate: float  # messages a second, 0: unlimited
    alphabet: str  # of Msg_Fmt 0
    fee_user_type: int
    fee_type: str
    fee_code: str
    dead_stats: tuple[str, ...]


def check(raw: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Check the settings of an account. Raises Invalid naming the field."""
    check_names(raw, CREDENTIALS, "credentials")
    _ascii(required_text(raw, "account", "credentials", 6), "credentials.account")
    _ascii(required_text(raw, "password", "credentials", 64), "credentials.password")
    required_text(options, "server", "options", 253)
    optional_text(options, "supplier", "options", 100)
    number = required_text(options, "access_number", "options", 21)
    if not (number.isascii() and number.isdigit()):
        raise Invalid("options.access_number", "must be digits")
    for name, size in (("service_code", 10), ("fee_type", 2), ("fee_code", 6)):
        _ascii(optional_text(options, name, "options", size), f"options.{name}")
    read(Account("", raw, options))


def _ascii(value: str, field: str) -> None:
    if not (value.isascii() and value.isprintable()):
        raise Invalid(field, "must be ASCII")


def read(account: Account) -> Settings:
    options = account.options
    version = _choice(options, "version", tuple(VERSIONS))
    login = Login(
        str(account.credentials["account"]),
        str(account.credentials["password"]),
        VERSIONS[version],
        options.get("check_gateway", True) is not False,
    )
    return Settings(
        line=_line(options, login),
        access_number=str(options["access_number"]),
        rate=account.calls_per_second or 0.0,
        service=str(options.get("service_code") or ""),
        numbers_per_submit=_number(
            options, "numbers_per_submit", codec.MAX_NUMBERS, codec.MAX_NUMBERS
        ),
        group_ids=GroupWay(_choice(options, "group_ids", tuple(GroupWay))),
        alphabet=_choice(options, "alphabet", text.ALPHABETS),
        fee_user_type=_number(options, "fee_user_type", 2, 3, lowest=0),
        fee_type=str(options.get("fee_type") or "01"),
        fee_code=str(options.get("fee_code") or "0"),
        dead_stats=_state_list(options, "dead_stats", NO_SUCH_NUMBER),
    )


def _line(options: Mapping[str, Any], login: Login) -> Line:
    return Line(
        server=str(options["server"]),
        port=_number(options, "port", PORT, 65_535),
        login=login,
        connections=_number(options, "connections", 1, 64),
        window=_number(options, "window", link.WINDOW, link.WINDOW),
    )


def _choice(options: Mapping[str, Any], name: str, values: tuple[str, ...]) -> str:
    """Return one of `values`. The first is the default."""
    value = options.get(name, values[0])
    if not isinstance(value, str) or value not in values:
        raise Invalid(f"options.{name}", "must be one of {allowed}", allowed=values)
    return value


def _number(
    options: Mapping[str, Any], name: str, default: int, highest: int, *, lowest: int = 1
) -> int:
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        reason = "must be a number from {least} to {most}"
        raise Invalid(f"options.{name}", reason, least=lowest, most=highest)
    return value


def _state_list(options: Mapping[str, Any], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    value = options.get(name, list(default))
    if (
        not isinstance(value, list)
        or len(value) > 100
        or not all(isinstance(state, str) and 0 < len(state) <= 7 for state in value)
    ):
        raise Invalid(f"options.{name}", "must be a list of up to 100 states of a report")
    return tuple(value)
