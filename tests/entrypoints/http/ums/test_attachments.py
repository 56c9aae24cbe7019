"""Attachments: forms, and uploads of larger files."""

from __future__ import annotations

import pytest

from tests.entrypoints.conftest import KEY, SENDER, Api, Reply
from tests.entrypoints.http.ums.sends import SMTP, ordinary

KIND = "multipart/form-data; boundary=xYz"


def form(*parts: tuple[str, bytes, str | None], boundary: str = "xYz") -> bytes:
    lines = b""
    for name, body, filename in parts:
        named = f'; filename="{filename}"' if filename is not None else ""
        lines += (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode()
            + body
            + b"\r\n"
        )
    return lines + f"--{boundary}--\r\n".encode()


def post_form(api: Api, raw: bytes, kind: str = KIND, auth: str = SENDER) -> Reply:
    return api("POST", "/v1/material", raw=raw, auth=auth, headers={"Content-Type": kind})


FILE = ("file", b"%PDF \x00\xff\r\n--xY", "报告.pdf")


def test_an_attachment_is_kept_and_works_in_mails_of_its_sender(configured: Api) -> None:
    reply = post_form(
        configured, form(("type", b"attachment", None), FILE, ("time_to_live", b"168", None))
    )
    assert reply.status == 200, reply.body
    assert list(configured.fake.files.stored.values()) == [FILE[1]]
    configured.admin("POST", "channels", SMTP)
    configured.admin("PUT", f"access-channels/{KEY}/channels/mail1", {"enabled": True})
    mail = {"subject": "s", "text": "t", "files": [reply.json["url"], "https://example.com/a.pdf"]}
    assert configured.send(ordinary(msg_sms=..., msg_email=[mail]), path="/v1/sent").code == 0
    mail["files"][0] += "x"
    wrong = configured.send(ordinary(msg_sms=..., msg_email=[mail]), path="/v1/sent")
    assert (wrong.code, "msg_email.files[0]" in wrong.json["message"]) == (4004, True)


@pytest.mark.parametrize(
    ("filename", "shown"),
    [
        ("=?utf-8?B?5oql5ZGKLnBkZg==?=", "%E6%8A%A5%E5%91%8A.pdf"),
        ("=?gb2312?B?sai45i5wZGY=?=", "%E6%8A%A5%E5%91%8A.pdf"),
        ("=?x?B?5oql?=", "%3D_x_B_5oql_%3D"),
        ("=?utf-8?B?5?=", "%3D_utf-8_B_5_%3D"),
        ("=?utf-8?B?gA==?=", "%3D_utf-8_B_gA"),
        ("a=?utf-8?B?5oql?=", "a%3D_utf-8_B_5oql_%3D"),
        ("=?utf-8?B?Li4vYS5wZGY=?=", "a.pdf"),
    ],
)
def test_a_file_name_may_be_an_encoded_word_as_dotnet_writes_it(
    configured: Api, filename: str, shown: str
) -> None:
    url = post_form(configured, form(("file", b"x", filename))).json["url"]
    assert url.rpartition("/")[2].startswith(shown), url


def test_a_file_name_of_a_chinese_windows_keeps_its_characters(configured: Api) -> None:
    raw = form(("file", b"x", "报告.pdf")).replace("报告".encode(), "报告".encode("gbk"))
    assert post_form(configured, raw).json["url"].endswith("/%E6%8A%A5%E5%91%8A.pdf")


@pytest.mark.parametrize(
    ("hours", "status"),
    [
        (b"1", 200),
        (b"168", 200),
        (b"0", 400),
        (b"169", 400),
        (b"x", 400),
        (b"", 400),
        (b"1.5", 400),
    ],
)
def test_an_attachment_lives_1_to_168_hours(configured: Api, hours: bytes, status: int) -> None:
    assert post_form(configured, form(FILE, ("time_to_live", hours, None))).status == status


@pytest.mark.parametrize("body", [b"%PDF \x00\xff", b"ends with a line\r\n", b"a\r\n-", b"-"])
def test_a_form_without_its_last_boundary_ends_with_its_body(configured: Api, body: bytes) -> None:
    """Go's SDK of UMS posts such forms. The file is whole, because Content-Length is."""
    raw = form((FILE[0], body, FILE[2]))
    assert raw.endswith(b"\r\n--xYz--\r\n")
    reply = post_form(configured, raw.removesuffix(b"\r\n--xYz--\r\n"))
    assert reply.status == 200, reply.body
    assert list(configured.fake.files.stored.values()) == [body]


@pytest.mark.parametrize(
    ("raw", "kind", "status"),
    [
        (form(FILE)[:-4], KIND, 400),
        (form(FILE), "multipart/form-data", 415),
        (form(FILE), "application/json", 415),
        (form(FILE), "multipart/form-data; boundary=", 415),
        (form(FILE), "multipart/form-data; boundary=" + "x" * 71, 415),
        (form(FILE), "multipart/form-data; boundary=other", 400),
        (form(FILE)[:-6], KIND, 400),
        (b"", KIND, 400),
        (form(), KIND, 400),
        (form(("file", b"", "a")), KIND, 400),
        (form(FILE, FILE), KIND, 400),
        (form(FILE, ("type", b"image", None)), KIND, 400),
        (form(FILE, ("x", b"1", None)), KIND, 400),
        (form(FILE, ("type", b"attachment", None), ("type", b"attachment", None)), KIND, 400),
        (form(*[("x", b"1", None)] * 11), KIND, 400),
        (form(("file", b"x", "a" * 5000)), KIND, 400),
        (b"--xYz\r\n" + b"a: b\r\n" * 2000 + b"\r\nx\r\n--xYz--\r\n", KIND, 400),
    ],
)
def test_a_form_that_cannot_be_read_is_refused(
    configured: Api, raw: bytes, kind: str, status: int
) -> None:
    reply = post_form(configured, raw, kind)
    assert reply.status == status, reply.body
    assert reply.code == 4004
    assert not configured.fake.files.stored


def test_a_form_that_lambda_could_not_take_names_the_other_way(configured: Api) -> None:
    size = 4_400_000 - len(form(("file", b"", "a")))
    assert post_form(configured, form(("file", b"x" * size, "a"))).status == 200
    reply = post_form(configured, form(("file", b"x" * (size + 1), "a")))
    assert (reply.status, reply.code) == (413, 1019051)
    assert "/v1/material/upload" in reply.json["message"]


def test_a_larger_attachment_is_uploaded_with_a_form(configured: Api) -> None:
    answer = configured(
        "POST", "/v1/material/upload", {"name": "a.pdf", "time_to_live": 1}, auth=SENDER
    ).json
    assert answer["url"].endswith("/a.pdf")
    assert answer["upload"]["max_bytes"] == 10_000_000
    assert answer["upload"]["fields"]["key"].startswith("materials/email/")
    for body in (
        {},
        {"name": ""},
        {"name": "x" * 256},
        {"name": "a", "time_to_live": 169},
        {"name": "a", "time_to_live": "1"},
        [],
    ):
        assert configured("POST", "/v1/material/upload", body, auth=SENDER).code == 4004
