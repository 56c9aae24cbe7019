"""Mails that came back, as mail servers and mailbox providers write them."""

from __future__ import annotations

REFERENCE = "0123456789abcdefghijklmnopqrstuv01234567"

_MAIL = """\
From: MAILER-DAEMON@mx.example.org (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {to}
Date: Tue, 14 Nov 2023 22:13:20 +0000
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type={kind};
\tboundary="4Rq1XW2cHvz9sPs.1700000000/mx.example.org"
Message-Id: <4Rq1XX@mx.example.org>

This is a MIME-encapsulated message.

--4Rq1XW2cHvz9sPs.1700000000/mx.example.org
Content-Description: Notification
Content-Type: text/plain; charset=utf-8

I'm sorry to have to inform you that your message could not be delivered.

--4Rq1XW2cHvz9sPs.1700000000/mx.example.org
Content-Description: Delivery report
Content-Type: message/{part}

{report}

--4Rq1XW2cHvz9sPs.1700000000/mx.example.org
Content-Description: Undelivered Message
Content-Type: {returned}

From: Shop <news@corp.example>
To: ann@example.org
Subject: Hello
Message-ID: <{message_id}@corp.example>

--4Rq1XW2cHvz9sPs.1700000000/mx.example.org--
"""


def mail(report: str, **parts: str) -> bytes:
    fields = {
        "to": f"bounces+{REFERENCE}@corp.example",
        "kind": "delivery-status",
        "part": "delivery-status",
        "returned": "message/rfc822",
        "message_id": REFERENCE,
        "report": report.strip("\n"),
        **parts,
    }
    return _MAIL.format(**fields).replace("\n", "\r\n").encode()


def failed(status: str, diagnosis: str, action: str = "failed") -> str:
    """Return the machine's part of a report, as Postfix writes it."""
    return f"""
Reporting-MTA: dns; mx.example.org
X-Postfix-Queue-ID: 4Rq1XW2cHvz9sPs
X-Postfix-Sender: rfc822; bounces@corp.example
Arrival-Date: Tue, 14 Nov 2023 22:13:18 +0000 (UTC)

Final-Recipient: rfc822; ann@example.org
Original-Recipient: rfc822;ann@example.org
Action: {action}
Status: {status}
Remote-MTA: dns; mail.example.org
Diagnostic-Code: {diagnosis}
"""


EXCHANGE = """
Reporting-MTA: dns;XY1PR01MB1234.prod.outlook.com
Received-From-MTA: dns;mail.corp.example
Arrival-Date: Tue, 14 Nov 2023 22:13:19 +0000

Original-Recipient: rfc822;ann@example.org
Final-Recipient: rfc822;ann@example.org
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient
 ann@example.org not found by SMTP address lookup
"""
GMAIL = """
Reporting-MTA: dns; googlemail.com
Arrival-Date: Tue, 14 Nov 2023 14:13:20 -0800 (PST)
X-Original-Message-ID: <x@corp.example>

Final-Recipient: rfc822; ann@example.org
Action: failed
Status: 5.1.1
Remote-MTA: dns; gmail-smtp-in.l.google.com.
Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist.
Last-Attempt-Date: Tue, 14 Nov 2023 14:13:20 -0800 (PST)
"""
EXIM = """
Reporting-MTA: dns; mx.example.org

Action: failed
Final-Recipient: rfc822;ann@example.org
Status: 5.0.0
Remote-MTA: dns; mail.example.org
Diagnostic-Code: smtp; 550 no such user
"""
COMPLAINT = """
Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <news@corp.example>
Original-Rcpt-To: <redacted@example.org>
Received-Date: Tue, 14 Nov 2023 22:13:20 +0000
Source-IP: 192.0.2.1
"""


def complaint(kind: str = "abuse", **parts: str) -> bytes:
    form = {"kind": "feedback-report", "part": "feedback-report", "to": "fbl@corp.example"}
    return mail(COMPLAINT.format(kind=kind), **form, **parts)
