"""`evalbot analyze` on files: the shared data and its reference numbers, the documentation's example, bad and hostile files."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from evalbot.cli import main
from evalbot.terminal.analyze import MAX_BYTES, MAX_ROWS, analyze_files

ROOT = Path(__file__).parents[2]
DATA = ROOT / ".." / "shared" / "data"
GUIDE = (ROOT / "docs" / "analyze.md").read_text(encoding="utf-8")
KEYS = {"n_outputs", "n_graders", "agreement", "consensus", "graders", "estimate", "label_saving"}
SKILLS = ("informativeness", "relevance", "fluency", "coherence")


@dataclass(frozen=True, slots=True)
class Said:
    """What evalbot said and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on standard output."""
        found: dict[str, Any] = json.loads(self.out)
        return found


Call = Callable[..., Said]


@pytest.fixture
def analyze(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Calls `evalbot analyze` inside this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def call(*arguments: str) -> Said:
        monkeypatch.setattr("sys.argv", ["evalbot", "analyze", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Said(int(ended.value.code or 0), said.out, said.err)

    return call


@pytest.fixture(scope="module")
def reference() -> Mapping[str, Any]:
    """Numbers computed by other implementations on the shared data."""
    found: Mapping[str, Any] = json.loads(shared("reference.json").read_text(encoding="utf-8"))["deterministic"]
    return found


def shared(name: str) -> Path:
    """Give a shared data file; skips the test loudly when it is missing."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"SKIPPED FOR MISSING DATA: {name} is not in the shared folder beside the checkout")
    return path


def table(name: str) -> list[dict[str, str]]:
    """Read a shared CSV file."""
    with shared(name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(name: str, header: str, rows: Sequence[Sequence[object]]) -> str:
    """Write a CSV file into the working folder and give its name."""
    with Path(name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header.split(","), *rows])
    return name


def pandalm_grades(rows: Sequence[Mapping[str, str]]) -> str:
    """Write the three human votes of PandaLM as grades."""
    votes = [(row["item"], f"human{k}", row[f"human{k}"]) for row in rows for k in (1, 2, 3)]
    return write("pandalm.csv", "output,grader,value", votes)


def test_pandalm_equals_the_reference(analyze: Call, reference: Mapping[str, Any]) -> None:
    """Alpha, its interval and AC1 of three people on 498 answer pairs equal the reference."""
    said = analyze(pandalm_grades(table("pandalm_pairwise.csv")), "--json")
    expected, found = reference["agreement_pandalm"], said.json
    assert (said.code, said.err) == (0, "")
    assert found.keys() == KEYS
    assert (found["n_outputs"], found["n_graders"]) == (expected["items"], 3)
    agreement = found["agreement"]
    assert agreement["alpha"] == pytest.approx(expected["krippendorff_nominal"], abs=1e-4)
    assert agreement["ac1"] == pytest.approx(expected["gwet_ac1"], abs=1e-4)
    ends = [agreement["lower"], agreement["upper"]]
    assert ends == pytest.approx(expected["krippendorff_boot95_items_seed0"], abs=0.01)
    assert {one["label"] for one in found["consensus"]} == {"A", "B", "tie"}
    assert found["estimate"]["corrected"] is None
    assert found["label_saving"] is None


def test_pandalm_judge_equals_the_reference(analyze: Call, reference: Mapping[str, Any]) -> None:
    """The judge says what most people say as often as the reference has it; its mean is that of its readable verdicts."""
    rows = table("pandalm_pairwise.csv")
    grades = pandalm_grades(rows)
    judge = write("judge.csv", "output,value", [(row["item"], row["judge_gpt35"]) for row in rows])
    done = analyze_files(Path(grades), None, Path(judge)).analysis.first
    expected = reference["judge_vs_majority_pandalm"]
    assert done.judge is not None
    assert done.judge.same_label is not None
    assert (done.judge.same_label.n, done.judge.unread) == (expected["gpt35_valid"], 9)
    assert done.judge.same_label.value == pytest.approx(expected["gpt35_acc"], abs=1e-4)


