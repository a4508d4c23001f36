"""Code of the project folder: functions and runnables named `module:name`, loaded from files inside the folder only."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
import threading
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from evalbot.errors import BadRequest, ModelUnavailable

_NAMED = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z]\w*)", re.ASCII)
_FUNCTIONS = type(sys.exit) | type(lambda: None)


class ProjectCode:
    """The code of one project folder; each of its files is run once as long as it stays the same."""

    def __init__(self, folder: Path) -> None:
        self._root = folder.resolve()
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def find(self, name: str) -> Path:
        """Give the file of `module:name` inside the folder, not run yet; raises BadRequest for anything else."""
        found = _NAMED.fullmatch(name)
        if not found:
            raise BadRequest(f"`{name[:80]}` is not written `module:function`.", "Write it like `support_bot:answer`.")
        stem = self._root.joinpath(*found[1].split("."))
        for path in (stem.with_suffix(".py"), stem / "__init__.py"):
            if path.is_file() and path.resolve().is_relative_to(self._root):
                return path.resolve()
        wanted = found[1].replace(".", "/")
        raise BadRequest(f"There is no file {wanted[:100]}.py in the project folder.", "Check the name of the module.")

    def load(self, name: str) -> Any:
        """Run the file of `module:name` and give what it calls by that name; raises ModelUnavailable when that cannot be used.

        What the file itself only imports is not to be had: the name has to be made there.
        """
        path = self.find(name)
        module = self._module(path)
        wanted = name.partition(":")[2]
        found = getattr(module, wanted, None)
        if found is None:
            raise _broken(f"{path.name} has no {wanted}.")
        made_there = getattr(found, "__module__", module.__name__) == module.__name__
        if not made_there and isinstance(found, type | _FUNCTIONS):
            raise _broken(f"{wanted} is only imported by {path.name}; define it there.")
        return found

    def _module(self, path: Path) -> ModuleType:
        """Give the module of a file; two threads never run the same file at once, or one would see it half made."""
        digest = hashlib.blake2b(f"{path}\n{path.stat().st_mtime_ns}".encode(), digest_size=8).hexdigest()
        name = f"evalbot_project_{digest}"
        with self._guard:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            return sys.modules[name] if name in sys.modules else self._run(path, name)

    def _run(self, path: Path, name: str) -> ModuleType:
        """Run a file as a module."""
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise _broken(f"{path.name} is no Python module.")
        if str(self._root) not in sys.path:
            sys.path.append(str(self._root))  # the project's modules may import each other
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            del sys.modules[name]
            raise _broken(f"{path.name} could not be loaded: {place_of(error, path)}.") from None
        return module


def place_of(error: BaseException, path: Path) -> str:
    """Name an exception and the line of a file where it came from, without its words: they may hold anything."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    line = error.lineno if isinstance(error, SyntaxError) else frames[-1].lineno if frames else None
    return f"{type(error).__name__} in line {line}" if line else type(error).__name__


def _broken(what: str) -> ModelUnavailable:
    return ModelUnavailable(what, "Mend the project's code.", kind="code")
