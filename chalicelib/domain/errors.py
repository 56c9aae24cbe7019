"""Errors, by what their caller should do about them."""

from __future__ import annotations

from enum import StrEnum

from chalicelib.domain.sentences import Sentence


class OpenUMSError(Exception):
    """Root of every error that this project raises on purpose."""


class Refusal(OpenUMSError):
    """A request that cannot be served, for a reason that the sender or operator can mend.

    Each reason is a class. `field` names the part of the request that is wrong, empty if none is.
    Texts, codes and HTTP statuses are the entrypoints' (entrypoints/http/errors.py): `values` fill
    the texts. The docstring of a reason names its `values` in backticks.
    """

    def __init__(self, field: str = "", **values: object) -> None:
        super().__init__(f"{type(self).__name__} {field} {values or ''}".strip())
        self.field, self.values = field, values


class NotFound(Refusal):
    """Nothing is stored under this name. `what`: the kind of thing, in English."""

    def __init__(self, what: str) -> None:
        super().__init__(what=what)


class ForgedToken(NotFound):
    """A token in an address that was not made here. `what`: the kind of address."""


class Taken(Refusal):
    """Another thing has this name or code already. `what`: the other thing, with its article."""


class PlaceholderWrong(Refusal):
    """Braces in a template are meant as a variable, but do not make one."""


class InUse(Refusal):
    """A delivery channel cannot be deleted while access channels are authorised for it. `by`."""


class DefaultLabel(Refusal):
    """The default contact label of a delivery channel cannot be deleted."""


class DefaultAddress(Refusal):
    """The default callback address of an access channel cannot be deleted."""


class OwnRights(Refusal):
    """Members cannot change their own role or disable themselves."""


class WrongPassword(Refusal):
    """Nobody has this name with this password."""


class WrongCode(Refusal):
    """The code of the second factor is wrong, or was used already."""


class TooOften(Refusal):
    """Passwords or codes were wrong too often. `seconds` until the next attempt."""


class NotServed(Refusal):
    """The deployment does not run what the platform needs. `reason`."""


class NotAuthorised(Refusal):
    """No delivery channel of a type is authorised and enabled. `channel_type`."""

    def __init__(self, field: str, channel_type: StrEnum) -> None:
        super().__init__(field, channel_type=channel_type)
        self.channel_type = channel_type


class UnknownBlacklist(Refusal):
    """The access channel has no blacklist `number`."""


class UnknownWhitelist(Refusal):
    """The access channel has no whitelist `number`."""


class UnknownSegment(Refusal):
    """The access channel has no segment `number`."""


class UnknownTopic(Refusal):
    """The topic is not one of the access channel's."""


class UnknownTemplate(Refusal):
    """The access channel has no template `number`."""


class UnknownTemplateVersion(Refusal):
    """Template `number` has no version `version`."""


class TemplateClosed(Refusal):
    """A channel type of the template has no delivery channel now. `types`."""


class ThirdPartyInvalid(Refusal):
    """The provider no longer has a third-party template or signature. `what`, `id`, `channel`."""


class UnknownStrategy(Refusal):
    """The access channel has no strategy `number`."""


class StrategyClosed(Refusal):
    """A channel type of the strategy has no delivery channel now. `types`."""


class StrategyDiffers(Refusal):
    """The strategy and the contents name different channel types. `of`: whose contents."""


class ContentMissing(Refusal):
    """Registration ids of a type have no content, or the content has no ids. `needs`."""


class PlatformMissing(Refusal):
    """An app push names no platform. `why`: a further reason, or empty."""


class PlatformWrong(Refusal):
    """An app push names a platform that does not exist. `platforms`: those that do."""


class PlatformRepeated(Refusal):
    """Two elements of an app push name the same platform. `platform`."""


class SmsTemplateWrong(Refusal):
    """An SMS names a vendor's template by something that is not an id. `reason`."""


class ContentTooLarge(Refusal):
    """The contents of a message exceed what one message may hold. `limit`: bytes."""


class AccessChannelClosed(Refusal):
    """The access channel was closed or deleted, and a stored request of it came due."""


class NeverDue(Refusal):
    """A schedule has no time in the future."""


