"""Packages that compute the same numbers another way."""

from __future__ import annotations

import importlib
from typing import Any


def package(name: str) -> Any:
    """Give a package or module by name, imported late: together they cost every program that collects the tests seconds."""
    return importlib.import_module(name)
