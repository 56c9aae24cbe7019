"""Third-party templates and signatures: what an account has registered at its provider.

A message names such a template by the provider's own id. Here its fields and its state are kept, so
that a message that the provider would refuse is refused first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from enum import StrEnum
from typing import Any

from chalicelib.domain.delivery_channels import Channel
from chalicelib.domain.records import Kind
from chalicelib.domain.values import frozen

MAX_REGISTERED = 500  # templates, or signatures, of a delivery channel
MAX_TITLES = 1500  # of a provider's library
MAX_KEYWORDS = 100  # templates of the library whose keywords are kept


class Family(StrEnum):
    TEMPLATE = "template"
    SIGNATURE = "signature"


class Sort(StrEnum):
    """A sort of template, or a signature. Some providers have several sorts of templates."""

    MESSAGE = "message"  # a template message
    NOTICE = "notice"  # for people who have subscribed to it
    TEXT = "text"  # of an SMS
    SIGNATURE = "signature"

    @property
    def family(self) -> Family:
        return Family.SIGNATURE if self is Sort.SIGNATURE else Family.TEMPLATE


class Category(StrEnum):
    """A category of the texts of SMS."""

    VERIFICATION = "verification"
    NOTICE = "notice"
    MARKETING = "marketing"


class State(StrEnum):
    NORMAL = "normal"  # the provider has it
    INVALID = "invalid"  # the provider does not have it any more
    UNKNOWN = "unknown"  # nobody has asked the account that the delivery channel has now


class Review(StrEnum):
    """The provider's own review."""

    APPROVED = "approved"
    IN_REVIEW = "in_review"
    REFUSED = "refused"


class Action(StrEnum):
    """Something that a platform lets operators do with a sort of templates."""

    REFRESH = "refresh"  # compare what is kept with what the provider has
    ENTER = "enter"  # copy it from the provider's pages, since the provider cannot be asked
    IMPORT = "import"  # by the provider's id
    CREATE = "create"
    CHANGE = "change"  # one that was refused
    DELETE = "delete"  # at the provider, too
    SYNC = "sync"  # the titles of the provider's library
    KEYWORDS = "keywords"  # of a template of the library
    CHOOSE = "choose"  # make a template of one of the library


@frozen
class Field:
    """A value that a template takes. `kind` decides which texts it may be, if the provider says so.

    `allowed` are the only texts that it may be, none for any.
    """

    name: str
    label: str = ""
    kind: str = ""
    allowed: tuple[str, ...] = ()


@frozen
class ValueKind:
    """The rule of a kind of values: characters at most, and what they may be.

    `words` say it to people. `fits` tells if a text of that length is good.
    """

    limit: int
    words: str
    fits: Callable[[str], bool] = lambda text: True


@frozen
class Registered:
    """A template or signature as its provider had it last.

    `account` tells which credentials of the delivery channel saw it. `entered`: an operator copied
    it here, so that a list of the provider may lack it.
    """

    code: str  # of the delivery channel
    id: str  # the provider's own
    sort: Sort
    title: str  # of a signature: its text
    text: str = ""
    fields: tuple[Field, ...] = ()
    category: str = ""
    example: str = ""
    remark: str = ""
    seconds: int = 0  # for which a verification code is good
    review: Review = Review.APPROVED
    reason: str = ""  # why the provider's review refused it
    is_invalid: bool = False
    entered: bool = False
    account: str = ""
    version: int = 1

    def state(self, channel: Channel | None, *, is_authorised: bool = True) -> State:
        """Return the state for a delivery channel as it is now, None if it was deleted.

        `is_authorised`: some access channel may use the delivery channel.
        """
        fingerprint = channel.credentials_fingerprint if channel else ""
        if not is_authorised or not fingerprint or self.account != fingerprint:
            return State.UNKNOWN
        return State.INVALID if self.is_invalid else State.NORMAL

    def seen(self, stored: Registered) -> Registered:
        """Return this, as the provider has it now, in the place of what is stored.

        A provider that is asked may not repeat why it refused.
        """
        refused = stored.review is self.review is Review.REFUSED
        reason = self.reason or (stored.reason if refused else "")
        return replace(
            self, reason=reason, entered=stored.entered and self.entered, version=stored.version
        )