def test_a_sample_of_pandalm_is_sharpened_by_the_judge(analyze: Call) -> None:
    """100 graded pairs and the judge's 489: a narrower interval that holds the mean of all grades, and about a third saved."""
    rows = table("pandalm_pairwise.csv")
    scores = {"A": 1.0, "B": 0.0, "tie": 0.5}
    truth = sum(scores[row[f"human{k}"]] for row in rows for k in (1, 2, 3)) / (3 * len(rows))
    judge = write("judge.csv", "output,value", [(row["item"], row["judge_gpt35"]) for row in rows])
    found = analyze(pandalm_grades(rows[2::5]), "--judge", judge, "--json").json
    human, corrected, alone = (found["estimate"][name] for name in ("human", "corrected", "judge_only"))
    assert corrected["upper"] - corrected["lower"] < 0.93 * (human["upper"] - human["lower"])
    assert corrected["lower"] < truth < corrected["upper"]
    assert (human["n"], alone["n"]) == (100, 489)
    assert 0.15 < found["label_saving"] < 0.5


def test_newsroom_equals_the_reference(analyze: Call, reference: Mapping[str, Any]) -> None:
    """Ordinal alpha of all four skills, their means and standard errors over outputs equal the reference; the first leads."""
    rows = [
        (row["item"], f"slot{row['grader_slot']}", row["score"], row["skill"], "ordinal 1-5")
        for row in table("newsroom_ordinal.csv")
    ]
    found = analyze(write("newsroom.csv", "output,grader,value,criterion,scale", rows), "--json").json
    assert found.keys() == {*KEYS, "criteria"}
    assert list(found["criteria"]) == list(SKILLS)
    assert found["criteria"][SKILLS[0]] == {name: found[name] for name in KEYS}
    for skill, one in found["criteria"].items():
        expected, means = reference["agreement_newsroom"][skill], reference["clustered_newsroom"][skill]
        assert one["agreement"]["alpha"] == pytest.approx(expected["ordinal"], abs=1e-4)
        ends = [one["agreement"]["lower"], one["agreement"]["upper"]]
        assert ends == pytest.approx(expected["ordinal_boot95_items_seed0"], abs=0.02)
        human = one["estimate"]["human"]
        assert (one["n_outputs"], human["n"]) == (210, 210)
        assert 1 + 4 * human["score"] == pytest.approx(means["mean"], abs=1e-4)
        assert 2 * (human["upper"] - human["lower"]) / 1.9714 == pytest.approx(means["item_mean_se"], abs=2e-4)


@pytest.mark.parametrize("scale", ["ordinal", "interval"])
def test_newsroom_alpha_follows_the_declared_scale(analyze: Call, reference: Mapping[str, Any], scale: str) -> None:
    """One skill declared ordinal or interval has the alpha of that distance."""
    rows = [
        (row["item"], row["grader_slot"], row["score"], scale)
        for row in table("newsroom_ordinal.csv")
        if row["skill"] == "coherence"
    ]
    found = analyze(write("coherence.csv", "output,grader,value,scale", rows), "--json").json
    expected = reference["agreement_newsroom"]["coherence"][scale]
    assert found["agreement"]["alpha"] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("words", [{"1": "1", "0": "0", "u": "u"}, {"1": "unsafe", "0": "safe", "u": "unsure"}])
