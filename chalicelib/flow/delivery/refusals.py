"""Refusals of a whole call because of somebody in it, so that the others are not lost.

Such an answer says for certain that nothing was sent. Who is named is lost, and the others go on
as the next attempt. Where nobody is named, they go on in two calls. A call of 1,000 with one bad
contact takes about 20 requests more. No call takes more than two for each of its contacts.
"""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.provider_io import Outcome

WHOLE_TRIES = 3  # answers that may name somebody. Then the others are halved all the same.


def goes_on_in_halves(outcomes: Sequence[Outcome], tries: int) -> bool:
    """Tell if what an answer refused together goes on in two calls. `tries`: earlier answers."""
    refused = sum(outcome.together for outcome in outcomes)
    has_settled = any(not outcome.later for outcome in outcomes)
    return refused > 1 and (tries >= WHOLE_TRIES or not has_settled)
