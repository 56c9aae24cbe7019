"""Rules of the CMPP gateway.

Source: "CMPP V3.0.0", tables of Status (7.4.1.2) and Result (7.4.3.2), Msg_Id (7.4.3.2).
"""

from __future__ import annotations

import datetime
import hmac
import re

from chalicelib.providers.sms.cmpp import codec, messages
from chalicelib.providers.sms.cmpp.messages import Connect, Submit
from infra.sandbox.accounts import Account
from infra.sandbox.behaviour import Behaviour, of

CHINA = datetime.timezone(datetime.timedelta(hours=8))
ASCII, UCS2, GBK = 0, 8, 15

_NUMBER = re.compile(r"[0-9]{5,20}", re.ASCII)


def connect_status(connect: Connect, account: Account, open_now: int) -> int:
    """Return 0 or an error.

    2: an unregistered account. 3: a wrong authenticator. 4: a version above 3.
    5: too many connections.
    """
    if account.master_secret is None:
        return 2
    expected = codec.authenticator(account.app_key, account.master_secret, connect.timestamp)
    if not hmac.compare_digest(expected, connect.authenticator):
        return 3
    if connect.version > messages.V3:
        return 4
    return 5 if account.connections and open_now >= account.connections else 0


def submit_result(submit: Submit, account: str) -> int:
    """Return 0, or the error of the first broken rule."""
    if submit.account != account:
        return 11
    if not _NUMBER.fullmatch(submit.source):
        return 10
    for number in submit.numbers:
        if not _NUMBER.fullmatch(number) or of(number) is Behaviour.REJECT:
            return 13
    if len(submit.content) > (159 if submit.format == ASCII else 140):
        return 6
    return 0 if submit.content and _is_whole(submit) else 1


def _is_whole(submit: Submit) -> bool:
    """Return True for a whole message, or for a part whose header agrees with its fields."""
    if submit.format == UCS2 and len(submit.content) % 2:
        return False
    if not submit.has_header:
        return submit.parts == 1
    return submit.content[:3] == b"\x05\x00\x03" and submit.content[4:6] == bytes(
        (submit.parts, submit.part)
    )


def text_of(submit: Submit) -> str:
    raw = submit.content[6:] if submit.has_header else submit.content
    return raw.decode({UCS2: "utf-16-be", GBK: "gb18030"}.get(submit.format, "ascii"), "replace")


def following(first: int, n: int) -> int:
    """Return the n-th id after the first one of a SUBMIT. The last 16 bits are used in a cycle."""
    return first & ~0xFFFF | (first + n) & 0xFFFF


def stamp(at: datetime.datetime) -> str:
    """Format a time as YYMMDDHHMM in China."""
    return at.astimezone(CHINA).strftime("%y%m%d%H%M")
