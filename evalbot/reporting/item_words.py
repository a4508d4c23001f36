"""A word for each of many items, such as its skill, kept in few bytes each."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from typing import TypeVar, overload

from evalbot.suites.items import ItemId

T = TypeVar("T")


class ItemWords(Mapping[ItemId, str]):
    """The words of items that `codes` numbers from 0; there are few different ones."""

    def __init__(self, codes: Mapping[ItemId, int]) -> None:
        self._codes = codes
        self._words: dict[str, int] = {}
        self._names: list[str] = []
        self._of = array("i", [-1]) * len(codes)

    def put(self, code: int, word: str) -> None:
        """Give the item of a code its word."""
        place = self._words.setdefault(word, len(self._names))
        if place == len(self._names):
            self._names.append(word)
        self._of[code] = place

    def _code(self, item: object) -> int:
        """Give the code of an item's word, -1 for none."""
        place = self._codes.get(item, -1)  # type: ignore[call-overload]  # any key may be asked for, as of every mapping
        return self._of[place] if 0 <= place < len(self._of) else -1

    def __getitem__(self, item: ItemId) -> str:
        code = self._code(item)
        if code < 0:
            raise KeyError(item)
        return self._names[code]

    @overload
    def get(self, item: ItemId, default: None = None, /) -> str | None: ...
    @overload
    def get(self, item: ItemId, default: str | T, /) -> str | T: ...
    def get(self, item: ItemId, default: str | T | None = None, /) -> str | T | None:
        """Give the word of an item, without the cost of an error where it has none."""
        code = self._code(item)
        return default if code < 0 else self._names[code]

    def __contains__(self, item: object) -> bool:
        return self._code(item) >= 0

    def __iter__(self) -> Iterator[ItemId]:
        return (item for item, code in zip(self._codes, self._of, strict=False) if code >= 0)

    def __len__(self) -> int:
        return sum(code >= 0 for code in self._of)

    def __bool__(self) -> bool:
        return bool(self._names)
