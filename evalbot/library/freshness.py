"""Whether the files of a project have changed since they were read."""

from __future__ import annotations

from pathlib import Path

PATTERNS = ("suites/**/*", "rubrics/*", "prompts/**/*", "items/**/*")

Fingerprint = frozenset[tuple[str, int, int]]
"""Path, time of the last change in nanoseconds and size of every file."""


def fingerprint(folder: Path) -> Fingerprint:
    """Give what tells two states of a project's files apart; files that vanish meanwhile are left out."""
    found = set()
    for pattern in PATTERNS:
        for path in folder.glob(pattern):
            try:
                stat = path.stat()
            except OSError:
                continue
            if path.is_file():
                found.add((str(path), stat.st_mtime_ns, stat.st_size))
    return frozenset(found)
