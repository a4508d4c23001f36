"""Claims on runs: of the processes on one machine that share a database, one carries a run out."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from pathlib import Path

from evalbot.runs.outputs import RunId


class RunClaims:
    """Claims by locked files in a folder, which the system takes back when a process dies, however it dies.

    Whoever shares the database has to name the same folder. It is made with the first claim and goes with the last.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[RunId, int] = {}

    def take(self, run_id: RunId) -> bool:
        """Claim a run; False while another process has it."""
        if run_id in self._held:
            return True
        handle = self._locked(self._path(run_id))
        if handle is not None:
            self._held[run_id] = handle
        return handle is not None

    def release(self, run_id: RunId) -> None:
        """Give a claim back."""
        handle = self._held.pop(run_id, None)
        if handle is not None:
            self._path(run_id).unlink(missing_ok=True)
            os.close(handle)
            with contextlib.suppress(OSError):  # another run is claimed
                self._folder.rmdir()

    def _locked(self, path: Path) -> int | None:
        """Open and lock a file, None while another process has it. A file that was taken away meanwhile locks nobody out."""
        while True:
            handle = self._opened(path)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                return None
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), path.stat()):
                    return handle
            os.close(handle)

    def _opened(self, path: Path) -> int:
        """Open a file of the folder, which another process may be taking away."""
        while True:
            with contextlib.suppress(FileExistsError):
                self._folder.mkdir()
            with contextlib.suppress(FileNotFoundError):
                return os.open(path, os.O_RDWR | os.O_CREAT, 0o660)

    def _path(self, run_id: RunId) -> Path:
        """Give the lock file of a run."""
        return self._folder / hashlib.blake2b(run_id.encode(), digest_size=10).hexdigest()
