"""Shared evaluation data for the statistics tests: kept beside the checkout, skipped loudly when it is missing."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

DATA = Path(__file__).parents[3] / ".." / "shared" / "data"
Table = dict[str, list[str]]


def _needed(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"SKIPPED FOR MISSING DATA: {name} is not in the shared folder beside the checkout")
    return path


@pytest.fixture(scope="session")
def reference() -> dict[str, Any]:
    """Numbers computed by other implementations on the shared data."""
    loaded: dict[str, Any] = json.loads(_needed("reference.json").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="session")
def table() -> Callable[[str], Table]:
    """A function that reads a shared CSV file into columns of text."""

    def read(name: str) -> Table:
        with _needed(name).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return {column: [row[column] for row in rows] for column in rows[0]}

    return read


@pytest.fixture
def rng() -> np.random.Generator:
    """A seeded generator, the same for every test."""
    return np.random.default_rng(20240)
