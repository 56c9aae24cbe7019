"""Signatures and encryption against published examples, and against OpenSSL, which shares no code
with ours.

Other published examples are in other tests: CMPP's bytes and proofs in sms/cmpp/test_codec.py,
Montnets' digest in sms/test_montnets.py, and the WeChat vectors of wechatpy's tests in
wechat/test_crypto.py. Chuanglan and DingTalk sign nothing. Alipay publishes an algorithm without an
example. The example that JSMS prints does not follow from its own algorithm.
"""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path

import pytest

from chalicelib.domain.provider_io import WebhookRequest
from chalicelib.providers.alipay_life import alipay_signing
from chalicelib.providers.app import jpush_receipts
from chalicelib.providers.sms import jsms_receipts, montnets_receipts
from chalicelib.providers.sms.cmpp import codec
from chalicelib.providers.wechat import crypto
from chalicelib.web.http import basic

OPENSSL = shutil.which("openssl") or ""
with_openssl = pytest.mark.skipif(not OPENSSL, reason="openssl is not installed")


def openssl(*arguments: str, given: bytes = b"") -> bytes:
    return subprocess.run(
        [OPENSSL, *arguments], input=given, capture_output=True, check=True
    ).stdout


def digest(kind: str, text: bytes) -> str:
    return openssl("dgst", f"-{kind}", "-r", given=text).decode().split(" ")[0]


# ---- JPush, JSMS, UMS, Operation Growth: Basic

KEY, SECRET = (
    "7d431e42dfa6a6d693ac2d04",
    "5e987ac6d2e04d95a9d8f0d1",
)  # as docs.jiguang.cn prints them, and the resulting header
HEADER = "Basic N2Q0MzFlNDJkZmE2YTZkNjkzYWMyZDA0OjVlOTg3YWM2ZDJlMDRkOTVhOWQ4ZjBkMQ=="


def test_jiguangs_header() -> None:
    assert basic(KEY, SECRET) == HEADER
    request = WebhookRequest("POST", {"authorization": HEADER}, {}, b"{}")
    jpush_receipts.verify(request, jpush_receipts.digest(KEY, SECRET))


def test_the_headers_of_rfc_7617() -> None:
    assert basic("Aladdin", "open sesame") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    assert basic("test", "123£") == "Basic dGVzdDoxMjPCow=="


# ---- WeChat and WeCom: Tencent's own sample program (Sample.cs, Sample.py of WXBizMsgCrypt)

SAMPLE = crypto.CallbackCrypto(
    "QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wx5823bf96d3bd56c7"
)
ECHO = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ=="
POSTED = (
    "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUp"
    "j911L3vg3W/sYYvuJTs3TUUkSUXxaccA"
    "S0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwG"
    "c2hgf5gsijff0ekUNXZiqATP7PF5mZxZ"
    "3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wL"
    "VMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo"
    "6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+"
    "qN+E7Q=="
)


def test_tencents_sample_of_verifying_an_address() -> None:
    SAMPLE.verify("5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3", "1409659589", "263014780", ECHO)
    assert SAMPLE.decrypt(ECHO) == "1616140317555161061"


def test_tencents_sample_of_an_encrypted_message() -> None:
    SAMPLE.verify("477715d11cdb4164915debcba66cb864d751f3e6", "1409659813", "1372623149", POSTED)
    message = crypto.read_xml(SAMPLE.decrypt(POSTED).encode())
    assert (message["ToUserName"], message["FromUserName"]) == ("wx5823bf96d3bd56c7", "mycreate")
    assert (message["Content"], message["MsgId"], message["AgentID"]) == (
        "hello",
        "4561255354251345929",
        "218",
    )


@with_openssl
def test_openssl_reads_what_we_encrypt_and_we_read_what_it_does() -> None:
    key = base64.b64decode("jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C=")
    cipher = ("enc", "-aes-256-cbc", "-nopad", "-K", key.hex(), "-iv", key[:16].hex())
    text, receiver = "消息".encode(), b"wx5823bf96d3bd56c7"
    padded = openssl(*cipher, "-d", given=base64.b64decode(SAMPLE.seal("消息")))
    assert padded[16 : -padded[-1]] == len(text).to_bytes(4, "big") + text + receiver
    assert padded[-1] <= 32
    assert len(padded) % 32 == 0
    assert SAMPLE.decrypt(base64.b64encode(openssl(*cipher, given=padded)).decode()) == "消息"
    assert crypto.signature("b", "a", "c", "1") == digest("sha1", b"1abc")


# ---- signatures by digests


@with_openssl
def test_openssl_agrees_on_digests() -> None:
    signed = b"appKey=k1&appMasterSecret=s1&nonce=7659972084945889195&timestamp=1492150741758"
    assert jsms_receipts.signature("k1", "s1", "7659972084945889195", "1492150741758") == digest(
        "sha1", signed
    )
    assert montnets_receipts.password_digest("j10003", "111111", "0803192020") == digest(
        "md5", b"J10003000000001111110803192020"
    )
    proof = digest("md5", b"900001" + bytes(9) + b"secret" + b"0102030405")
    assert codec.authenticator("900001", "secret", 102030405).hex() == proof
    for size in (1, 4):  # bytes of the status in versions 2 and 3
        answered = digest("md5", bytes(size) + bytes.fromhex(proof) + b"secret")
        assert (
            codec.counter_authenticator(0, size, bytes.fromhex(proof), "secret").hex() == answered
        )


# ---- Alipay: RSA2

TEXT = (
    'app_id=2014072300007148&biz_content={"to_user_id":"2088","标题":"通知"}'
    "&charset=utf-8&sign_type=RSA2&version=1.0"
).encode()


@with_openssl
@pytest.mark.parametrize("form", [[], ["-traditional"]], ids=["pkcs8", "pkcs1"])
def test_openssl_makes_a_key_signs_and_verifies(tmp_path: Path, form: list[str]) -> None:
    key, public, signature = (
        str(tmp_path / name) for name in ("key.pem", "public.pem", "signature")
    )
    openssl(
        "genpkey",
        "-algorithm",
        "RSA",
        "-pkeyopt",
        "rsa_keygen_bits:2048",
        "-out",
        str(tmp_path / "new.pem"),
    )
    openssl("rsa", *form, "-in", str(tmp_path / "new.pem"), "-out", key)
    openssl("rsa", "-in", key, "-pubout", "-out", public)
    ours = alipay_signing.sign(TEXT, alipay_signing.private_key(Path(key).read_text(), "x"))
    Path(signature).write_bytes(base64.b64decode(ours))
    assert (
        openssl("dgst", "-sha256", "-verify", public, "-signature", signature, given=TEXT)
        == b"Verified OK\n"
    )
    theirs = openssl("dgst", "-sha256", "-sign", key, given=TEXT)
    assert alipay_signing.is_signed(
        TEXT,
        base64.b64encode(theirs).decode(),
        alipay_signing.public_key(Path(public).read_text(), "x"),
    )
