"""What a mail server's replies mean (RFC 5321 4.2, enhanced codes of RFC 3463)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from chalicelib.domain.errors import Misconfigured, QuotaUsedUp, Unavailable
from chalicelib.domain.sending import Loss, Outcome

if TYPE_CHECKING:
    from chalicelib.web.smtp import Reply

# RFC 5321 4.2.3 and RFC 3463 3.2: codes to RCPT that speak of the address itself. Mailbox full (5.2.2, 552) and refused for
# reasons of policy (5.7.x) are not among them: the address exists.
_NO_SUCH_ADDRESS = frozenset({550, 551, 553, 556})
# What servers call it that take so many mails of an account a day: "454 Throttling failure: Daily message quota exceeded" (Amazon SES),
# "550 5.4.5 Daily user sending limit exceeded" (Gmail).
_QUOTA = re.compile(r"\bdaily\b[^.]{0,40}\b(quota|limit)\b", re.IGNORECASE)
_ENHANCED = re.compile(r"\b5\.(\d{1,3})\.(\d{1,3})\b")


def outcome(reply: Reply) -> Outcome:
    """What a server's reply means for the mail; raises when it concerns the sender, hence every mail."""
    enhanced = _ENHANCED.search(reply.text)
    code = f"{reply.code} {enhanced[0]}" if enhanced else str(reply.code)
    if reply.stage == "end" and 200 <= reply.code < 300:
        return Outcome()
    if _QUOTA.search(reply.text):
        raise QuotaUsedUp(code)
    if reply.code < 500:
        if reply.code == 421 or reply.stage == "mail":
            raise Unavailable(code)
        return Outcome(code=code, later=True)
    if reply.stage == "mail":
        raise Misconfigured(code)
    return Outcome(Loss.INVALID_TARGET if _bad_address(reply, enhanced) else Loss.SUBMIT_FAILED, code)


def _bad_address(reply: Reply, enhanced: re.Match[str] | None) -> bool:
    if enhanced is not None:
        subject, detail = int(enhanced[1]), int(enhanced[2])
        return (subject == 1 and detail not in (7, 8)) or (subject == 2 and detail == 1)  # 5.1.7 and 5.1.8: the sender's address
    return reply.stage == "rcpt" and reply.code in _NO_SUCH_ADDRESS
