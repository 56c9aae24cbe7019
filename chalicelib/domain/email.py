"""What a mail's content says of itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TAGS = re.compile(
    r"<(!doctype|html|body|head|p|div|span|br|a|table|h[1-6]|img|b|i|em|strong|ul|ol|font|center)(?=[\s/>])[^<>]{0,4000}>",
    re.IGNORECASE,
)


def is_html(content: Mapping[str, Any]) -> bool:
    """Whether `text` is HTML: as `html` says, else by its tags.

    Decided before values are filled in, and said where it would be another afterwards: what somebody wrote into a variable turns no
    text into HTML.
    """
    said = content.get("html")
    return (
        said if isinstance(said, bool) else _TAGS.search(str(content.get("text", ""))) is not None
    )
