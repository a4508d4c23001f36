"""Prompts times targets."""

from __future__ import annotations

from pydantic import JsonValue

from evalbot.suites.items import Message
from evalbot.suites.pairing import cross_prompts, prompt_of, targets_named
from evalbot.suites.prompts import Prompt
from evalbot.suites.targets import Target, short_target

ONE, TWO = (Prompt(name, (Message("user", "{{ question }}"),)) for name in ("short", "long"))
MODEL, OTHER = Target("openai:m", "m", {"temperature": 0}), short_target("echo")


def test_with_one_prompt_nothing_changes() -> None:
    """A target alone is what results have always been kept by."""
    assert cross_prompts([MODEL, OTHER], [ONE]) == (MODEL, OTHER)
    assert prompt_of(MODEL, [ONE]) is ONE


def test_each_target_is_paired_with_each_prompt() -> None:
    """Two by two give four targets with labels and identities of their own, asked through two lines."""
    pairs = cross_prompts([MODEL, OTHER], [ONE, TWO])
    assert [pair.label for pair in pairs] == ["m (short)", "m (long)", "echo (short)", "echo (long)"]
    assert len({pair.identity for pair in pairs}) == 4
    assert len({pair.endpoint for pair in pairs}) == 2
    assert [prompt_of(pair, [ONE, TWO]) for pair in pairs] == [ONE, TWO, ONE, TWO]
    assert cross_prompts(pairs, [ONE, TWO]) == pairs


def test_a_name_stands_for_one_pair_or_for_all_of_a_target() -> None:
    """The label of a pair is that pair; label or id of the target are all its pairs; a target's label goes before an id."""
    pairs = cross_prompts([MODEL, OTHER], [ONE, TWO])
    assert targets_named(pairs, "m (long)") == (pairs[1],)
    assert targets_named(pairs, "m") == targets_named(pairs, "openai:m") == pairs[:2]
    assert targets_named(pairs, "x") == ()
    assert targets_named([Target("a:b", "a:c"), Target("a:c", "x")], "a:c") == (Target("a:b", "a:c"),)


def test_a_target_may_name_its_prompt() -> None:
    """Such a target is asked with that one alone, under its own label."""
    own = Target("openai:m", "m", prompt="long")
    assert cross_prompts([own], [ONE, TWO]) == (own,)
    assert prompt_of(own, [ONE, TWO]) is TWO


def test_identity_covers_system_text_and_parameters() -> None:
    """Another system text or parameter is another system; the label is not part of it."""
    same = Target("openai:m", "other name", {"temperature": 0})
    assert same.identity == MODEL.identity
    others: list[dict[str, JsonValue]] = [{"temperature": 1}, {"temperature": 0, "system": "Be brief."}, {}]
    for config in others:
        assert Target("openai:m", "m", config).identity != MODEL.identity
