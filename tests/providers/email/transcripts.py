"""Replies of mail servers to RCPT, as their sources, documents and logs show them."""

from __future__ import annotations

# Refusals of the sender, the client or the login. Postfix gives them to RCPT, not to MAIL.
ABOUT_US = {
    "postfix": (
        "553 5.7.1 <news@corp.example>: Sender address rejected: not owned by user shop",
        "554 5.7.1 <ann@example.org>: Relay access denied",
        "454 4.7.1 <ann@example.org>: Relay access denied",
        "554 5.7.1 <ann@example.org>: Recipient address rejected: Relay access denied",
        "554 5.7.1 <unknown[192.0.2.7]>: Client host rejected: Access denied",
        "450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.7]",
        "504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname",
        "530 5.7.0 Must issue a STARTTLS command first",
        "550 5.1.8 <news@corp.example>: Sender address rejected: Domain not found",
        "554 5.7.1 <news@corp.example>: Sender address rejected: Access denied",
        "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.spamhaus.org",
    ),
    "exim": (
        "550 relay not permitted",
        "550 Sender verify failed",
        "550 authentication required",
    ),
    "exchange": (
        "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
        "530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM",
        "550 5.7.64 TenantAttribution; Relay Access Denied SMTP",
        "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain",
        "550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP",
    ),
    "qq": (
        "501 mail from address must be same as authorization user",
        "503 Error: need EHLO and AUTH first !",
        "550 User has no permission",
    ),
    "163": (
        "553 Mail from must equal authorized user",
        "550 MI:SPB 163 smtp, this user is not in the list of allowed senders",
        "554 DT:SUM 163 smtp, envelope from and header from do not match",
    ),
    "aliyun": (
        "440 mail from account doesn't conform with authentication",
        '501 "MAIL FROM" is non-local account',
        "541 This account isn't allowed to send email",
        "526 Authentication failure[0]",
    ),
    "gmail": (
        "530 5.7.0 Authentication Required. For more information, go to …",
        "550 5.7.26 This mail is unauthenticated, which poses a security risk to the sender",
    ),
    "ses": ("554 Message rejected: Email address is not verified.",),
}

LATER = {
    "qq": (
        "550 Ip frequency limited. http://service.mail.qq.com/cgi-bin/help?id=20022",
        "550 Domain frequency limited",
        "550 Sender frequency limited",
        "550 Mailbox unavailable or access denied",
    ),
    "163": (
        "451 MI:SFQ 163 smtp, the sender sent too much within 15 minutes",
        "450 MI:DMC 163 smtp, mails of the connection",
        "550 RP:TRC 163 smtp, recipients of the day",
    ),
    "aliyun": ("454 Transient reject by behaviour spam",),
    "gmail": (
        "550 5.2.1 The user you are trying to contact is receiving mail at a rate that …",
        "450 4.2.1 The user you are trying to contact is receiving mail too quickly",
        "550 5.7.28 Our system has detected an unusual rate of mail from your address",
    ),
    "exchange": ("451 4.7.500 Server busy. Please try again later from [192.0.2.7]",),
    "postfix": (
        "450 4.2.0 <ann@example.org>: Recipient address rejected: Greylisted, see …",
        "450 4.7.1 <unknown[192.0.2.7]>: Client host rejected: Greylisted",
        "452 4.5.3 Error: too many recipients",
    ),
    "ses": ("454 Throttling failure: Maximum sending rate exceeded.",),
}

DEAD = {
    "postfix": (
        "550 5.1.1 <ann@example.org>: Recipient address rejected: User unknown in local table",
    ),
    "exim": ("550 Unrouteable address",),
    "exchange": ("550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP",),
    "qq": ("550 Mailbox not found. http://service.mail.qq.com/cgi-bin/help?id=20022",),
    "163": ("550 User not found: ann@163.example",),
    "aliyun": ("559 Invalid rcptto [@sm050102]", "554 RCPT (ann@example.org) dosn't exist"),
    "gmail": ("550 5.1.1 The email account that you tried to reach does not exist.",),
}

# They say nothing about the address, and concern this recipient or this mail alone.
THIS_MAIL = {
    "postfix": (
        "554 5.7.1 <ann@example.org>: Recipient address rejected: Access denied",
        "552 5.2.2 <ann@example.org>: Mailbox is full",
    ),
    "exchange": ("550 5.7.1 RESOLVER.RST.AuthRequired; not allowed for this group",),
    "aliyun": ("554 Reject by content spam", "554 Reject by behaviour spam at Rcpt State"),
    "qq": ("550 Mail content denied", "550 Suspected bounce attacks"),
    "gmail": ("550 5.7.1 Our system has detected that this message is likely unsolicited mail",),
}


def cases(table: dict[str, tuple[str, ...]]) -> list[str]:
    return [reply for replies in table.values() for reply in replies]
