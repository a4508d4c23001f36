"""Run against run, paired on the items that both answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evalbot.reporting.estimates import FEWEST, OVERALL, Change
from evalbot.reporting.scores import OutputScore, item_values, passing
from evalbot.stats.pairs import compare_pairs
from evalbot.stats.verdicts import decide
from evalbot.suites.items import ItemId

MARGIN = 0.05
"""A difference that lies within this many points (as a share) counts as none."""


def compare_scores(
    before: Sequence[OutputScore],
    after: Sequence[OutputScore],
    skill_of: Mapping[ItemId, str | None],
    target: str,
    against: str,
) -> list[Change]:
    """Compare two sets of scored outputs item by item, overall first and then by skill; too few shared items give no row."""
    old = item_values((score for score in before if score.complete), passing)
    new = item_values((score for score in after if score.complete), passing)
    shared = [item_id for item_id in new if item_id in old]
    by_skill: dict[str, list[ItemId]] = {}
    for item_id in shared:
        by_skill.setdefault(skill_of.get(item_id) or "", []).append(item_id)
    groups = [(OVERALL, shared), *((name, by_skill[name]) for name in sorted(by_skill) if name)]
    return [_change(old, new, ids, name, target, against) for name, ids in groups if len(ids) >= FEWEST]


def _change(
    old: Mapping[ItemId, float],
    new: Mapping[ItemId, float],
    ids: Sequence[ItemId],
    skill: str,
    target: str,
    against: str,
) -> Change:
    """Give the change on one group of items."""
    rng = np.random.default_rng(len(ids))
    compared = compare_pairs([old[one] for one in ids], [new[one] for one in ids], rng)
    decision = decide(compared.difference, MARGIN, compared.p)
    measured = compared.difference
    return Change(
        target,
        against,
        skill,
        measured.value,
        measured.lower,
        measured.upper,
        measured.n,
        decision.verdict,
        decision.needed,
    )
