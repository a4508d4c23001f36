"""Grades in CSV files analysed from the command line: the files read, the analysis printed as tables or JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from evalbot.errors import BadFile
from evalbot.library.documents import refuse
from evalbot.library.file_text import decode_text, read_bytes
from evalbot.reporting.analysis import analyze_grades
from evalbot.reporting.analysis_consensus import DAWID_SKENE, FEWEST_FOR_AGREEMENT
from evalbot.reporting.analysis_judge import FEWEST_PAIRS
from evalbot.reporting.analysis_records import (
    Agreement,
    Analysis,
    ConsensusMethod,
    CriterionAnalysis,
    JudgeHelp,
    OutputConsensus,
)
from evalbot.reporting.analysis_rows import BadRow, GradeRow, LabelRow, Source, shown
from evalbot.stats.agreement import Metric
from evalbot.stats.intervals import Measured

MAX_BYTES = 30_000_000
MAX_ROWS = 250_000
DELIMITERS = (",", ";", "\t")
GRADE_COLUMNS = ("output", "grader", "value", "criterion", "scale")
LABEL_COLUMNS = ("output", "value", "criterion")
OPTIONAL = frozenset(("criterion", "scale"))

FEW_OUTPUTS = 12
"""So many outputs are all listed; of more only the least certain."""
LEAST_CERTAIN = 5
SURE = 0.9
MOST_GRADERS = 15
MOST_VALUES = 12
GOOD_ALPHA, USABLE_ALPHA = 0.8, 0.67
"""Krippendorff's own guide to what alpha allows."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A CSV file: its name, the wanted cells of every row, the line each row begins at, and columns that were not used."""

    name: str
    rows: list[tuple[str, ...]]
    lines: list[int]
    unused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnalyzedFiles:
    """An analysis and what to say of the files: columns of theirs that were not used."""

    analysis: Analysis
    unused: tuple[str, ...]

    @property
    def grades(self) -> int:
        """How many grades were given in all criteria."""
        return sum(one.n_grades for one in self.analysis.criteria.values())


def analyze_files(grades: Path, gold: Path | None, judge: Path | None) -> AnalyzedFiles:
    """Read and analyse the files; raises BadFile with file and line."""
    sheets = {Source.GRADES: read_sheet(grades, GRADE_COLUMNS)}
    sheets |= {
        source: read_sheet(path, LABEL_COLUMNS) for source, path in ((Source.GOLD, gold), (Source.JUDGE, judge)) if path
    }
    rows = [GradeRow(*row) for row in sheets[Source.GRADES].rows]
    labels = {source: [LabelRow(*row) for row in sheets[source].rows] for source in sheets if source != Source.GRADES}
    try:
        analysis = analyze_grades(rows, labels.get(Source.GOLD), labels.get(Source.JUDGE))
    except BadRow as error:
        sheet = sheets[error.source]
        line = sheet.lines[error.row] if error.row is not None else None
        raise BadFile(refuse(sheet.name, line, error.text).message, error.hint) from None
    unused = tuple(f"{sheet.name}: {shown(name)}" for sheet in sheets.values() for name in sheet.unused)
    return AnalyzedFiles(analysis, unused)


def read_sheet(path: Path, columns: Sequence[str]) -> Sheet:
    """Read the wanted columns of a CSV file, commas, semicolons or tabs between cells; raises BadFile with the line."""
    name = shown(path.name)
    text = decode_text(read_bytes(path, name, MAX_BYTES), name)
    records = _records(text, name)
    line, header = next(records, (1, []))
    if not header:
        raise BadFile(
            f"{name}: the file is empty.", f"Begin it with a line that names the columns: {','.join(columns)}."
        )
    names = [cell.strip().casefold() for cell in header]
    pick = itemgetter(*(_place(names, column, name, line) for column in columns))
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
    for at, cells in records:
        if len(cells) > len(names):
            text = f"the row has {len(cells)} cells, but there are {len(names)} columns"
            raise BadFile(refuse(name, at, text).message, "Put cells that hold a comma in double quotes.")
        if len(rows) == MAX_ROWS:
            raise BadFile(
                f"{name}:{at}: the file has more than {MAX_ROWS:,} rows.", "Split it, by criterion for example."
            )
        cells.extend([""] * (len(names) + 1 - len(cells)))
        rows.append(pick(cells))
        lines.append(at)
    unused = tuple(cell.strip() for cell, key in zip(header, names, strict=True) if key and key not in columns)
    return Sheet(name, rows, lines, unused)


