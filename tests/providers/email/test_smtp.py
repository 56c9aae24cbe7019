from __future__ import annotations

import email
import email.policy
import ssl
import time
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Invalid, Misconfigured, QuotaUsedUp, Unavailable, Unverified
from chalicelib.domain.provider_io import (
    Account,
    Answer,
    Attachment,
    Loss,
    Outcome,
    OutgoingCall,
    Recipient,
    WebhookRequest,
)
from chalicelib.providers.email import mail
from chalicelib.providers.email.replies import outcome
from chalicelib.providers.email.smtp import Smtp
from chalicelib.web.egress import Policy
from chalicelib.web.smtp import Reply
from tests.liveness import PATIENCE
from tests.providers.email.mailservers import (
    Inbox,
    ScriptedServer,
    authenticator,
    independent,
    usual,
)

CONTENT = {"subject": "Gr\u00fc\u00dfe \u4e2d\u6587", "text": "Hello\n.\n..dots\nend"}
POLICY = Policy(("127.0.0.1", "mail.example.test"), resolve=lambda host, port: ["127.0.0.1"])
AUTHORITY = trustme.CA()
OK = Outcome()


def account(
    port: int, encryption: str = "none", login: tuple[str, str] | None = None, **options: Any
) -> Account:
    credentials = dict(zip(("username", "password"), login, strict=True)) if login else {}
    settings = {
        "server": "mail.example.test",
        "port": port,
        "encryption": encryption,
        "sender": "news@corp.example",
        **options,
    }
    return Account("mail", credentials, settings)


def mails(*contacts: str, content: dict[str, Any] = CONTENT) -> OutgoingCall:
    return OutgoingCall(
        "m", [Recipient(contact, content, f"m.0.{n}") for n, contact in enumerate(contacts)]
    )


def sent(
    account: Account,
    *calls: OutgoingCall,
    timeout: float = PATIENCE,
    policy: Policy = POLICY,
    **options: Any,
) -> list[Answer]:
    with Smtp(policy, timeout, **options).connect(account) as session:
        assert session.token() is None
        assert session.poll({}) == ()
        return [session.send(call) for call in calls]


def outcomes(server: ScriptedServer, *contacts: str, timeout: float = PATIENCE) -> list[Outcome]:
    (answer,) = sent(account(server.port), mails(*contacts), timeout=timeout)
    return list(answer.outcomes)


def server_context(name: str = "mail.example.test", ca: trustme.CA = AUTHORITY) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name).configure_cert(context)
    return context


def pem(ca: trustme.CA = AUTHORITY) -> str:
    return ca.cert_pem.bytes().decode()


def test_a_job_uses_one_connection_and_each_mail_has_our_id() -> None:
    inbox = Inbox()
    with independent(inbox) as port:
        answers = sent(
            account(port, sender_name="B\u00fcro, Nord"),
            mails("a@example.org", "b@example.org"),
            mails("c@example.org"),
        )
    assert [list(answer.outcomes) for answer in answers] == [[OK, OK], [OK]]
    assert [envelope.rcpt_tos for envelope in inbox.mails] == [
        ["a@example.org"],
        ["b@example.org"],
        ["c@example.org"],
    ]
    assert len(inbox.sessions) == 1
    assert inbox.mails[0].mail_from == "news@corp.example"
    parsed = email.message_from_bytes(inbox.mails[1].content, policy=email.policy.default)
    assert parsed["Message-ID"] == "<m.0.1@corp.example>"
    assert parsed["Date"]
    assert parsed["Subject"] == CONTENT["subject"]
    assert parsed["To"] == "b@example.org"
    assert parsed["From"].addresses[0].display_name == "B\u00fcro, Nord"
    assert parsed.get_content().replace("\r\n", "\n").rstrip("\n") == CONTENT["text"]


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("mode", ["tls", "starttls"])
def test_tls_is_checked_by_name_and_carries_the_login(mode: str) -> None:
    inbox = Inbox()
    login = {
        "authenticator": authenticator(b"user", b"pass"),
        "auth_required": True,
        "auth_require_tls": mode == "starttls",
    }
    with independent(inbox, server_context(), mode, **login) as port:
        (answer,) = sent(account(port, mode, ("user", "pass"), ca=pem()), mails("a@example.org"))
        assert list(answer.outcomes) == [OK]
        assert len(inbox.mails) == 1
        with pytest.raises(Misconfigured, match="535"):
            sent(account(port, mode, ("user", "wrong"), ca=pem()), mails("a@example.org"))
        with pytest.raises(Misconfigured):
            sent(account(port, mode, None, ca=pem()), mails("a@example.org"))


