"""Meaning of a mail server's replies (RFC 5321 4.2, enhanced codes of RFC 3463).

A reply may come to another command than the one it is about. Postfix answers to MAIL only after
RCPT (`smtpd_delay_reject`, on by default). So a refusal of the sender looks like one of a
recipient. Therefore the words decide. The tables name the servers whose words they are, as their
documents, sources or logs show them (2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from chalicelib.domain.errors import Misconfigured, QuotaUsedUp, Unavailable
from chalicelib.domain.provider_io import Loss, Outcome
from chalicelib.domain.values import frozen

if TYPE_CHECKING:
    from chalicelib.web.smtp import Reply


@frozen
class SenderRefused(Outcome):
    """The server refuses us, unless it takes another mail of the same call. See `judged`."""


# RFC 3463 3.2 and 3.3, RFC 7505: subject and detail of codes about the recipient's address itself.
# Not 5.1.0: Postfix sends it for senders, too. Not 5.1.7 and 5.1.8, which are about the sender.
# Not 5.2.2, a full mailbox. Not 5.7.x: policy, and the domains that a server relays for.
_DEAD = frozenset({(1, 1), (1, 2), (1, 3), (1, 6), (1, 10), (2, 1)})

# RFC 3463 3.2, RFC 7372, RFC 4954 6, and Microsoft's list of codes: sender, login, DNS of the
# sender, permission to send as somebody, relaying of a tenant.
_SENDER = frozenset({(1, 7), (1, 8), (7, 3), (7, 8), (7, 9), (7, 57), (7, 60), (7, 64)}) | {
    (7, detail) for detail in range(20, 27)
}
# RFC 3463 3.6 to 3.8: subjects of the protocol, the content, and security or policy. A server that
# blocks our address for now says so with 4.7.x.
_NOT_OF_READER = frozenset({5, 6, 7})
# RFC 4954 4 and 6: login needed, too weak, or without encryption. 526 is Alibaba's.
_LOGIN = frozenset({523, 524, 526, 530, 534, 535, 538})

# Without an enhanced code 550 to RCPT may also be "rejected for policy reasons" (RFC 5321 4.2.3).
_NO_SUCH_ADDRESS = frozenset({550, 551, 553, 554, 556, 559})


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_QUOTA = _words(
    r"\bdaily\b[^.]{0,40}\b(?:quota|limit)\b",  # Amazon SES, Gmail
    r"tenant has exceeded threshold",  # Exchange Online, 5.7.705
)
# Also with 5xx, which is for good by RFC 5321. These servers take the mail in minutes or hours.
_LATER = _words(
    r"frequency limit",  # QQ and Tencent Exmail: Ip, Domain, Sender, Connection
    r"mailbox unavailable or access denied",  # QQ: the person gets many mails at the moment
    r"\bat a rate\b|too quickly|unusual rate",  # Gmail, 5.2.1 and 4.7.28
    r"sending rate|rate.?limit|throttl",  # Amazon SES, Exchange Online
    r"\btoo many (?:connections|messages|recipients|mails)\b",
    r"\b(?:RP:TRC|RP:DRC|RP:CEL|MI:DMC|MI:SFQ|MI:CEL|HL:ICC|HL:IFC)\b",  # NetEase
    r"gr[ae]y.?list",
    r"try again",
)
_ABOUT_US = _words(
    # Postfix: reject_sender_login_mismatch, smtpd_relay_restrictions, smtpd_client_restrictions,
    # smtpd_helo_restrictions, smtpd_tls_security_level
    r"sender address rejected",
    r"relay(?:ing)? (?:access )?denied|not permitted to relay",
    r"client host rejected",
    r"helo command rejected",
    r"must issue a starttls",
    r"client host \S+ blocked",
    r"relay(?:ing)? not permitted|sender verify failed",  # Exim
    r"unable to relay|relaying (?:is )?not allowed|\bhost denies relay",  # Exchange, qmail
    r"does not have permissions? to send as|not authenticated to send",  # Exchange
    r"traffic not accepted from this ip",  # Exchange Online, 5.7.708
    r"authentication (?:is )?required|need \S+ and auth first|auth(?:entication)? first",
    # QQ, NetEase, Alibaba: another sender than the login, or sending is switched off
    r"mail ?from (?:address )?must (?:be same as|equal) authori[sz]",
    r"doesn't conform with authentication|is non-local account",
    r"isn't allowed to send|user has no permission|sender is (?:rejected|unvalidated)",
    r"(?:address|identit\w+|domain) (?:is )?not verified",  # Amazon SES
    r"not (?:authori[sz]ed|allowed) to send (?:as|from|mail)",
    r"\bspf\b|\bdkim\b|\bdmarc\b|unauthenticated (?:mail|email|sender)",  # Gmail, 5.7.26
    r"\b(?:MI:SPB|MI:IMF|WM:BLI|WM:BLU|DT:SUM|HL:REP|HL:MEP)\b",  # NetEase
)
_POLICY = _words(
    r"policy|spam|virus|black|block|reputation|prohibit|reject by|content|bounce attack",
    r"access denied|not allowed|local user only|\bauth\b|\bsender\b|\brelay|\bdns\b",
)
_NOBODY = _words(
    r"no such|no mailbox|not found|unknown|unrout|(?:not|n't|non-?) ?exist",
    r"invalid (?:recipient|mailbox|user|address|rcptto)",
)
# Exchange Online knows its recipients at the edge, and says that in these words with 5.4.1.
_EDGE = (4, 1), _words(r"recipient address rejected: access denied")
_STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})")
# A full mailbox, a full system, and a mail whose time was over. Postfix: 5.4.4 for a domain that
# does not exist.
_FULL = frozenset({(2, 2), (3, 1), (4, 1), (4, 7)})
_NO_ROUTE = frozenset({(4, 4)})
TOO_LARGE = 552  # to MAIL, which announces the number of bytes (RFC 1870)
_ENHANCED = re.compile(r"\b[45]\.(\d{1,3})\.(\d{1,3})\b")


def outcome(reply: Reply) -> Outcome:
    """Return the outcome of a mail.

    Raises QuotaUsedUp, Unavailable or Misconfigured for a reply that surely concerns every mail.
    """
    if reply.stage == "end" and 200 <= reply.code < 300:
        return Outcome()
    code, enhanced = _codes(reply)
    if _QUOTA.search(reply.text):
        raise QuotaUsedUp(code)
    if reply.stage == "mail" and reply.code < 500:
        raise Unavailable(code)
    if _LATER.search(reply.text):
        if reply.stage == "mail":
            raise Unavailable(code)
        return Outcome(code=code, later=True)
    if reply.stage == "mail" and reply.code != TOO_LARGE:
        raise Misconfigured(code)
    if _is_about_us(reply, enhanced):
        return SenderRefused(Loss.SUBMIT_FAILED, code)
    if reply.code < 500:
        return Outcome(code=code, later=True)
    return _of_recipient(reply, code, enhanced)


def judged(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Settle the refusals that may be about us, now that all mails of a call have an outcome.

    A relay may serve some domains only. So where another mail was taken, a refusal is about its
    recipient. Otherwise these mails are kept. Raises Misconfigured when there are no others.
    """
    refusals = [outcome for outcome in outcomes if isinstance(outcome, SenderRefused)]
    if any(map(_is_taken, outcomes)):
        return [_plain(outcome) for outcome in outcomes]
    if refusals and all(outcome.later or outcome in refusals for outcome in outcomes):
        raise Misconfigured(refusals[0].code)
    return [
        Outcome(code=outcome.code, later=True) if outcome in refusals else outcome
        for outcome in outcomes
    ]


