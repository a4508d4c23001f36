"""Prompts times targets: a suite with several prompts puts each of them to every target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evalbot.suites.prompts import Prompt
from evalbot.suites.targets import Target


def cross_prompts(targets: Sequence[Target], prompts: Sequence[Prompt]) -> tuple[Target, ...]:
    """Give one target for every pair of a target and a prompt, in that order; with a single prompt nothing changes.

    A target that names its prompt itself stays as it is. The label of a pair says both, so that results, which are kept by
    label, keep the pairs apart.
    """
    if len(prompts) < 2:
        return tuple(targets)
    return tuple(pair for target in targets for pair in ([target] if target.prompt else _pairs(target, prompts)))


def _pairs(target: Target, prompts: Sequence[Prompt]) -> list[Target]:
    return [replace(target, label=f"{target.label} ({one.name})", prompt=one.name) for one in prompts]


def names_of(target: Target) -> tuple[str, ...]:
    """Give what a target may be called: its label, its id, and of a pair the label that its target has alone."""
    alone = target.label.removesuffix(f" ({target.prompt})") if target.prompt else target.label
    return tuple(dict.fromkeys((target.label, alone, target.id)))


def targets_named(targets: Sequence[Target], name: str) -> tuple[Target, ...]:
    """Give the target of a label, else those that go by the name in another way: all pairs of a target with its prompts."""
    exact = tuple(target for target in targets if target.label == name)
    return exact or tuple(target for target in targets if name in names_of(target))


def prompt_of(target: Target, prompts: Sequence[Prompt]) -> Prompt:
    """Give the prompt that a target is asked with: the one it names, else the first."""
    return next((one for one in prompts if one.name == target.prompt), prompts[0])
