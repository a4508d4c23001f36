"""Run against run, paired on the items that both answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evalbot.reporting.estimates import FEWEST, OVERALL, Change
from evalbot.reporting.scores import OutputScore, item_values, passing
from evalbot.stats.multiplicity import benjamini_hochberg
from evalbot.stats.pairs import Comparison, compare_pairs
from evalbot.stats.verdicts import decide
from evalbot.suites.items import ItemId

MARGIN = 0.05
"""A difference that lies within this many points (as a share) counts as none."""

FALSE_SHARE = 0.10
"""How many of the skills called better or worse in one comparison may be so by chance, as a share."""


def compare_scores(
    before: Sequence[OutputScore],
    after: Sequence[OutputScore],
    skill_of: Mapping[ItemId, str | None],
    target: str,
    against: str,
) -> list[Change]:
    """Compare two sets of scored outputs item by item, overall first and then by skill; too few shared items give no row.

    The skills are tested as one family: of those called better or worse a tenth may be by chance (Benjamini-Hochberg).
    """
    old = item_values((score for score in before if score.complete), passing)
    new = item_values((score for score in after if score.complete), passing)
    shared = [item_id for item_id in new if item_id in old]
    by_skill: dict[str, list[ItemId]] = {}
    for item_id in shared:
        by_skill.setdefault(skill_of.get(item_id) or "", []).append(item_id)
    skills = [name for name in sorted(by_skill) if name and len(by_skill[name]) >= FEWEST]
    if len(shared) < FEWEST:
        return []
    overall, *compared = (_compare(old, new, ids) for ids in (shared, *(by_skill[name] for name in skills)))
    adjusted = benjamini_hochberg([one.p for one in compared])
    rows = [_change(overall, overall.p, OVERALL, target, against)]
    for name, one, q in zip(skills, compared, adjusted, strict=True):
        rows.append(_change(one, one.p if q <= FALSE_SHARE else 1.0, name, target, against))
    return rows


def _compare(old: Mapping[ItemId, float], new: Mapping[ItemId, float], ids: Sequence[ItemId]) -> Comparison:
    """Compare one group of items."""
    rng = np.random.default_rng(len(ids))
    return compare_pairs([old[one] for one in ids], [new[one] for one in ids], rng)


def _change(compared: Comparison, p: float, skill: str, target: str, against: str) -> Change:
    """Give the change that a comparison shows when it is judged by a p-value."""
    measured, decision = compared.difference, decide(compared.difference, MARGIN, p)
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