def key_of(code: str, id: str) -> str:
    return f"{code}.{id}"


REGISTERED: Mapping[Family, Kind[Registered]] = {
    family: Kind[Registered](
        f"third_party_{family}",
        "third-party template" if family is Family.TEMPLATE else "signature",
        key=lambda registered: key_of(registered.code, registered.id),
        scope=lambda registered: registered.code,
    )
    for family in Family
}


@frozen
class Use:
    """A template or signature that a content names, with the values that the content gives it.

    `field` names it in the content. A value named `x` stands in `{values_in}.x{value}`.
    """

    family: Family
    id: str
    field: str
    values: Mapping[str, str] | None = None
    values_in: str = ""
    value: str = ""
    sort: Sort | None = None  # that the content takes it for, None: any

    def path(self, name: str) -> str:
        return f"{self.values_in}.{name}{self.value}"


@frozen
class Draft:
    """A text or signature as an operator wants it. `type`: the provider's number of its origin.

    `images` are certificates, which show whose name a signature is.
    """

    sort: Sort
    text: str
    category: str = ""
    remark: str = ""
    seconds: int = 0
    type: int = 0
    images: tuple[bytes, ...] = field(default=(), repr=False)


@frozen(kw_only=True)
class Registers:
    """Templates that a platform's accounts register, and what operators can do with them here.

    `uses` reads a content, and `fields` the text of a template. `check` raises Invalid for a draft.
    `kinds` are the rules of values by the kinds of fields.
    """

    actions: Mapping[Sort, frozenset[Action]]
    uses: Callable[[Mapping[str, Any]], Sequence[Use]]
    fields: Callable[[str], tuple[Field, ...]] = lambda text: ()
    check: Callable[[Draft], None] = lambda draft: None
    kinds: Mapping[str, ValueKind] = field(default_factory=dict)

    def may(self, sort: Sort, action: Action) -> bool:
        return action in self.actions.get(sort, ())


@frozen
class Order:
    """A request to a provider about templates or signatures of an account.

    `ids` are the provider's. `after` is the last id that an earlier part has asked for. `images` is
    the number of the draft's images where they are kept apart from the order.
    """

    action: Action
    sort: Sort
    ids: tuple[str, ...] = ()
    draft: Draft | None = None
    keywords: tuple[int, ...] = ()
    scene: str = ""
    after: str = ""
    images: int = 0

    @property
    def is_once(self) -> bool:
        """Tell if a repeat would make another one, or be refused since the first is in review."""
        return self.action in (Action.CREATE, Action.CHANGE, Action.CHOOSE)


@frozen
class Report:
    """A provider's word on its review of a template or signature."""

    family: Family
    id: str
    review: Review
    reason: str = ""


@frozen
class Title:
    """A template of a provider's library. `category` is the number of the provider's."""

    id: str
    title: str
    is_long_term: bool = False
    category: str = ""


@frozen
class Keyword:
    """A keyword of a template of the library. It becomes a field of its kind."""

    number: int
    name: str
    example: str = ""
    kind: str = ""


@frozen
class Library:
    """A provider's library as an account sees it: titles, and keywords of those looked at."""

    code: str
    titles: tuple[Title, ...] = ()
    keywords: Mapping[str, tuple[Keyword, ...]] = field(default_factory=dict)
    synced: int = 0  # ms
    account: str = ""
    version: int = 1

    def with_keywords(self, id: str, keywords: Sequence[Keyword]) -> Library:
        """Return the library with the keywords of a template. The oldest ones make room."""
        others = {known: listed for known, listed in self.keywords.items() if known != id}
        kept = dict(list(others.items())[1 - MAX_KEYWORDS :])
        return replace(self, keywords={**kept, id: tuple(keywords)}, version=self.version + 1)


LIBRARIES = Kind[Library]("third_party_library", "library", key=lambda library: library.code)