@pytest.mark.parametrize("mode", ["tls", "starttls"])
@pytest.mark.parametrize(
    ("name", "trusted"), [("other.example.test", True), ("mail.example.test", False)]
)
def test_a_certificate_that_is_not_the_servers_is_refused(
    mode: str, name: str, trusted: bool
) -> None:
    inbox = Inbox()
    with (
        independent(inbox, server_context(name), mode) as port,
        pytest.raises(Misconfigured, match="tls_certificate"),
    ):
        sent(account(port, mode, ca=pem() if trusted else ""), mails("a@example.org"))
    assert inbox.mails == []


def test_a_server_without_starttls_is_misconfigured() -> None:
    with independent(Inbox()) as port, pytest.raises(Misconfigured, match="starttls_not_offered"):
        sent(account(port, "starttls"), mails("a@example.org"))


def test_a_certificate_option_that_is_none_is_misconfigured() -> None:
    broken = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----"
    with (
        independent(Inbox(), server_context(), "tls") as port,
        pytest.raises(Misconfigured, match="ca"),
    ):
        sent(account(port, "tls", ca=broken), mails("a@example.org"))


def test_a_password_does_not_go_over_an_open_connection() -> None:
    policy = Policy(("127.0.0.0/8",), resolve=lambda host, port: ["127.0.0.1"])
    server = ScriptedServer(lambda line, number: usual(line))
    with pytest.raises(Misconfigured, match="login_without_tls"):
        sent(account(server.port, "none", ("u", "p")), mails("a@example.org"), policy=policy)
    assert server.connections == 0
    with independent(
        Inbox(), authenticator=authenticator(b"u", b"p"), auth_require_tls=False
    ) as port:
        (answer,) = sent(
            account(port, "none", ("u", "p"), allow_plain_auth=True),
            mails("a@example.org"),
            policy=policy,
        )
        assert list(answer.outcomes) == [OK]


def test_a_login_that_the_server_does_not_offer_is_misconfigured() -> None:
    server = ScriptedServer(lambda line, number: usual(line))
    with pytest.raises(Misconfigured, match="login_not_offered"):
        sent(account(server.port, "none", ("u", "p")), mails("a@example.org"))


@pytest.mark.parametrize(
    "contact",
    [
        "a@[10.0.0.1]",
        "a",
        "@b",
        "a@",
        "a@b@c",
        "a b@c.org",
        "a@c.org\r\nRCPT TO:<x@y>",
        "a..b@c.org",
        '"a b"@c.org',
        "\u202e@c.org",
        "",
    ],
)
def test_what_is_no_address_is_an_invalid_target_and_not_sent(contact: str) -> None:
    inbox = Inbox()
    with independent(inbox) as port:
        (answer,) = sent(account(port), mails("a@example.org", contact, "b@example.org"))
    assert list(answer.outcomes) == [OK, Outcome(Loss.INVALID_TARGET, "bad_address"), OK]
    assert len(inbox.mails) == 2


def test_the_server_hears_the_size_first_and_what_it_will_not_take_stays_here() -> None:
    def answer(line: str, number: int) -> str:
        if line.startswith("EHLO"):
            return "250-hi\r\n250 SIZE 1000"
        return "552 5.3.4 too large" if line.startswith("MAIL") else usual(line)

    server = ScriptedServer(answer)
    assert outcomes(server, "a@example.org") == [Outcome(Loss.SUBMIT_FAILED, "552 5.3.4")]
    (said,) = (line for line in server.lines if line.startswith("MAIL"))
    assert int(said.rpartition("SIZE=")[2]) > 100
    assert "DATA" not in server.lines