def test_dices_equals_the_reference(analyze: Call, reference: Mapping[str, Any], words: Mapping[str, str]) -> None:
    """Alpha with unsure as missing, and the consensus against experts: Dawid-Skene on gold, as in the reference."""
    rows = table("dices350_matrix.csv")
    votes = [(row["item"], f"g{k}", words[vote]) for row in rows for k, vote in enumerate(row["crowd_unsafe_123"])]
    gold = {row["item"]: words[row["expert_unsafe"]] for row in rows}
    grades = write("dices.csv", "output,grader,value", votes)
    experts = write("experts.csv", "output,value", list(gold.items()))
    found = analyze(grades, "--gold", experts, "--json").json
    expected = reference["agreement_dices350"]
    assert (found["n_outputs"], found["n_graders"]) == (expected["items"], expected["graders"])
    assert found["agreement"]["alpha"] == pytest.approx(expected["nominal_unsure_as_missing"], abs=1e-4)
    right = sum(str(one["label"]) == gold[one["output"]] for one in found["consensus"]) / len(gold)
    by_method = reference["consensus_dices350_vs_expert"]["123"]
    assert right == pytest.approx(by_method["dawid_skene"], abs=0.006)
    done = analyze_files(Path(grades), Path(experts), None).analysis.first
    assert done.method.name == "Dawid-Skene"
    assert done.method.plain_on_gold is not None
    assert done.method.plain_on_gold.value == pytest.approx(by_method["majority"], abs=1e-4)
    unsure = sum(vote == words["u"] for _, _, vote in votes)
    assert done.counts["unsure"] == unsure == sum(one.unsure for one in done.graders)


def test_the_example_of_the_guide_is_what_it_prints(analyze: Call) -> None:
    """The guide's files give the guide's table, and its JSON up to rounding."""
    for name, text in re.findall(r"`(\w+\.csv)`:\n\n```csv\n(.*?)```", GUIDE, re.DOTALL):
        Path(name).write_text(text, encoding="utf-8")
    shown = re.search(r"```console\n\$ evalbot analyze (.*?)\n(.*?)```", GUIDE, re.DOTALL)
    assert shown
    said = analyze(*shown[1].split())
    assert [line.rstrip() for line in said.out.splitlines() if line.strip()] == [
        line for line in shown[2].splitlines() if line.strip()
    ]
    block = re.search(r"```json\n(.*?)```", GUIDE, re.DOTALL)
    assert block
    promised, found = json.loads(block[1]), analyze(*shown[1].split(), "--json").json
    assert rounded({**found, "consensus": found["consensus"][:1], "graders": found["graders"][:1]}) == promised


def rounded(value: Any) -> Any:
    """Round every number inside to two places."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return round(value, 2) if isinstance(value, float) else value


def test_the_python_of_the_guide_runs() -> None:
    """The guide's Python prints what the guide says."""
    code = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", GUIDE, re.DOTALL)
    assert code
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code[1], "docs/analyze.md", "exec"), {})
    assert printed.getvalue() == code[2]


