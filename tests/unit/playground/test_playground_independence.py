"""The playground stands alone: it knows nothing of the product it is used to test."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import evalbot.playground

ALLOWED = {"starlette", "uvicorn", "websockets", "aiohttp", "pydantic", "rapidfuzz"}


def imports_of(path: Path) -> Iterator[str]:
    """Give every module that a file imports."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_playground_imports_only_itself_and_a_few_packages() -> None:
    """No module of the playground imports another part of evalbot or an unlisted package."""
    root = Path(evalbot.playground.__path__[0])
    strangers = [
        f"{path.name}: {name}"
        for path in root.rglob("*.py")
        for name in imports_of(path)
        if not name.startswith("evalbot.playground")
        and name.partition(".")[0] not in ALLOWED
        and name.partition(".")[0] not in sys.stdlib_module_names
    ]
    assert strangers == []