def test_a_local_part_in_another_script_needs_a_server_that_can() -> None:
    inbox = Inbox()
    with independent(inbox) as port:
        (answer,) = sent(account(port), mails("\u5f20@example.org", "b@example.org"))
    assert list(answer.outcomes) == [Outcome(Loss.SUBMIT_FAILED, "smtputf8_not_offered"), OK]
    with independent(inbox, enable_SMTPUTF8=True) as port:
        (answer,) = sent(account(port), mails("\u5f20@example.org", "b@example.org"))
    assert list(answer.outcomes) == [OK, OK]
    assert [each.rcpt_tos for each in inbox.mails] == [
        ["b@example.org"],
        ["\u5f20@example.org"],
        ["b@example.org"],
    ]
    assert inbox.mails[1].smtp_utf8
    assert "To: \u5f20@example.org\r\n".encode() in inbox.mails[1].content


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("excluded", [["LOGIN"], ["PLAIN"]])
def test_logins_are_utf8(excluded: list[str]) -> None:
    login = ("m\u00fcller", "\u5bc6\u7801")
    options = {
        "authenticator": authenticator(login[0].encode(), login[1].encode()),
        "auth_required": True,
        "auth_require_tls": False,
    }
    with independent(Inbox(), auth_exclude_mechanism=excluded, **options) as port:
        (answer,) = sent(account(port, "none", login), mails("a@example.org"))
        assert list(answer.outcomes) == [OK]
        with pytest.raises(Misconfigured, match="login_characters"):
            sent(account(port, "none", ("u", "\ud800")), mails("a@example.org"))


def test_a_line_break_in_a_subject_is_refused_when_it_is_rendered_too() -> None:
    inbox = Inbox()
    with independent(inbox) as port:
        (answer,) = sent(
            account(port),
            mails("a@example.org", content={"subject": "x\r\nBcc: b@example.org", "text": "t"}),
        )
    assert list(answer.outcomes) == [Outcome(Loss.SUBMIT_FAILED, "bad_content")]
    assert inbox.mails == []


REFUSALS = {
    "550 5.1.1 no such user": Outcome(Loss.INVALID_TARGET, "550 5.1.1", undeliverable=True),
    "550 unknown": Outcome(Loss.INVALID_TARGET, "550", undeliverable=True),
    "551 moved": Outcome(Loss.INVALID_TARGET, "551"),
    "553 bad name": Outcome(Loss.INVALID_TARGET, "553"),
    "550 5.2.1 disabled": Outcome(Loss.INVALID_TARGET, "550 5.2.1", undeliverable=True),
    "550 5.1.10 null MX": Outcome(Loss.INVALID_TARGET, "550 5.1.10", undeliverable=True),
    # What is said without an enhanced code by Exim, QQ and NetEase.
    "550 Unrouteable address": Outcome(Loss.INVALID_TARGET, "550", undeliverable=True),
    "550 The recipient may contain a non-existent account": Outcome(
        Loss.INVALID_TARGET, "550", undeliverable=True
    ),
    "550 User not found": Outcome(Loss.INVALID_TARGET, "550", undeliverable=True),
    "550 relay not permitted": Outcome(Loss.SUBMIT_FAILED, "550"),
    "550 Sender verify failed": Outcome(Loss.SUBMIT_FAILED, "550"),
    "550 Mailbox unavailable or access denied": Outcome(Loss.SUBMIT_FAILED, "550"),
    # Postfix, of the sender, since it answers to MAIL with RCPT only.
    "550 5.1.0 Sender address rejected": Outcome(Loss.SUBMIT_FAILED, "550 5.1.0"),
    "554 5.7.1 Relay access denied": Outcome(Loss.SUBMIT_FAILED, "554 5.7.1"),
    "550 5.7.1 policy": Outcome(Loss.SUBMIT_FAILED, "550 5.7.1"),
    "552 5.2.2 full": Outcome(Loss.SUBMIT_FAILED, "552 5.2.2"),
    "554 no": Outcome(Loss.SUBMIT_FAILED, "554"),
    "450 4.7.1 greylisted": Outcome(code="450", later=True),
    "452 full": Outcome(code="452", later=True),
}