PLAIN = "output,grader,value\no1,ann,pass\no1,bob,fail\no2,ann,pass\n"


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode("utf-8-sig"),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        PLAIN.replace("\n", "\n\n  \n").encode(),
        PLAIN.replace("output,grader,value", " Output ,GRADER,Value").encode(),
        PLAIN.replace("o1,ann", '"o1","ann"').rstrip().encode(),
        b'note,value,grader,output\n,pass,ann,o1\n"two\nlines, here",fail,bob,o1\n,pass,ann,o2\n',
    ],
)
def test_files_as_programs_write_them_are_read_alike(analyze: Call, data: bytes) -> None:
    """Byte order marks, line ends, delimiters, quotes, blank lines, capitals and the order of columns make no difference."""
    Path("plain.csv").write_text(PLAIN, encoding="utf-8")
    Path("other.csv").write_bytes(data)
    said = analyze("other.csv", "--json")
    assert (said.code, said.err) == (0, "")
    assert said.json == analyze("plain.csv", "--json").json


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "grades.csv: the file is empty. Begin it with a line that names the columns: output,grader,value"),
        (
            "output,rater,value\no1,ann,1\n",
            "grades.csv:1: there is no column grader, only output, rater, value. Rename",
        ),
        ("output,grader,value,value\no1,ann,1,1\n", "grades.csv:1: two columns are called value."),
        ("output,grader,value\no1,ann,1\n\no2,bob,one\n", "grades.csv:4: `one` is a word"),
        ('output,grader,value\n"o\n1",ann,1\n,bob,2\n', "grades.csv:4: the row has no output. Fill it in"),
        ("output,grader,value\no1,ann,1,2\n", "grades.csv:2: the row has 4 cells, but there are 3 columns."),
        ('output,grader,value\no1,ann,"1\n', "grades.csv:2: this is not CSV"),
        ("output,grader,value\no1,\x1b[31mann,1\n", "grades.csv:2: the control character U+001B is not allowed."),
        ("output,grader,value,scale\no1,ann,7,1-5\n", "grades.csv:2: 7 lies outside the scale 1 to 5."),
        ("output,grader,value,scale\no1,ann,7,stars\n", "grades.csv:2: the scale `stars` is not known. Write nominal"),
    ],
)
def test_a_bad_file_is_one_sentence_with_its_line(analyze: Call, text: str, says: str) -> None:
    """The error names file and line, says what to do, and the exit code is that of a wrong file."""
    Path("grades.csv").write_text(text, encoding="utf-8", newline="")
    said = analyze("grades.csv", "--json")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"evalbot: {says}")
    assert said.err.count("\n") == 1
    assert said.err.endswith(".\n")
    assert len(said.err) < 400


@pytest.mark.parametrize(
    ("option", "text", "says"),
    [
        ("--gold", "output,value\no1,7\n", "labels.csv:2: "),
        ("--judge", "output\no1\n", "labels.csv:1: there is no column value, only output."),
        ("--judge", "output,value,criterion\no1,pass,tone\n", "labels.csv:2: nobody graded the criterion `tone`."),
    ],
)
def test_bad_gold_and_judge_files_are_named(analyze: Call, option: str, text: str, says: str) -> None:
    """A wrong row of the gold or judge file is reported with that file's name and line."""
    numbers = "output,grader,value\no1,ann,3\no2,ann,4\n"
    Path("grades.csv").write_text(numbers if option == "--gold" else PLAIN, encoding="utf-8")
    Path("labels.csv").write_text(text.replace(",7", ",great"), encoding="utf-8")
    said = analyze("grades.csv", option, "labels.csv")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"evalbot: {says}")


def test_missing_large_and_foreign_files_are_refused(analyze: Call, tmp_path: Path) -> None:
    """No file, a folder, too many bytes, too many rows and bytes that are no text: each is one sentence, quickly."""
    assert "missing.csv: there is no such file." in analyze("missing.csv").err
    Path("folder").mkdir()
    assert analyze("folder").code == 2
    with Path("large.csv").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert "the file is larger than 30,000,000 bytes" in analyze("large.csv").err
    Path("long.csv").write_text("output,grader,value\n" + "o,a,1\n" * (MAX_ROWS + 1), encoding="utf-8")
    assert f"long.csv:{MAX_ROWS + 2}: the file has more than 250,000 rows." in analyze("long.csv").err
    Path("latin.csv").write_bytes("output,grader,value\no1,Zoë,1\n".encode("latin-1"))
    said = analyze("latin.csv")
    assert said.err == "evalbot: latin.csv:2: the file is not UTF-8 here; save it as UTF-8.\n"
    assert said.code == 2


@pytest.mark.parametrize("text", ["output,grader,value\n", "output,grader,value\no1,ann,\no1,bob,unsure\n"])
def test_files_without_grades_end_with_nothing_to_do(analyze: Call, text: str) -> None:
    """A file with no row, or with no grade in any row, is nothing to do."""
    Path("grades.csv").write_text(text, encoding="utf-8")
    said = analyze("grades.csv")
    assert (said.code, said.out) == (3, "")
    assert said.err == "evalbot: There are no grades in grades.csv. Fill in its column value.\n"


