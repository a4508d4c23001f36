"""Finding the files that a project's files name, never outside the project."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from evalbot.library.documents import Document, FieldPath, Problem, refusal, shorten

SCHEME = "file://"
MAX_FILES = 200
"""Most files that one pattern may stand for."""

_SANE = re.compile(r"[^\x00-\x1f\\~:|<>\"]{1,300}")


@dataclass(frozen=True, slots=True)
class Mention:
    """Where a file is mentioned: in which document, at which field, and the folder of that document's file."""

    document: Document
    path: FieldPath
    near: Path


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """A project folder and the shipped one behind it; what is not in the first is looked for in the second."""

    folder: Path
    shipped: Path | None = None

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders, first choice first, with links resolved."""
        given = (self.folder,) if self.shipped is None else (self.folder, self.shipped)
        return tuple(dict.fromkeys(root.resolve() for root in given))

    def name_of(self, path: Path) -> str:
        """Give what errors call a file: its path within the project."""
        for root in self.roots:
            for form in (path, path.resolve()):
                if form.is_relative_to(root):
                    return form.relative_to(root).as_posix()
        return path.name

    def holds(self, path: Path) -> bool:
        """Tell whether a path, links followed, lies in one of the folders."""
        return any(path.resolve().is_relative_to(root) for root in self.roots)

    def listed(self, *patterns: str) -> list[Path]:
        """Give the files of the project folder itself that match, sorted by name; links that lead outside are left out."""
        found = {path for pattern in patterns for path in self.folder.glob(pattern)}
        return sorted(path for path in found if path.is_file() and self.holds(path))

    def find(self, written: str, mention: Mention) -> Path:
        """Give the one file that `file://...` names; raises BadFile at the mention."""
        relative = self._relative(written, mention)
        for root in self._bases(mention.near):
            path = root / relative
            if path.is_file():
                if not self.holds(path):
                    raise _refused(mention, "leads out of the project folder")
                return path
        raise _refused(mention, f"there is no file `{shorten(relative)}` in the project")

    def find_all(self, written: str, mention: Mention) -> list[Path]:
        """Give the files that a `file://` pattern with `*` names, sorted; raises BadFile at the mention when there are none."""
        relative = self._relative(written, mention)
        if not any(char in relative for char in "*?["):
            return [self.find(written, mention)]
        if "**" in relative:
            raise _refused(mention, "`**` is not allowed; name the folder")
        for root in self._bases(mention.near):
            found = [path for path in sorted(root.glob(relative)) if path.is_file()]
            if len(found) > MAX_FILES:
                raise _refused(mention, f"the pattern stands for more than {MAX_FILES} files")
            if any(not self.holds(path) for path in found):
                raise _refused(mention, "leads out of the project folder")
            if found:
                return found
        raise _refused(mention, f"no file of the project matches `{shorten(relative)}`")

    def _relative(self, written: str, mention: Mention) -> str:
        """Give the path that follows `file://`, refused unless it is relative and goes down only."""
        relative = written.removeprefix(SCHEME).removeprefix("./")
        if relative.startswith("/") or ".." in relative.split("/"):
            raise _refused(mention, "files are named by their path inside the project, without `..` or a leading `/`")
        if not _SANE.fullmatch(relative):
            raise _refused(mention, "is not a usable file name")
        return relative

    def _bases(self, near: Path) -> list[Path]:
        """Give the folders to look in: beside the file that mentions, its own project, the other one."""
        home = [root for root in self.roots if near.resolve().is_relative_to(root)]
        return list(dict.fromkeys([near, *home, *self.roots]))


def _refused(mention: Mention, text: str) -> Exception:
    return refusal(mention.document, [Problem(mention.path, text)])