def _records(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Give the rows that are not blank with the line they begin at."""
    first = next((line for line in text.split("\n", 20) if line.strip()), "")
    delimiter = max(DELIMITERS, key=lambda mark: (first.count(mark), mark == ","))
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if "".join(cells).strip():
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise BadFile(refuse(name, line, f"this is not CSV ({error})").message, "Save it as CSV again.") from None


def _place(names: Sequence[str], column: str, file: str, line: int) -> int:
    """Give where a column stands, behind the last for an optional one that is missing; raises BadFile."""
    if names.count(column) > 1:
        raise BadFile(f"{file}:{line}: two columns are called {column}.", "Rename one of them.")
    if column in names:
        return names.index(column)
    if column in OPTIONAL:
        return len(names)
    found = ", ".join(shown(name) for name in names[:8])
    raise BadFile(f"{file}:{line}: there is no column {column}, only {found}.", "Rename a column or add one.")


def analysis_report(analysis: Analysis) -> dict[str, Any]:
    """Give an analysis as plain data for JSON: the first criterion, and all of them by name when there are several."""
    report = _criterion_report(analysis.first)
    if len(analysis.criteria) > 1:
        report["criteria"] = {name: _criterion_report(one) for name, one in analysis.criteria.items()}
    return report


def _criterion_report(one: CriterionAnalysis) -> dict[str, Any]:
    """Give the analysis of one criterion as plain data; scores are shares in [0, 1]."""
    alpha, ac1 = one.agreement.alpha, one.agreement.ac1
    return {
        "n_outputs": one.n_outputs,
        "n_graders": one.n_graders,
        "agreement": {
            "alpha": alpha.value if alpha else None,
            "lower": alpha.lower if alpha else None,
            "upper": alpha.upper if alpha else None,
            "ac1": ac1.value if ac1 else None,
        },
        "consensus": [
            {"output": row.output, "label": row.label, "probability": row.probability} for row in one.consensus
        ],
        "graders": [{"grader": row.grader, "n": row.n, "reliability": row.reliability} for row in one.graders],
        "estimate": {
            "human": _estimate_report(one.estimates.human),
            "corrected": _estimate_report(one.estimates.corrected),
            "judge_only": _estimate_report(one.estimates.judge_only),
        },
        "label_saving": one.label_saving,
    }


def _estimate_report(found: Measured | None) -> dict[str, Any] | None:
    """Give a number with its interval as plain data."""
    if found is None:
        return None
    return {"score": found.value, "lower": found.lower, "upper": found.upper, "n": found.n}


def print_analysis(console: Console, done: AnalyzedFiles) -> None:
    """Print an analysis for people: what the score is, whether graders agree, what the judge saves, where doubt is left."""
    for one in done.analysis.criteria.values():
        _print_criterion(console, one)
    if done.unused:
        _say(console, f"Columns not used: {'; '.join(done.unused[:10])}.")


def _print_criterion(console: Console, one: CriterionAnalysis) -> None:
    """Print the analysis of one criterion."""
    named = f"{shown(one.criterion)}: " if one.criterion else ""
    size = f"{_many(one.n_outputs, 'output')}, {_many(one.n_graders, 'grader')}, {_many(one.n_grades, 'grade')}"
    console.print(Text(f"{named}{size}", style="bold"))
    _say(console, f"Given: {_given(one)}. Score: {one.scoring}.\n")
    console.print(_score_table(one))
    console.print()
    for sentence in _findings(one):
        _say(console, sentence)
    console.print()
    _print_consensus(console, one)
    _print_graders(console, one)
    for note in one.notes:
        _say(console, f"Note: {note}")
    console.print()


def _given(one: CriterionAnalysis) -> str:
    """Say which values were given and how often; of interval scales only from where to where."""
    counts = list(one.counts.items())
    if one.agreement.metric is Metric.INTERVAL:
        withheld = f", {one.counts['unsure']:,} unsure" if "unsure" in one.counts else ""
        return f"numbers from {one.labels[0]} to {one.labels[-1]}{withheld}" if one.labels else "unsure"
    more = f" and {len(counts) - MOST_VALUES:,} more values" if len(counts) > MOST_VALUES else ""
    return ", ".join(f"{shown(label)} {count:,}" for label, count in counts[:MOST_VALUES]) + more


def _say(console: Console, sentence: str) -> None:
    """Print a sentence, wrapped at words; nothing in it is markup."""
    console.print(Text(sentence))


def _many(count: int, noun: str) -> str:
    """Give a count with its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _table(*columns: str) -> Table:
    """Give an empty table; all columns but the first are numbers."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, name in enumerate(columns):
        table.add_column(name, justify="right" if place else "left")
    return table


def _score_table(one: CriterionAnalysis) -> Table:
    """Give the mean score by people, with the judge's help and by the judge alone."""
    native = (one.low, one.high) != (0, 1)
    on_scale = [f"on {one.low:g} to {one.high:g}"] if native else []
    table = _table("Graded by", "mean score", *on_scale, "95 % interval", "outputs")
    estimates = one.estimates
    rows = [("People", estimates.human)]
    if one.judge is not None:
        rows += [
            ("People, helped by the judge", estimates.corrected),
            ("The judge alone, unchecked", estimates.judge_only),
        ]
    for name, found in rows:
        if found is None:
            table.add_row(name, "too few")
            continue
        on_scale = [f"{one.low + found.value * (one.high - one.low):.2f}"] if native else []
        table.add_row(name, f"{found.value:.1%}", *on_scale, f"{found.lower:.1%} to {found.upper:.1%}", f"{found.n:,}")
    return table


def _findings(one: CriterionAnalysis) -> list[str]:
    """Give the sentences under the scores: agreement, then the judge."""
    found = [_agreement_sentence(one.agreement)]
    return found + (_judge_sentences(one.judge) if one.judge else [])


def _agreement_sentence(found: Agreement) -> str:
    """Say whether graders agree, in words first."""
    if found.alpha is None:
        if found.outputs < FEWEST_FOR_AGREEMENT:
            seen = f"{_many(found.outputs, 'output')} with two grades or more, {FEWEST_FOR_AGREEMENT} are needed"
            return f"Whether graders agree cannot be told: {seen}."
        return "Whether graders agree beyond chance cannot be told: everybody always gave the same grade."
    words, alpha = _agreement_words(found.alpha), f"alpha {_interval(found.alpha)}, {_many(found.outputs, 'output')})"
    if found.lopsided and found.ac1 is not None:
        common = f"One value has most of the grades, so there are two numbers: over all Gwet's AC1 is {_interval(found.ac1)})"
        return f"{common}; on the exceptions {words[0].lower()}{words[1:]}: {alpha}."
    return f"{words}: {alpha}."


def _interval(found: Measured) -> str:
    """Give a number with its interval; the bracket stays open."""
    return f"{found.value:.2f} ({found.lower:.2f} to {found.upper:.2f}"


def _agreement_words(alpha: Measured) -> str:
    """Say what the interval of alpha allows to say."""
    if alpha.lower >= GOOD_ALPHA:
        return "Graders agree well"
    if alpha.lower >= USABLE_ALPHA:
        return "Graders agree, at least roughly"
    if alpha.upper < USABLE_ALPHA:
        return "Graders do not agree enough; mend the rubric before you use the mean"
    return f"Whether graders agree enough is not clear yet (that takes {USABLE_ALPHA})"


def _percent(found: Measured) -> str:
    """Give a share with its interval."""
    return f"{found.value:.0%} ({found.lower:.0%} to {found.upper:.0%})"


def _judge_sentences(judge: JudgeHelp) -> list[str]:
    """Say what the judge saves, how it differs from people, and under which condition."""
    if judge.bias is None:
        both = f"people and judge both graded {_many(judge.pairs, 'output')}, {FEWEST_PAIRS} are needed"
        return [f"What the judge is worth cannot be told: {both}."]
    sentences = [_saving_sentence(judge, judge.saving), _bias_sentence(judge, judge.bias)]
    if judge.same_label is not None:
        same = judge.same_label
        sentences.append(f"The judge says what most people say on {_percent(same)} of {_many(same.n, 'output')}.")
    return [*sentences, "The correction holds if the outputs people graded are a random part of the judged ones."]


def _saving_sentence(judge: JudgeHelp, saving: Measured | None) -> str:
    """Say how many human grades the judge saves."""
    if saving is None:
        return "How many clicks the judge saves cannot be told: people gave all these outputs the same score."
    example = ""
    if judge.needed is not None and judge.needed_alone is not None:
        counts = f"{judge.needed:,} outputs instead of {judge.needed_alone:,}"
        example = f": to know the score within 5 points, people grade {counts} if it grades many more"
    return f"The judge can save about {_percent(saving)} of the clicks{example}."


def _bias_sentence(judge: JudgeHelp, bias: Measured) -> str:
    """Say how much higher or lower the judge scores."""
    side = "higher" if bias.value > 0 else "lower"
    ends = f"{100 * bias.lower:+.1f} to {100 * bias.upper:+.1f} points, {_many(judge.pairs, 'output')}"
    if bias.lower <= 0 <= bias.upper:
        return f"The judge scores neither clearly higher nor lower than people ({ends})."
    return f"The judge scores {abs(100 * bias.value):.1f} points {side} than people ({ends})."


def _print_consensus(console: Console, one: CriterionAnalysis) -> None:
    """Print which method gave the consensus, how often each label won and where doubt is left."""
    _say(console, f"Consensus by {one.method.name}: {one.method.why}.{_gold_sentence(one.method)}")
    if len(one.consensus) <= FEW_OUTPUTS:
        console.print(_output_table(one.consensus, one.method))
        return
    if one.agreement.metric is Metric.INTERVAL:
        means = [row.label for row in one.consensus if isinstance(row.label, float)]
        _say(console, f"The means of the outputs reach from {min(means):g} to {max(means):g}." if means else "")
    else:
        console.print(_label_table(one))
    doubtful = [row for row in one.consensus if row.probability is not None and row.probability < SURE]
    if doubtful:
        doubtful.sort(key=lambda row: (row.probability, sum(share**2 for share in row.posterior)))
        _say(console, f"\n{_many(len(doubtful), 'output')} could use another grade; the least certain:")
        console.print(_output_table(doubtful[:LEAST_CERTAIN], one.method))


def _gold_sentence(method: ConsensusMethod) -> str:
    """Say how often the consensus is right on gold outputs."""
    if method.on_gold is None:
        return ""
    plain = f"; without weighing graders on {_percent(method.plain_on_gold)}" if method.plain_on_gold else ""
    return f" It is right on {_percent(method.on_gold)} of {_many(method.on_gold.n, 'gold output')}{plain}."


def _label_table(one: CriterionAnalysis) -> Table:
    """Give how many outputs have each label as their consensus."""
    table = _table("Consensus", "outputs", "share")
    won = [row.label for row in one.consensus]
    tied = sum(row.label is None and row.grades > 0 for row in one.consensus)
    lines: list[tuple[str, int]] = [(shown(label), won.count(label)) for label in one.labels[:20]]
    lines += [("tie, open", tied), ("nobody graded", len(won) - tied - sum(label is not None for label in won))]
    for name, count in lines:
        if count:
            table.add_row(Text(name), f"{count:,}", f"{count / len(won):.0%}")
    return table


def _output_table(rows: Sequence[OutputConsensus], method: ConsensusMethod) -> Table:
    """Give the consensus of single outputs with the share of grades that say so, or the probability a model gives it."""
    table = _table("Output", "consensus", "probability" if method.name == DAWID_SKENE else "say so", "grades")
    for row in rows:
        label = shown(row.label) if row.label is not None else ("tie" if row.grades else "none")
        sure = "" if row.probability is None else f"{row.probability:.0%}"
        table.add_row(Text(shown(row.output)), Text(label), sure, str(row.grades))
    return table


def _print_graders(console: Console, one: CriterionAnalysis) -> None:
    """Print how often each grader is right, by name: to weigh grades and mend rubrics, not to rank colleagues."""
    golden = any(row.on_gold is not None for row in one.graders)
    withheld = any(row.unsure for row in one.graders)
    columns = ["Grader", "grades", *(["unsure"] if withheld else []), *(["right on gold"] if golden else [])]
    table = _table(*columns, "same as others")
    for row in one.graders[:MOST_GRADERS]:
        unsure = [str(row.unsure)] if withheld else []
        gold = [_reliability(row.on_gold, row.gold_n)] if golden else []
        others = _reliability(row.with_others, row.others_n)
        table.add_row(Text(shown(row.grader)), f"{row.n:,}", *unsure, *gold, others)
    console.print()
    console.print(table)
    if len(one.graders) > MOST_GRADERS:
        _say(console, f"and {len(one.graders) - MOST_GRADERS:,} more graders (--json lists all).")
    _say(console, "These help to weigh grades and to mend the rubric; they do not rank people.")


def _reliability(share: float | None, n: int) -> str:
    """Give a share with the count it rests on."""
    return "-" if share is None else f"{share:.0%} of {n:,}"
