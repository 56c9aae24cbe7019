"""Limits of access channels and delivery channels."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.entrypoints.conftest import JPUSH, JSMS, KEY
from tests.entrypoints.http.admin.limits import Limit, changing, posting, x


def with_options(options: Callable[[int], Any]) -> Callable[[int], Any]:
    return lambda n: {**JSMS, "code": f"c{n}", "name": f"n{n}", "options": options(n)}


def mails(n: int) -> Any:
    """A delivery channel whose options have so many bytes, most of them a certificate."""
    options = {
        "server": "mail.example.com",
        "encryption": "tls",
        "sender": "a@b.co",
        "ca": "BEGIN CERTIFICATE",
    }
    rest = n - len(json.dumps(options).encode())
    options["ca"] += "字" * (rest // 3) + x(rest % 3)
    return {
        "name": f"n{n}",
        "code": f"c{n}",
        "type": "email",
        "platform": "smtp",
        "credentials": {},
        "options": options,
    }


def quiet_hours(n: int) -> Any:
    window = {"begin": "22:00", "end": "08:00", "time_zone": "Asia/Shanghai"}
    return {"action": "hold", "windows": [window] * n}


CHANNELS = [
    Limit(
        "name of an access channel",
        posting("access-channels", lambda n: {"name": x(n)}),
        1,
        30,
        "name",
    ),
    Limit(
        "new name of an access channel",
        changing(f"access-channels/{KEY}", lambda n: {"name": x(n)}),
        1,
        30,
        "name",
    ),
    Limit(
        "rate of an access channel",
        posting("access-channels", lambda n: {"name": f"n{n}", "rate": n}),
        1,
        100_000,
        "rate",
    ),
    Limit(
        "grace of a secret",
        posting(f"access-channels/{KEY}/secret", lambda n: {"grace": n}),
        0,
        2_592_000,
        "grace",
    ),
    Limit(
        "windows of quiet hours",
        changing(f"quiet-hours/{KEY}", quiet_hours, "PUT"),
        1,
        15,
        "windows",
    ),
    Limit(
        "broadcasts of a day",
        changing(f"broadcast-quota/{KEY}", lambda n: {"per_day": n}, "PUT"),
        0,
        1_000_000,
        "per_day",
    ),
    Limit(
        "days of a retention",
        changing(f"retention/{KEY}", lambda n: {"days": n}, "PUT"),
        1,
        60,
        "days",
    ),
    Limit(
        "name of a delivery channel",
        posting("channels", lambda n: {**JPUSH, "code": f"c{n}", "name": "字" * n}),
        1,
        30,
        "name",
    ),
    Limit(
        "new name of a delivery channel",
        changing("channels/app1", lambda n: {"name": x(n)}),
        1,
        30,
        "name",
    ),
    Limit(
        "code of a delivery channel",
        posting("channels", lambda n: {**JPUSH, "code": x(n), "name": f"n{n}"}),
        1,
        32,
        "code",
    ),
    Limit(
        "calls of a delivery channel",
        posting(
            "channels", lambda n: {**JPUSH, "code": f"c{n}", "name": f"n{n}", "calls_per_second": n}
        ),
        0,
        100_000,
        "calls_per_second",
    ),
    Limit(
        "deliveries of a day",
        posting(
            "channels",
            lambda n: {**JPUSH, "code": f"c{n}", "name": f"n{n}", "deliveries_per_day": n},
        ),
        0,
        10**12,
        "deliveries_per_day",
    ),
    Limit(
        "calls in its options",
        posting("channels", with_options(lambda n: {"calls_per_second": n / 100})),
        None,
        1_000_000,
        "options.calls_per_second",
    ),
    Limit("bytes of its options", posting("channels", mails), None, 80_000, "options"),
    Limit(
        "words that opt out",
        posting("channels", with_options(lambda n: {"unsubscribe_words": ["STOP"] * n})),
        None,
        50,
        "options.unsubscribe_words",
    ),
    Limit(
        "length of such a word",
        posting("channels", with_options(lambda n: {"subscribe_words": [x(n)]})),
        1,
        20,
        "options.subscribe_words",
    ),
    Limit(
        "address of an authorisation",
        posting("channels/wx1/authorisation", lambda n: {"redirect_uri": "https://" + x(n - 8)}),
        9,
        1024,
        "redirect_uri",
    ),
    Limit(
        "name of a contact label",
        posting("channels/sms1/labels", lambda n: {"name": x(n)}),
        1,
        30,
        "name",
    ),
    Limit(
        "new name of a contact label",
        changing("channels/sms1/labels/1", lambda n: {"name": x(n)}, "PUT"),
        1,
        30,
        "name",
    ),
]
