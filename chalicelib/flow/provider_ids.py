"""Ids and codes of providers as they are stored, shown and logged: without a contact.

Some vendors name a delivery by the number that it went to. Every id passes here on its way from a
provider into the ledger, and from a receipt to its lookup. An id may also spell a contact by
chance, and many receipts do not tell a contact. So a receipt is looked up under both names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from chalicelib import observability
from chalicelib.domain.errors import ProviderError
from chalicelib.domain.provider_io import (
    Answer,
    Outcome,
    OutgoingCall,
    Receipt,
    ReceiptKind,
    derived_name,
    reported_name,
)
from chalicelib.observability import log
from chalicelib.ports import Vault

_NAME = re.compile(r"[^ |]+")
_HIDDEN = re.compile(r"\*[0-9a-f]{16}")
LEAST = 8  # characters of a contact that an id can hold, and not by chance
MASK = "***"
HASHED = 16  # hex digits: 64 bits tell the deliveries of an account apart


def of_answer(vault: Vault, call: OutgoingCall, answer: Answer) -> Answer:
    """Conceal the contacts in the ids of a call and of its deliveries."""
    contacts = [recipient.contact for recipient in call.recipients]
    outcomes = [
        replace(
            outcome,
            provider_id=concealed(vault, outcome.provider_id, [contact]),
            code=masked(outcome.code, contact),
        )
        if outcome.provider_id or outcome.code
        else outcome
        for outcome, contact in zip(answer.outcomes, contacts, strict=True)
    ]
    of_call = answer.provider_id
    if of_call and len(contacts) == 1:  # an id of many names none of them, except by chance
        of_call = concealed(vault, of_call, contacts)
    return replace(answer, outcomes=outcomes, provider_id=of_call)


def of_recall(outcomes: Sequence[Outcome], contacts: Sequence[str]) -> list[Outcome]:
    """Mask the contacts in the codes of a recall, which has no other ids."""
    return [
        replace(outcome, code=masked(outcome.code, contact)) if outcome.code else outcome
        for outcome, contact in zip(outcomes, contacts, strict=True)
    ]


@contextmanager
def of_error(contacts: Iterable[str]) -> Iterator[None]:
    """Mask the contacts in the code of a provider's error, which may be any text of a vendor."""
    try:
        yield
    except ProviderError as error:
        if any(_holds(error.code, contact) for contact in contacts):
            error.code = MASK
            error.args = (MASK,)
        raise


def of_receipt(receipt: Receipt) -> Receipt:
    """Mask the contact in a code.

    The id stays as it is. Unsealed, it is never stored as it is: see `names` and `hidden`.
    """
    return replace(receipt, code=masked(receipt.code, receipt.contact))


def concealed(vault: Vault, provider_id: str, contacts: Iterable[str]) -> str:
    """Return the id with a keyed hash in the place of a contact.

    The hash covers the whole name, so that two messages to somebody have nothing in common.
    """
    if any(_holds(provider_id, contact) for contact in contacts):
        return _NAME.sub(lambda name: _concealed(vault, name[0]), provider_id)
    return provider_id


def _concealed(vault: Vault, name: str) -> str:
    plain = reported_name(name)
    return name.removesuffix(plain) + hidden(vault, plain)


def hidden(vault: Vault, name: str) -> str:
    """Return the keyed hash of a name, or the name if it is such a hash already.

    It is the same for whoever knows the name, whether it was concealed or not.
    """
    return name if _HIDDEN.fullmatch(name) else f"*{_hash(vault, name)}"


def names(vault: Vault, receipt: Receipt) -> Sequence[str]:
    """Return the names under which a submission may have a receipt's id, the certain ones first."""
    certain = (receipt.provider_id, hidden(vault, receipt.provider_id))
    return (*certain, *map(derived_name, certain)) if receipt.may_be_derived else certain


def masked(code: str, contact: str) -> str:
    """Return a vendor's code, or a mask if the vendor has written the contact in its place."""
    return MASK if _holds(code, contact) else code


def _holds(text: str, contact: str) -> bool:
    """Tell if a text spells a contact. Of a number, its last digits are in every spelling."""
    core = contact[-LEAST:] if contact.removeprefix("+").isdigit() else contact
    return len(core) >= LEAST and core.lower() in text.lower()


def _hash(vault: Vault, text: str) -> str:
    return vault.mac("provider id", text.encode("utf-8", "surrogatepass")).hex()[:HASHED]


def report_unknown(code: str, receipts: Sequence[Receipt]) -> None:
    """Log and count the statuses that are in no provider's table of codes."""
    unknown = [receipt.code for receipt in receipts if receipt.kind is ReceiptKind.OTHER]
    if unknown:
        codes = sorted(set(unknown))[:10]
        fields = {"channel": code, "receipts": len(unknown), "codes": codes}
        log.warning("status_unknown", extra=fields)
        observability.metric("status_unknown", len(unknown))
