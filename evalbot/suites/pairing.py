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


def prompt_of(target: Target, prompts: Sequence[Prompt]) -> Prompt:
    """Give the prompt that a target is asked with: the one it names, else the first."""
    return next((one for one in prompts if one.name == target.prompt), prompts[0])
