"""Limits of a send."""

from __future__ import annotations

from typing import Any

from chalicelib.flow.content import render
from tests.entrypoints.http.ums.limits import SMS, Limit, address, send, text

SENDS = [
    Limit(
        "aud_userid",
        1000,
        lambda n: send(aud_userid=[f"u{m}" for m in range(n)]),
        least=1,
        code=1015004,
    ),
    Limit("aud_userid[0]", 64, lambda n: send(aud_userid=[text(n)]), least=1),
    Limit(
        "aud_tag", 20, lambda n: send(aud_userid=None, aud_tag=[f"t{m}" for m in range(n)]), least=1
    ),
    Limit("aud_tag[0]", 40, lambda n: send(aud_userid=None, aud_tag=[text(n)]), least=1),
    Limit(
        "aud_tag[0]", 13, lambda n: send(aud_userid=None, aud_tag=["标" * n])
    ),  # three bytes each
    Limit("aud_segment", 1, lambda n: send(aud_userid=None, aud_segment=["1000"] * n), least=1),
    Limit(
        "aud_sms",
        1000,
        lambda n: send(aud_userid=None, aud_sms=[{"data": [f"1{m}" for m in range(n)]}]),
        least=1,
    ),
    Limit(
        "aud_sms[0].data[0]",
        256,
        lambda n: send(aud_userid=None, aud_sms=[{"data": [text(n)]}]),
        least=1,
    ),
    Limit(
        "aud_sms[0].instance",
        64,
        lambda n: send(aud_userid=None, aud_sms=[{"instance": text(n), "data": ["1"]}]),
    ),
    Limit("msg_sms", 10, lambda n: send(msg_sms=SMS * n), least=1),
    Limit("option.sendno", 64, lambda n: send(option={"sendno": text(n)})),
    Limit("option.owner", 64, lambda n: send(option={"owner": text(n)})),
    Limit("option.name", 64, lambda n: send(option={"name": text(n)})),
    Limit("option.label", 30, lambda n: send(option={"label": text(n)})),
    Limit("option.priority", 3, lambda n: send(option={"priority": n}), least=0),
    Limit("callback.url", 2048, lambda n: send(callback={"url": address(n)})),
    Limit(
        "callback.params",
        4096,
        lambda n: send(callback={"params": {"a": text(n - len('{"a": ""}'))}}),
    ),
    Limit(
        "app_para.time_to_live",
        864_000,
        lambda n: template(app_para={"platform": "all", "time_to_live": n}),
        least=0,
    ),
    Limit(
        "template_para.url",
        2048,
        lambda n: template(template_id=2, template_para={"url": address(n)}),
    ),
    Limit(
        "Idempotency-Key",
        255,
        lambda n: send(),
        least=1,
        headers=lambda n: {"Idempotency-Key": text(n)},
    ),
    Limit(
        "body", 256 * 1024, lambda n: send(msg_email=[{"subject": "s", "text": text(n - EMPTY)}])
    ),
]
EMPTY = render.size({"email1": {"subject": "s", "text": ""}})


def template(**fields: Any) -> dict[str, Any]:
    return {
        "aud_userid": ["u"],
        "template_id": 1,
        "template_para": {"name": "x"},
        "app_para": {"platform": "all"},
        **fields,
    }