def _is_taken(outcome: Outcome) -> bool:
    return outcome.loss is None and not (outcome.later or outcome.uncertain)


def _plain(outcome: Outcome) -> Outcome:
    is_refusal = isinstance(outcome, SenderRefused)
    return Outcome(outcome.loss, outcome.code) if is_refusal else outcome


def _codes(reply: Reply) -> tuple[str, tuple[int, int] | None]:
    """Return the codes as one text, and subject and detail of the enhanced one."""
    enhanced = _ENHANCED.search(reply.text)
    if enhanced is None:
        return str(reply.code), None
    shown = f"{reply.code} {enhanced[0]}" if enhanced[0][0] == "5" else str(reply.code)
    return shown, (int(enhanced[1]), int(enhanced[2]))


def is_of_sender(status: str, diagnosis: str) -> bool:
    """Tell of a mail that came back for now if that is about its sender or content alone."""
    enhanced = _STATUS.fullmatch(status)
    codes = enhanced and (int(enhanced[2]), int(enhanced[3]))
    if codes and (codes in _SENDER or codes[0] in _NOT_OF_READER):
        return True
    return status.startswith("4") and _ABOUT_US.search(diagnosis) is not None


def came_back(status: str, diagnosis: str) -> tuple[bool, bool]:
    """Tell of a mail that came back if its contact is dead, and if it may work again.

    Neither holds for a refusal of the sender or the content. `status`: of RFC 3463.
    """
    if is_of_sender(status, diagnosis):
        return False, False
    enhanced = _STATUS.fullmatch(status)
    kind, codes = enhanced and enhanced[1], enhanced and (int(enhanced[2]), int(enhanced[3]))
    if kind == "4" or codes in _FULL or (codes != (0, 0) and _LATER.search(diagnosis)):
        return False, True
    if codes in _DEAD or codes in _NO_ROUTE:
        return True, False
    if codes not in (None, (0, 0)) or _ABOUT_US.search(diagnosis) or _POLICY.search(diagnosis):
        return False, False
    return _NOBODY.search(diagnosis) is not None, False


def _is_about_us(reply: Reply, enhanced: tuple[int, int] | None) -> bool:
    if reply.code in _LOGIN or enhanced in _SENDER:
        return True
    return _ABOUT_US.search(reply.text) is not None


def _of_recipient(reply: Reply, code: str, enhanced: tuple[int, int] | None) -> Outcome:
    if enhanced is not None:
        subject, words = _EDGE
        if enhanced == subject and words.search(reply.text):
            return Outcome(Loss.INVALID_TARGET, code)
        dead = enhanced in _DEAD
        loss = Loss.INVALID_TARGET if dead else Loss.SUBMIT_FAILED
        return Outcome(loss, code, undeliverable=dead)
    nobody = _NOBODY.search(reply.text) is not None
    about_target = reply.stage == "rcpt" and reply.code in _NO_SUCH_ADDRESS
    if about_target and not _POLICY.search(reply.text) and (nobody or reply.code != 554):
        return Outcome(Loss.INVALID_TARGET, code, undeliverable=nobody)
    return Outcome(Loss.SUBMIT_FAILED, code)
