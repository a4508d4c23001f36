"""Errors: one tree, drawn at the top of its module, with a sentence and what to do next."""

import pytest

from evalbot import errors
from evalbot.errors import BadRequest, EvalbotError, ModelUnavailable


def tree_of(cls: type[EvalbotError], depth: int = 0) -> list[tuple[int, str]]:
    """List a class and the classes below it that the module defines, with their depth."""
    below = [one for one in cls.__subclasses__() if one.__module__ == errors.__name__]
    return [(depth, cls.__name__), *(line for one in below for line in tree_of(one, depth + 1))]


def test_the_drawn_tree_is_the_real_one() -> None:
    """The module's docstring names every class in its place, and nothing else."""
    lines = [line for line in (errors.__doc__ or "").splitlines()[1:] if line.strip()]
    drawn = [((len(line) - len(line.lstrip())) // 4, line.split()[0]) for line in lines]
    assert drawn == tree_of(EvalbotError)


def test_every_class_says_what_it_stands_for() -> None:
    """Each error has a docstring of one sentence."""
    for _, name in tree_of(EvalbotError):
        assert (getattr(errors, name).__doc__ or "").strip().endswith(".")


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (BadRequest("No.", "Try yes."), "No. Try yes."),
        (BadRequest("No."), "No."),
        (ModelUnavailable("It is busy.", kind="rate_limit", retry_after_s=3.0), "It is busy."),
    ],
)
def test_text_of_an_error_is_message_and_hint(error: EvalbotError, shown: str) -> None:
    """What people read is the sentence and what to do next, without a blank end."""
    assert str(error) == shown


def test_model_errors_carry_a_kind() -> None:
    """The reason of a missing answer can be told apart by machines."""
    assert (ModelUnavailable("x").kind, ModelUnavailable("x", kind="timeout").retry_after_s) == ("error", None)