@pytest.mark.parametrize("refusal", list(REFUSALS))
def test_a_refused_recipient_does_not_stop_the_others(refusal: str) -> None:
    inbox = Inbox({"b@example.org": refusal})
    with independent(inbox) as port:
        (answer,) = sent(account(port), mails("a@example.org", "b@example.org", "c@example.org"))
    assert list(answer.outcomes) == [OK, REFUSALS[refusal], OK]
    assert len(inbox.sessions) == 1


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply("end", 250, ""), OK),
        (Reply("end", 554, "spam"), Outcome(Loss.SUBMIT_FAILED, "554")),
        (
            Reply("end", 550, "5.1.1 none"),
            Outcome(Loss.INVALID_TARGET, "550 5.1.1", undeliverable=True),
        ),
        (Reply("mail", 552, "too large"), Outcome(Loss.SUBMIT_FAILED, "552")),
        (Reply("end", 550, "no"), Outcome(Loss.SUBMIT_FAILED, "550")),
        (Reply("end", 451, ""), Outcome(code="451", later=True)),
        (Reply("data", 554, ""), Outcome(Loss.SUBMIT_FAILED, "554")),
        (Reply("rcpt", 250, ""), Outcome(code="250", later=True)),
        (Reply("rcpt", 550, "5.1.8 sender"), Outcome(Loss.SUBMIT_FAILED, "550 5.1.8")),
    ],
)
def test_what_replies_mean(reply: Reply, expected: Outcome) -> None:
    assert outcome(reply) == expected


