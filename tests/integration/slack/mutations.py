"""Payloads changed at random, as a careless proxy, a new version of Slack or an enemy might send them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1e308,
    2**80,
    "",
    " ",
    "payload",
    "x" * 5_000,
    "\x00",
    "\ud800",
    "\u202e<!channel>",
    "{}",
    '["grade","x",99]',
    [],
    [[]],
    [None],
    {},
    {"id": None},
    {"id": ["U1"]},
    {"type": "block_actions"},
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the path of everything within a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield (*path, name)
        yield from _places(one, (*path, name))


def change(payload: dict[str, Any], rng: Random) -> dict[str, Any]:
    """Give a copy of a payload in which up to three things are replaced, removed, renamed or nested."""
    changed: dict[str, Any] = json.loads(json.dumps(payload))
    for _ in range(rng.randint(1, 3)):
        places = list(_places(changed))
        if not places:
            return changed
        # Shallow places are as likely as deep ones: most of a payload is the inside of blocks that nobody reads.
        depth = rng.choice(sorted({len(path) for path in places}))
        _change_at(changed, rng.choice([path for path in places if len(path) == depth]), rng)
    return changed


def _change_at(payload: dict[str, Any], path: tuple[Any, ...], rng: Random) -> None:
    """Change one thing."""
    *way, last = path
    parent: Any = payload
    for step in way:
        parent = parent[step]
    kind = rng.randrange(5)
    if kind == 0:
        del parent[last]
    elif kind == 1 and isinstance(parent, dict):
        parent[rng.choice(["type", "payload", "command", "event", "user", "", str(last).upper()])] = parent.pop(last)
    elif kind == 2:
        parent[last] = [parent[last]]
    elif kind == 3:
        parent[last] = {"type": parent[last], "event": parent[last]}
    else:
        parent[last] = rng.choice(ODD)


def scramble(body: bytes, rng: Random) -> bytes:
    """Give a body in which some bytes are changed, dropped, doubled or cut off."""
    place = rng.randrange(len(body) + 1)
    piece = bytes(rng.randrange(256) for _ in range(rng.randint(1, 4)))
    return rng.choice(
        [
            body[:place],
            body[:place] + piece + body[place:],
            body[:place] + piece + body[place + len(piece) :],
            body[:place] + body[place:] * 2,
            b"[" * rng.randint(1, 3_000) + body,
            body.replace(b"%22", b'"', 3),
            piece * rng.randint(1, 500),
        ]
    )
