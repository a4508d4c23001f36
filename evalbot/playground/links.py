"""The links in a message that an app may unfurl."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from evalbot.playground.typed_text import unescape

_LINK = re.compile(r"<(https?://[^<>|]+)(?:\|[^<>]*)?>")


def links_in(text: str, domains: Iterable[str]) -> list[dict[str, str]]:
    """Return the links of a Slack text to these domains or hosts below them, as link_shared names them."""
    found = []
    for match in _LINK.finditer(text):
        url = unescape(match[1])
        host = urlsplit(url).hostname or ""
        domain = next((one for one in domains if host == one or host.endswith(f".{one}")), None)
        if domain is not None:
            found.append({"domain": domain, "url": url})
    return found
