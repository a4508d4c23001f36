"""Claims on runs: of the processes on one machine that share a database, one carries a run out."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from pathlib import Path

from evalbot.runs.outputs import RunId


class RunClaims:
    """Claims by file locks, which the system takes back when a process dies, however it dies."""

    def __init__(self, database_url: str) -> None:
        digest = hashlib.blake2b(database_url.encode(), digest_size=8).hexdigest()
        self._folder = Path(tempfile.gettempdir()) / f"evalbot-{os.getuid()}-{digest}"
        self._held: dict[RunId, int] = {}

    def take(self, run_id: RunId) -> bool:
        """Claim a run; False while another process has it."""
        if run_id in self._held:
            return True
        self._folder.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(self._path(run_id), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return False
        self._held[run_id] = handle
        return True

    def release(self, run_id: RunId) -> None:
        """Give a claim back."""
        handle = self._held.pop(run_id, None)
        if handle is not None:
            self._path(run_id).unlink(missing_ok=True)
            os.close(handle)

    def _path(self, run_id: RunId) -> Path:
        """Give the lock file of a run."""
        return self._folder / hashlib.blake2b(run_id.encode(), digest_size=10).hexdigest()
