"""The format of a mail's content."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TAGS = (  # compiled when a mail is the first to need it
    r"<(!doctype|html|body|head|p|div|span|br|a|table|h[1-6]|img|b|i|em|strong|ul|ol|font|center)"
    r"(?=[\s/>])[^<>]{0,4000}>"
)


def is_html(content: Mapping[str, Any]) -> bool:
    """Return whether `text` is HTML: `html` decides, else the tags in the text.

    Decide this before values are filled in, and store the decision in `html`. A value with tags
    must not turn a plain text into HTML.
    """
    html = content.get("html")
    if isinstance(html, bool):
        return html
    return re.search(_TAGS, str(content.get("text", "")), re.IGNORECASE) is not None
