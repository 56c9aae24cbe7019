"""Meaning of a mail server's replies (RFC 5321 4.2, enhanced codes of RFC 3463)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from chalicelib.domain.errors import Misconfigured, QuotaUsedUp, Unavailable
from chalicelib.domain.provider_io import Loss, Outcome

if TYPE_CHECKING:
    from chalicelib.web.smtp import Reply

# RFC 3463 3.2 and 3.3, RFC 7505: subject and detail of codes about the recipient's address itself.
# Not 5.1.0: Postfix sends it for senders, too. Not 5.1.7 and 5.1.8, which are about the sender.
# Not 5.2.2, a full mailbox. Not 5.7.x: policy, and the domains that a server relays for.
_DEAD = frozenset({(1, 1), (1, 2), (1, 3), (1, 6), (1, 10), (2, 1)})

# Without such a code 550 to RCPT may also be "rejected for policy reasons" (RFC 5321 4.2.3).
# Exim's "relay not permitted" is an example.
_NO_SUCH_ADDRESS = frozenset({550, 551, 553, 556})
# Texts of servers with a daily limit per account: "454 Throttling failure: Daily message quota
# exceeded" (Amazon SES), "550 5.4.5 Daily user sending limit exceeded" (Gmail).
_QUOTA = re.compile(r"\bdaily\b[^.]{0,40}\b(quota|limit)\b", re.IGNORECASE)
_ABOUT_US = re.compile(
    r"relay|auth|sender|policy|spam|black|block|denied|reputation|not allowed"
    r"|\b(?:dns|spf|dkim|dmarc)\b",
    re.IGNORECASE,
)
_NOBODY = re.compile(
    r"no such|no mailbox|not found|unknown|unrout|(?:not|n't|non-?) ?exist"
    r"|invalid (?:recipient|mailbox|user|address)",
    re.IGNORECASE,
)
TOO_LARGE = 552  # to MAIL, which announces the number of bytes (RFC 1870)
_ENHANCED = re.compile(r"\b5\.(\d{1,3})\.(\d{1,3})\b")


def outcome(reply: Reply) -> Outcome:
    """Return the outcome of a mail. Raises if the reply concerns the sender, hence every mail."""
    enhanced = _ENHANCED.search(reply.text)
    code = f"{reply.code} {enhanced[0]}" if enhanced else str(reply.code)
    if reply.stage == "end" and 200 <= reply.code < 300:
        return Outcome()
    if _QUOTA.search(reply.text):
        raise QuotaUsedUp(code)
    if reply.stage == "mail" and reply.code < 500:
        raise Unavailable(code)
    if reply.code < 500:
        return Outcome(code=code, later=True)
    if reply.stage == "mail" and reply.code != TOO_LARGE:
        raise Misconfigured(code)
    if enhanced is not None:
        dead = (int(enhanced[1]), int(enhanced[2])) in _DEAD
        loss = Loss.INVALID_TARGET if dead else Loss.SUBMIT_FAILED
        return Outcome(loss, code, undeliverable=dead)
    about_target = reply.stage == "rcpt" and reply.code in _NO_SUCH_ADDRESS
    if about_target and not _ABOUT_US.search(reply.text):
        dead = _NOBODY.search(reply.text) is not None
        return Outcome(Loss.INVALID_TARGET, code, undeliverable=dead)
    return Outcome(Loss.SUBMIT_FAILED, code)