@pytest.mark.parametrize(
    ("code", "kind"),
    [(550, Misconfigured), (530, Misconfigured), (451, Unavailable), (421, Unavailable)],
)
def test_a_refused_sender_concerns_every_mail(code: int, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        outcome(Reply("mail", code, ""))


@pytest.mark.parametrize(
    "reply",
    [
        Reply("data", 454, "Throttling failure: Daily message quota exceeded."),  # Amazon SES
        Reply(
            "end",
            550,
            "5.4.5 Daily user sending limit exceeded. For more information on limits go to …",
        ),  # Gmail
        Reply("mail", 550, "5.4.5 Daily sending quota exceeded"),
    ],
)
def test_a_days_quota_concerns_every_mail_too(reply: Reply) -> None:
    with pytest.raises(QuotaUsedUp):
        outcome(reply)


@pytest.mark.parametrize(
    "text",
    [
        "4.2.2 The email account that you tried to reach is over quota",
        "Throttling failure: Maximum sending rate exceeded.",
    ],
)
def test_another_quota_concerns_one_mail(text: str) -> None:
    assert outcome(Reply("rcpt", 452, text)).later


def test_mails_after_the_last_one_of_the_day_wait() -> None:
    """What was taken stands; the others are another attempt, which is refused as a whole."""
    inbox = Inbox({"b@example.org": "454 Throttling failure: Daily message quota exceeded."})
    with independent(inbox) as port:
        (answer,) = sent(account(port), mails("a@example.org", "b@example.org", "c@example.org"))
        assert answer.outcomes[0] == OK
        assert [outcome.later for outcome in answer.outcomes] == [False, True, True]
        with pytest.raises(QuotaUsedUp):
            sent(account(port), mails("b@example.org", "c@example.org"))


def test_all_greylisted_is_unavailable() -> None:
    server = ScriptedServer(
        lambda line, number: "450 later" if line.startswith("RCPT") else usual(line)
    )
    with pytest.raises(Unavailable, match="450"):
        outcomes(server, "a@example.org", "b@example.org")


def test_nobody_listening_is_unavailable() -> None:
    with independent(Inbox()) as port:
        pass
    with pytest.raises(Unavailable, match="connect"):
        sent(account(port), mails("a@example.org"))


@pytest.mark.parametrize(
    ("greeting", "kind"),
    [("421 busy", Unavailable), ("554 not you", Misconfigured), ("hello", Unavailable)],
)
def test_an_unfriendly_greeting(greeting: str, kind: type[Exception]) -> None:
    server = ScriptedServer(lambda line, number: usual(line), greeting)
    with pytest.raises(kind):
        outcomes(server, "a@example.org")


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("answer", [None, "421 closing"])
def test_a_server_that_closes_between_two_mails_is_called_again(
    stage: str, answer: str | None
) -> None:
    mailed = {1: 0, 2: 0, 3: 0}

    def limited(line: str, number: int) -> str | None:
        mailed[number] += line == "."
        return answer if mailed[number] == 2 and line.startswith(stage) else usual(line)

    server = ScriptedServer(limited)
    assert outcomes(server, *(f"{n}@example.org" for n in range(5))) == [OK] * 5
    assert server.connections == 3
    assert server.lines.count(".") == 5


def test_a_server_that_goes_away_leaves_the_rest_for_later() -> None:
    def once(line: str, number: int) -> str | None:
        return (
            None if number > 1 or (line.startswith("MAIL") and "." in server.lines) else usual(line)
        )

    server = ScriptedServer(once)
    assert outcomes(server, "a@example.org", "b@example.org", "c@example.org") == [
        OK,
        Outcome(code="connection_lost", later=True),
        Outcome(code="connection_lost", later=True),
    ]


def test_a_connection_that_breaks_after_the_last_dot_is_uncertain_for_that_mail_only() -> None:
    server = ScriptedServer(
        lambda line, number: None if line == "." and number == 1 else usual(line)
    )
    assert outcomes(server, "a@example.org", "b@example.org") == [
        Outcome(code="connection_lost", uncertain=True),
        OK,
    ]
    assert server.lines.count(".") == 2
    assert server.connections == 2


def test_an_answer_to_the_last_dot_that_stays_away_is_uncertain() -> None:
    server = ScriptedServer(lambda line, number: "" if line == "." else usual(line))
    (result,) = outcomes(server, "a@example.org", timeout=0.3)
    assert result.uncertain


def test_a_connection_that_breaks_before_the_last_dot_was_not_taken() -> None:
    server = ScriptedServer(lambda line, number: None if line == "DATA" else usual(line))
    with pytest.raises(Unavailable):
        outcomes(server, "a@example.org")
    assert server.lines.count("DATA") == 1


def test_a_call_ends_in_time_with_a_slow_server() -> None:
    now = [0.0]

    def slow(line: str, number: int) -> str:
        now[0] += 3
        return usual(line)

    server = ScriptedServer(slow)
    (answer,) = sent(
        account(server.port), mails(*(f"{n}@example.org" for n in range(5))), clock=lambda: now[0]
    )
    assert [o.later for o in answer.outcomes] == [False, False, True, True, True]
    assert server.lines.count(".") == 2


def test_a_server_that_trickles_is_cut_off() -> None:
    def drip(line: str, number: int) -> str:
        time.sleep(0.25)
        return "250-more"

    server = ScriptedServer(drip)
    with pytest.raises(Unavailable):
        outcomes(server, "a@example.org", timeout=0.3)


def test_a_private_server_needs_the_allow_list() -> None:
    with pytest.raises(Misconfigured, match="egress"):
        sent(
            account(2525),
            mails("a@example.org"),
            policy=Policy(resolve=lambda host, port: ["10.0.0.25"]),
        )


@pytest.mark.parametrize(
    ("raw", "options", "field"),
    [
        ({}, {}, "options.server"),
        ({"user": "u"}, {"server": "m"}, "credentials.user"),
        ({"username": "u"}, {"server": "m"}, "credentials.password"),
        ({}, {"server": "m", "encryption": "ssl"}, "options.encryption"),
        ({}, {"server": "m", "port": "25"}, "options.port"),
        ({}, {"server": "m", "port": True}, "options.port"),
        (
            {"username": "u", "password": "p"},
            {"server": "m", "encryption": "none"},
            "options.encryption",
        ),
        ({}, {"server": "m"}, "options.sender"),
        ({}, {"server": "m", "sender": "x"}, "options.sender"),
        (
            {},
            {"server": "m", "sender": "a@b.org", "sender_name": "x\nBcc: y"},
            "options.sender_name",
        ),
        ({}, {"server": "m", "sender": "a@b.org", "ca": "/etc/passwd"}, "options.ca"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(
    raw: dict[str, Any], options: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as error:
        Smtp(Policy()).check_credentials(raw, options)
    assert error.value.field == field


def test_settings_that_can_work() -> None:
    Smtp(Policy()).check_credentials(
        {"username": "u", "password": "p"}, {"server": "m", "sender": "a@b.org"}
    )
    Smtp(Policy(("m",))).check_credentials(
        {"username": "u", "password": "p"},
        {"server": "m", "sender": "a@b.org", "encryption": "none"},
    )
    Smtp(Policy()).check_credentials(
        {}, {"server": "m", "sender": "a@b.org", "ca": pem(), "port": 2465, "encryption": "tls"}
    )


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({}, "subject"),
        ({"subject": "s"}, "text"),
        ({"subject": "s\nBcc: x", "text": "t"}, "subject"),
        ({"subject": "s\x85t", "text": "t"}, "subject"),
        ({"subject": "s", "text": "t", "files": "https://a.cn"}, "files"),
        ({"subject": "s", "text": "t", "files": ["https://a.cn"] * 11}, "files"),
        ({"subject": "s", "text": "t", "files": ["https://a.cn", "a.cn"]}, "files[1]"),
        ({"subject": "s", "text": "t", "files": ["file:///etc/passwd"]}, "files[0]"),
        ({"subject": "s", "text": "t", "files": ["https://a.cn/b", "http://a.cn/b"]}, "files[1]"),
        ({"subject": "s", "text": "t", "files": ["https://169.254.169.254/"]}, "files[0]"),
        (
            {"subject": "s", "text": "t", "files": ["https://a.cn/{}".format("x" * 2048)]},
            "files[0]",
        ),
        ({"subject": "s", "text": "t", "files": [None]}, "files[0]"),
        ({"subject": "s", "text": "t", "more": []}, "more"),
        ({"subject": "s", "text": 1}, "text"),
    ],
)
def test_contents_that_a_template_may_not_have(content: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as error:
        Smtp(Policy()).check_content(content)
    assert error.value.field == field


def test_attachments_come_behind_the_text_under_their_names() -> None:
    files = (
        Attachment("\u62a5\u544a.pdf", "application/pdf", b"%PDF-\x00\xff" * 1000),
        Attachment("a", "application/octet-stream", b"x"),
    )
    raw = mail.build(
        {"subject": "s", "text": "<p>hi</p>"},
        email.headerregistry.Address("", addr_spec="a@b.org"),
        "c@d.org",
        "r",
        files,
    )
    assert max(map(len, raw.split(b"\r\n"))) < 998
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert [
        (part.get_filename(), part.get_content_type(), part.get_content())
        for part in parsed.iter_attachments()
    ] == [
        ("\u62a5\u544a.pdf", "application/pdf", files[0].body),
        ("a", "application/octet-stream", b"x"),
    ]
    assert parsed.get_body(("html",)).get_content().strip() == "<p>hi</p>"


def test_contents_that_it_may_have() -> None:
    Smtp(Policy()).check_content(
        {"subject": "s", "text": "t", "files": ["https://a.cn/b?c=d", "{{file}}"]}
    )
    Smtp(Policy()).check_content({"subject": "s", "text": "t", "files": ["https://a.cn"] * 10})
    Smtp(Policy()).check_content(
        {"subject": "{{name}}: news", "text": '<p>{{text}} <a href="{{url}}">more</a></p>'}
    )


def test_there_are_no_webhooks() -> None:
    provider = Smtp(Policy())
    assert provider.webhook_secret({}) == {}
    with pytest.raises(Unverified):
        provider.read_webhook(WebhookRequest("POST", {}, {}, b""), {})


HTML = (
    "<html><head><title>T</title><style>p{}</style></head><body><h1>Hi &amp; bye</h1><p>One<br>two</p>"
    '<ul><li>a</li><li>b</li></ul><a href="https://e.org/x">more</a><script>x</script></body></html>'
)


def built(content: dict[str, Any], reference: str = "ref") -> Any:
    sender = email.headerregistry.Address("", addr_spec="a@corp.example")
    raw = mail.build(content, sender, "b@example.org", reference)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert all(byte < 128 for byte in raw)
    return email.message_from_bytes(raw, policy=email.policy.default)


@pytest.mark.parametrize(
    ("text", "html", "kind"),
    [("<p>as it is", False, "text/plain"), ("<tag>", True, "multipart/alternative")],
)
def test_a_mail_is_what_it_says_whatever_tags_it_has(text: str, html: bool, kind: str) -> None:
    assert built({"subject": "S", "text": text, "html": html}).get_content_type() == kind


def test_html_has_a_plain_text_part_beside_it() -> None:
    parsed = built({"subject": "S", "text": HTML})
    plain, html = parsed.iter_parts()
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert html.get_content().strip() == HTML
    text = plain.get_content().replace("\r\n", "\n")
    assert "Hi & bye" in text
    assert "One\ntwo" in text
    assert "- a\n- b" in text
    assert "more (https://e.org/x)" in text
    assert not any(hidden in text for hidden in ("p{}", "x</", "<", "T\n"))


def test_text_with_angle_brackets_stays_text() -> None:
    assert (
        built({"subject": "S", "text": "1 < 2 and a <b@c.org> wrote"}).get_content_type()
        == "text/plain"
    )


@given(st.text(max_size=300), st.text(max_size=3000), st.text(max_size=100))
def test_any_subject_and_text_give_a_mail_with_our_headers_only_or_are_refused(
    subject: str, text: str, reference: str
) -> None:
    try:
        parsed = built({"subject": subject, "text": text}, reference)
    except ValueError:
        return
    allowed = {
        "from",
        "to",
        "subject",
        "date",
        "message-id",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
    }
    assert {name.lower() for name in parsed} <= allowed
    assert len(parsed.keys()) == len(set(parsed.keys()))
    assert parsed["To"] == "b@example.org"


INJECTED = "=?utf-8?q?a=0d=0aBcc:_evil=40example.com?="


def test_an_encoded_word_makes_no_header() -> None:
    """Python's package decodes those in what it is given, and writes what they hold."""
    for content in ({"subject": INJECTED, "text": "t"}, {"subject": f"Hi {INJECTED}", "text": "t"}):
        with pytest.raises(ValueError, match="line break"):
            built(content)
        with pytest.raises(Invalid, match="subject"):
            Smtp(POLICY).check_content(content)
    assert mail.address(f"{INJECTED}@example.org".replace(":", "=3a")) is None
    assert mail.address("=?utf-8?q?a?=@example.org") is None
    sender = email.headerregistry.Address(INJECTED, addr_spec="a@corp.example")
    with pytest.raises(ValueError, match="line break"):
        mail.build({"subject": "s", "text": "t"}, sender, "b@example.org", "ref")


@pytest.mark.parametrize("sign", ["<a ", '<a href="', "<!--", "</", "<p "])
def test_a_text_of_unclosed_tags_is_read_at_once(sign: str) -> None:
    """The parser would take minutes for each."""
    parsed = built({"subject": "s", "text": "<p>so</p>" + sign * 40_000})
    assert parsed.get_body(("plain",)).get_content().startswith("so")


def test_signs_that_begin_no_tag_and_comments_are_read_as_people_would() -> None:
    assert (
        mail.plain_text("<p>1 < 2 <b>and</b> 3 <<br>4<!-- <b>hidden</b> --> 5 <")
        == "1 < 2 and 3 <\n4 5 <\n"
    )