def test_hostile_cells_are_shown_as_text(analyze: Call) -> None:
    """Markup, formulas, links and directions of writing in names stay text, on one line, and JSON keeps them whole."""
    names = [
        "[red]o1[/red]",
        "=HYPERLINK(1)",
        "<b>x</b>",
        "a\u202eb",
        "o\n1",
        "{0.__class__}",
        "%s",
        ":boom:",
        "x" * 5000,
    ]
    rows = [(name, "[bold]ann", "pass") for name in names] + [(name, "@here", "[link=x]fail") for name in names]
    said = analyze(write("hostile.csv", "output,grader,value", rows))
    assert said.code == 0
    for shown in ("[red]o1[/red]", "=HYPERLINK(1)", "<b>x</b>", "a?b", "o?1", "{0.__class__}", ":boom:", "[bold]ann"):
        assert shown in said.out
    assert max(map(len, said.out.splitlines())) <= 100
    assert "\u202e" not in said.out
    found = analyze("hostile.csv", "--json").json
    assert {one["output"] for one in found["consensus"]} == set(names)


def test_the_table_says_what_a_reader_needs_first(analyze: Call) -> None:
    """Score with interval and n, agreement in words, what the judge saves, unused columns: each on the first page."""
    rows = [(f"o{i}", g, "pass" if i % 3 else "fail", "x") for i in range(30) for g in ("ann", "bob", "kim")]
    grades = write("grades.csv", "output,grader,value,comment", rows)
    judge = write("judge.csv", "output,value", [(f"o{i}", "pass" if i % 3 else "fail") for i in range(300)])
    out = re.sub(r"\s+", " ", analyze(grades, "--judge", judge).out)
    assert "30 outputs, 3 graders, 90 grades Given: pass 60, fail 30." in out.replace(
        "fail 30, pass 60", "pass 60, fail 30"
    )
    assert re.search(r"People 66\.7% 48\.8% to 80\.8% 30 ", out)
    assert "Graders agree well: alpha 1.00 (1.00 to 1.00, 30 outputs)." in out
    assert "The judge can save about 100%" in out
    assert "a random part of the judged ones" in out
    assert "Columns not used: grades.csv: comment." in out


def test_a_common_value_gets_two_numbers_and_intervals_no_list(analyze: Call) -> None:
    """Where one value has most grades AC1 is shown beside alpha; of an interval scale only ends are listed."""
    rare = [(f"o{i}", g, "unsafe" if i % 20 == k else "safe") for i in range(60) for k, g in enumerate(("ann", "bob"))]
    out = re.sub(r"\s+", " ", analyze(write("rare.csv", "output,grader,value", rare)).out)
    assert "over all Gwet's AC1 is 0.89" in out
    assert "on the exceptions graders do not agree enough" in out
    numbers = [(f"o{i}", g, f"{10 + i}.{k}") for i in range(40) for k, g in enumerate(("ann", "bob"))]
    out = analyze(write("numbers.csv", "output,grader,value", numbers)).out
    assert "Given: numbers from 10 to 49.1. Score: 100 = 100%, 0 = 0%." in out
    assert "The means of the outputs reach from 10.05 to 49.05." in out


@pytest.mark.short
def test_a_hundred_thousand_grades_are_analysed(analyze: Call) -> None:
    """100,000 grades with a judge are read, analysed and written; `tests/bench/analyze.py` measures the time."""
    rows = [
        (f"output-{i}", f"g{(i + k) % 40}", "pass" if (i * 7 + k * k) % 5 else "fail")
        for i in range(25_000)
        for k in range(4)
    ]
    judge = write("judge.csv", "output,value", [(f"output-{i}", "pass" if i % 3 else "fail") for i in range(40_000)])
    grades = write("grades.csv", "output,grader,value", rows)
    said = analyze(grades, "--judge", judge, "--json")
    assert said.code == 0
    assert said.json["n_outputs"] == 25_000
