"""What can go wrong, by what the caller should do about it."""

from __future__ import annotations


class OpenUMSError(Exception):
    """Root of every error that this project raises on purpose."""


class Refused(OpenUMSError):
    """A request that cannot be served. `code` is a UMS business code (own codes: 1019xxx), `field` names what is wrong."""

    def __init__(self, code: int, message: str, *, field: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.field, self.status = code, message, field, status


class Invalid(OpenUMSError):
    """A value of an operator's or sender's that breaks a rule; an entrypoint turns it into a refusal of its own wire format."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field, self.reason = field, reason


UNKNOWN_FIELD = "is not a known field"  # a reason of Invalid


class Conflict(OpenUMSError):
    """A conditional write found something else than it expected; nothing was written."""


class Stale(Conflict):
    """What was to be changed is not the version any more that the change began from."""


class ProviderError(OpenUMSError):
    """A call to a provider that brought no answer per contact. `code` is the provider's own word, for logs and facts."""

    def __init__(self, code: str, *, retry_after: float | None = None) -> None:
        super().__init__(code)
        self.code, self.retry_after = code, retry_after


class Rejected(ProviderError):
    """The provider will never take this call: its deliveries have failed, a strategy goes on at once."""


class Unavailable(ProviderError):
    """The provider surely did not take the call: try again later."""


class Throttled(Unavailable):
    """Too fast. Not a failure: it uses up no retries."""


class QuotaUsedUp(Throttled):
    """What the provider takes in a day is used up: it is asked again much later, whatever the call."""


class Uncertain(ProviderError):
    """The provider may or may not have taken the call: the connection broke or timed out after it was sent."""


class Misconfigured(ProviderError):
    """Wrong credentials or settings: an operator must act. The job is kept, an alarm rings."""


class Unverified(OpenUMSError):
    """A webhook that does not come from the provider: wrong signature, too old, or a nonce used with another body."""