class UsersNeeded(Refusal):
    """A schedule asks for attributes of users, and the message names registration ids."""


class OwnerWrong(Refusal):
    """The access channel reviews what comes by API, and the request names no member as owner."""


class ReviewerMissing(Refusal):
    """Nobody may approve at some level of a review but those who ask."""


class NotWaiting(Refusal):
    """The stored request was carried out, cancelled or decided already. `state`."""


class BeingSent(Refusal):
    """The time of the stored request has come, so that it can no longer be changed."""


class StillTesting(Refusal):
    """Nobody chooses a variant of an A/B test or changes its messages before its end."""


class NotReviewer(Refusal):
    """The member is not a reviewer of the level that must decide, or asked for the review."""


class UnknownCallbackAddress(Refusal):
    """The access channel has no callback address `url`."""


class SensitiveWord(Refusal):
    """A content has a sensitive word. `word`, and its `first` and `last` character in the field."""


class WordsGone(Refusal):
    """The sensitive words of an access channel cannot be read. Nothing is sent unread."""


class QuietHours(Refusal):
    """The access channel sends nothing now. `until`: when its quiet hours end (ISO 8601)."""


class BroadcastsUsedUp(Refusal):
    """The access channel has sent all broadcasts of its day. `limit`: how many it may send."""


class StillSending(Refusal):
    """A message cannot be deleted while something of it may still be sent."""


class WithdrawnAlready(Refusal):
    """The message was withdrawn before."""


class TooLateToWithdraw(Refusal):
    """The message was accepted too long ago. `hours`: how long a message can be withdrawn."""


class ImportEnded(Refusal):
    """The import has ended. Its file is deleted, so that it cannot start again."""


class KeyReused(Refusal):
    """An idempotency key was used with another request."""


class NoMessageId(Refusal):
    """Several random message ids were taken. Nothing was stored. A repeat will succeed."""


class TokenUnsupported(Refusal):
    """The platform does not use access tokens. `platform`."""


class NoToken(Refusal):
    """A provider did not return an access token in time. `seconds`, `code`: its own word."""


class TooEarly(OpenUMSError):
    """A job arrived before the record that it needs. The queue hands the job out again."""


class Invalid(OpenUMSError):
    """A value from an operator or sender that breaks a rule. `values` fill the reason's braces.

    An entrypoint turns it into a refusal in its own wire format and languages.
    """

    def __init__(self, field: str, reason: str, /, **values: object) -> None:
        self.field, self.reason = field, Sentence.of(reason, values)
        super().__init__(f"{field}: {self.reason}")


UNKNOWN_FIELD = "is not a known field"  # a reason of Invalid


class Conflict(OpenUMSError):
    """A conditional write found another state than it expected. Nothing was written."""


class Stale(Conflict):
    """The stored version is no longer the one that the change began from."""


class ProviderError(OpenUMSError):
    """A call to a provider that brought no answer per contact.

    `code` is the provider's own word, for logs and facts.
    """

    def __init__(self, code: str, *, retry_after: float | None = None) -> None:
        super().__init__(code)
        self.code, self.retry_after = code, retry_after


class Rejected(ProviderError):
    """The provider will never take this call. Its deliveries have failed."""


class TemplateGone(Rejected):
    """The provider does not have the template of this call any more, or has blocked it."""


class SignatureGone(TemplateGone):
    """The provider does not have the signature of this call any more."""


class Unavailable(ProviderError):
    """The provider surely did not take the call: try again later."""


class Throttled(Unavailable):
    """The call came too fast. It is not a failure and does not use up retries."""


class QuotaUsedUp(Throttled):
    """The day's quota at the provider is used up. Any further call is made much later."""


class Uncertain(ProviderError):
    """The provider may or may not have taken the call, as its connection broke."""


class TooLarge(Uncertain):
    """The answer was larger than the caller takes. The provider has taken the call, or not."""


class Misconfigured(ProviderError):
    """Credentials or settings are wrong: an operator must act. The job is kept, an alarm rings."""


class Forged(OpenUMSError):
    """Bytes that were not sealed here, or not in this context."""


class Unverified(OpenUMSError):
    """A webhook with a wrong signature, too old, or with a nonce of another body."""
