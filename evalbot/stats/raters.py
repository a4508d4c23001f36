"""What several raters say together: consensus with its certainty, and how reliable each rater is.

Votes come as three equally long arrays: item and rater (0, 1, 2, ... without gaps expected, but allowed) and the label
code 0..labels-1. One vote per item and rater; drop earlier ones first. No model repairs a mistake most raters share.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evalbot.stats.intervals import Floats, Ints, sums_by

DIAGONAL_PRIOR = 2.0
OFF_DIAGONAL_PRIOR = 1.0
SKILL_PRIOR = (2.0, 1.0)
_TOLERANCE = 1e-7
_ROUNDS = 500


@dataclass(frozen=True, slots=True)
class Votes:
    """One vote per entry: item, rater and label codes of equal length, with the number of each."""

    item: Ints
    rater: Ints
    label: Ints
    items: int
    raters: int
    labels: int


@dataclass(frozen=True, slots=True)
class Consensus:
    """What the votes say of every item. posterior: items x labels, rows sum to 1 (uniform without a vote); label: the
    most probable code, -1 where two tie; prior: labels; confusion: raters x true label x given label, None for majority.
    """

    posterior: Floats
    label: Ints
    prior: Floats
    confusion: Floats | None
    rounds: int

    @property
    def entropy(self) -> Floats:
        """Doubt about every item, 0 (sure) to 1 (knows nothing)."""
        p = np.clip(self.posterior, 1e-300, 1.0)
        doubt: Floats = -(p * np.log(p)).sum(axis=1) / np.log(max(2, p.shape[1]))
        return doubt


def make_votes(item: npt.ArrayLike, rater: npt.ArrayLike, label: npt.ArrayLike, labels: int, items: int = 0) -> Votes:
    """Checked votes. items: at least so many, for items without a vote. Raises ValueError on doubled or unknown votes."""
    i, r, k = (np.asarray(part, dtype=np.int64).ravel() for part in (item, rater, label))
    if not i.size == r.size == k.size:
        raise ValueError("Items, raters and labels need equal lengths.")
    if i.size and (min(i.min(), r.min(), k.min()) < 0 or k.max() >= labels):
        raise ValueError(f"Codes start at 0 and labels stay below {labels}.")
    raters = int(r.max()) + 1 if r.size else 0
    if np.unique(i * max(raters, 1) + r).size < i.size:
        raise ValueError("A rater voted twice on an item; keep the last vote only.")
    return Votes(i, r, k, max(items, int(i.max()) + 1 if i.size else 0), raters, labels)


def majority(votes: Votes) -> Consensus:
    """Vote shares and the label with most votes; ties stay open."""
    counts = _label_counts(votes)
    totals = counts.sum(axis=1, keepdims=True)
    posterior = np.where(totals > 0, counts / np.maximum(totals, 1), 1 / votes.labels)
    prior = counts.sum(axis=0) / max(1.0, counts.sum())
    return Consensus(posterior, _most_probable(posterior), prior, None, 0)


def dawid_skene(votes: Votes) -> Consensus:
    """Consensus from one confusion matrix per rater, fitted by EM with pseudo-counts: 2 on the diagonal, 1 beside it.

    Starts at the majority, which keeps the labels from switching. Raters with few votes stay near the pseudo-counts.
    Source: Dawid & Skene 1979, doi:10.2307/2346806.
    """
    pseudo = np.full((votes.labels, votes.labels), OFF_DIAGONAL_PRIOR)
    np.fill_diagonal(pseudo, DIAGONAL_PRIOR)

    def confusion(posterior: Floats) -> Floats:
        counts = _confusion_counts(votes, posterior) + pseudo
        fitted: Floats = counts / counts.sum(axis=2, keepdims=True)
        return fitted

    return _expectation_maximisation(votes, confusion)


def one_coin(votes: Votes) -> Consensus:
    """Consensus from one share of right votes per rater, mistakes spread evenly; shares get a Beta(2, 1) prior.

    For raters with too few votes for a confusion matrix.
    Source: Dawid & Skene 1979, doi:10.2307/2346806, with equal off-diagonal rates; Zhang et al. 2016,
    jmlr.org/papers/v17/14-511.html.
    """
    others = max(1, votes.labels - 1)
    given = np.bincount(votes.rater, minlength=votes.raters)

    def confusion(posterior: Floats) -> Floats:
        right = sums_by(votes.rater, posterior[votes.item, votes.label], votes.raters)
        skill = (right + SKILL_PRIOR[0]) / (given + sum(SKILL_PRIOR))
        spread = np.repeat(((1 - skill) / others)[:, None, None], votes.labels, axis=1).repeat(votes.labels, axis=2)
        diagonal = np.arange(votes.labels)
        spread[:, diagonal, diagonal] = skill[:, None]
        return spread

    return _expectation_maximisation(votes, confusion)


def ordinal_median(scores: npt.ArrayLike) -> Floats:
    """The median score of every item; scores: items x raters with NaN for missing; NaN for an item without scores."""
    matrix = np.asarray(scores, dtype=np.float64)
    result = np.full(len(matrix), np.nan)
    rated = ~np.isnan(matrix).all(axis=1)
    result[rated] = np.nanmedian(matrix[rated], axis=1)
    return result


def calibrated_mean(scores: npt.ArrayLike, prior_scores: float = 5.0) -> Floats:
    """The mean score of every item after taking out how strict each rater is; NaN for an item without scores.

    scores: items x raters with NaN for missing. A rater's offset is shrunk as if he had given `prior_scores` more
    scores without one; offsets and item means are solved together, so raters of harder items are not called strict.
    Source: Searle, Casella & McCulloch 1992, Variance Components, chapter 7, doi:10.1002/9780470316856.
    """
    matrix = np.asarray(scores, dtype=np.float64)
    seen = ~np.isnan(matrix)
    x = np.where(seen, matrix, 0.0)
    per_item, per_rater = seen.sum(axis=1), seen.sum(axis=0)
    offsets = np.zeros(matrix.shape[1])
    for _ in range(_ROUNDS):
        means = (x.sum(axis=1) - seen @ offsets) / np.maximum(per_item, 1)
        updated = (x.sum(axis=0) - means @ seen) / (per_rater + prior_scores)
        moved = float(np.abs(updated - offsets).max(initial=0.0))
        offsets = updated
        if moved < _TOLERANCE:
            break
    means = (x.sum(axis=1) - seen @ offsets) / np.maximum(per_item, 1)
    return np.where(per_item > 0, means, np.nan)


def leave_one_out_agreement(votes: Votes) -> Floats:
    """Per rater the share of votes that equal the others' majority, with a Beta(2, 1) prior; ties count half.

    Votes on items nobody else rated are left out; a rater without any keeps the prior mean 2/3.
    """
    others = _label_counts(votes)[votes.item]
    others[np.arange(votes.item.size), votes.label] -= 1
    best = others.max(axis=1, initial=0.0)
    leaders = (others == best[:, None]).sum(axis=1)
    hit = (others[np.arange(votes.item.size), votes.label] == best) / np.maximum(leaders, 1)
    counted = (best > 0).astype(np.float64)
    right = sums_by(votes.rater, hit * counted, votes.raters)
    total = sums_by(votes.rater, counted, votes.raters)
    return (right + SKILL_PRIOR[0]) / (total + sum(SKILL_PRIOR))


def _label_counts(votes: Votes) -> Floats:
    cells = sums_by(votes.item * votes.labels + votes.label, np.ones(votes.item.size), votes.items * votes.labels)
    return cells.reshape(votes.items, votes.labels)


def _confusion_counts(votes: Votes, posterior: Floats) -> Floats:
    """Expected counts, raters x true label x given label."""
    cell = votes.rater * votes.labels + votes.label
    size = votes.raters * votes.labels
    columns = [sums_by(cell, posterior[votes.item, k], size) for k in range(votes.labels)]
    return np.stack(columns, axis=0).reshape(votes.labels, votes.raters, votes.labels).transpose(1, 0, 2)


def _expectation_maximisation(votes: Votes, confusion: Callable[[Floats], Floats]) -> Consensus:
    """Alternate confusion matrices and posteriors until no probability moves by more than 1e-7."""
    posterior = majority(votes).posterior
    rounds = 0
    for rounds in range(1, _ROUNDS + 1):  # noqa: B007  (the last round is reported)
        fitted = confusion(posterior)
        prior = (posterior.sum(axis=0) + 1) / (votes.items + votes.labels)
        updated = _posterior(votes, prior, fitted)
        moved = float(np.abs(updated - posterior).max(initial=0.0))
        posterior = updated
        if moved < _TOLERANCE:
            break
    return Consensus(posterior, _most_probable(posterior), prior, fitted, rounds)


def _posterior(votes: Votes, prior: Floats, confusion: Floats) -> Floats:
    logs = np.log(confusion)[votes.rater, :, votes.label]
    columns = [sums_by(votes.item, logs[:, k], votes.items) for k in range(votes.labels)]
    total = np.stack(columns, axis=1) + np.log(prior)
    total -= total.max(axis=1, keepdims=True)
    weights = np.exp(total)
    normal: Floats = weights / weights.sum(axis=1, keepdims=True)
    return normal


def _most_probable(posterior: Floats) -> Ints:
    best = posterior.max(axis=1, keepdims=True)
    tied = (posterior >= best - 1e-9).sum(axis=1) > 1
    return np.where(tied, -1, posterior.argmax(axis=1)).astype(np.int64)
