"""Every input gets an answer that does not blame the server."""

from __future__ import annotations

from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from tests.entrypoints.conftest import KEY, OPERATOR, SENDER, Api, message
from tests.entrypoints.http.any_input import GOOD, check
from tests.profiles import examples


@given(
    name=st.sampled_from(sorted(GOOD)),
    raw=st.binary(max_size=200)
    | st.text(max_size=100).map(lambda t: t.encode("utf-8", "surrogatepass")),
)
def test_no_bytes_are_our_fault(configured: Api, name: str, raw: bytes) -> None:
    path, auth, _ = GOOD[name]
    check(configured, configured("POST", path, auth=auth, raw=raw))


PATHS = [
    ("POST", "/v1/retract/{}", SENDER),
    ("GET", "/v1/token?type={}", SENDER),
    ("GET", "/v1/messages/{}", SENDER),
    ("GET", "/v1/messages/{}/targets/a", SENDER),
    ("GET", "/admin/v1/access-channels/{}", OPERATOR),
    ("GET", "/admin/v1/channels/{}", OPERATOR),
    ("GET", "/admin/v1/templates/{}", OPERATOR),
    ("GET", "/admin/v1/templates?channel_key={}", OPERATOR),
    ("GET", "/admin/v1/strategies?channel_key={}", OPERATOR),
    ("DELETE", "/admin/v1/access-channels/{}/channels/app1", OPERATOR),
    ("DELETE", f"/admin/v1/access-channels/{KEY}/channels/{{}}", OPERATOR),
    ("GET", "/l/{}", None),
    ("POST", "/receipts/app1/{}", None),
    ("GET", "/u/{}", None),
    ("POST", "/u/{}", None),
    ("GET", "/o/{}", None),
    ("POST", "/v1/app/callback/app1/{}", None),
    ("POST", "/receipts/{}/x", None),
    ("GET", "/receipts/{}/x", None),
    ("DELETE", "/admin/v1/channels/{}", OPERATOR),
    ("DELETE", "/admin/v1/channels/app1/labels/{}", OPERATOR),
    ("GET", "/admin/v1/checks/{}", OPERATOR),
    ("GET", "/admin/v1/templates/1/versions/{}", OPERATOR),
    ("GET", "/admin/v1/strategies/{}", OPERATOR),
    ("GET", "/admin/v1/lists/{}", OPERATOR),
    ("DELETE", "/admin/v1/members/{}", OPERATOR),
    ("GET", "/admin/v1/audit?month={}", OPERATOR),
    ("GET", "/admin/v1/audit?cursor={}", OPERATOR),
    ("GET", "/admin/v1/channels?limit={}", OPERATOR),
    ("GET", f"/admin/v1/strategies?channel_key={KEY}&cursor={{}}", OPERATOR),
    ("GET", "/admin/v1/tags?channel_key={}", OPERATOR),
]


@examples(200)
@given(
    place=st.sampled_from(PATHS),
    part=st.text(min_size=1, max_size=50) | st.binary(min_size=1, max_size=30),
)
def test_no_path_is_our_fault(
    configured: Api, place: tuple[str, str, str | None], part: str | bytes
) -> None:
    method, path, auth = place
    reply = configured(method, path.format(quote(part, safe="")), auth=auth)
    assert 200 <= reply.status < 500, reply.body


PIECES = st.sampled_from(
    [
        b"--b",
        b"\r\n",
        b"--b\r\n",
        b"--b--",
        b'Content-Disposition: form-data; name="file"; filename="a"',
        b"\r\n\r\n",
        b"x",
        b"\x00\xff",
        b"Content-Disposition: form-data; name=time_to_live",
        b"24",
        b";",
        b"=",
        b'"',
        b"--",
    ]
)


@examples(200)
@given(
    pieces=st.lists(PIECES | st.binary(max_size=20), max_size=25),
    boundary=st.sampled_from(["b", '"b"', "", "b;b", "\xe9"]),
)
def test_no_form_is_our_fault(configured: Api, pieces: list[bytes], boundary: str) -> None:
    kind = f"multipart/form-data; boundary={boundary}"
    check(
        configured,
        configured(
            "POST",
            "/v1/material",
            raw=b"".join(pieces),
            auth=SENDER,
            headers={"Content-Type": kind},
        ),
    )


@given(key=st.text(st.characters(codec="latin-1"), max_size=300))
def test_no_idempotency_key_is_our_fault(configured: Api, key: str) -> None:
    check(configured, configured.send(message(), headers={"Idempotency-Key": key}))


@given(header=st.text(st.characters(codec="latin-1"), max_size=60))
def test_no_credentials_are_our_fault(configured: Api, header: str) -> None:
    reply = configured.send(message(), auth=None, headers={"Authorization": header})
    assert reply.status in (401, 429)
