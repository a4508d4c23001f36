"""Project folders: what is found, what is refused, and that nothing outside is read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from evalbot.errors import BadFile, BadSetting
from evalbot.library.assets import assets_folder
from evalbot.library.project import Project, load_project, load_suite
from evalbot.library.prompts import load_prompt
from evalbot.suites.filling import fill_prompt
from evalbot.suites.items import Item, ItemId
from tests.integration.library.library_files import JUDGE, RUBRIC, SUITE, make_project, refusal_of

REPOSITORY = Path(__file__).parents[3]


def test_a_broken_file_hides_no_other(tmp_path: Path) -> None:
    """Good suites are loaded, each broken file is one problem."""
    files = {
        "suites/a.yaml": "name: a\nitems: [{input: q}]\n",
        "prompts/suites/b.yaml": "name: b\nitems: [{input: q}]\n",
        "suites/broken.yaml": "name: c\nitens: []\n",
        "suites/twice.yaml": "name: a\nitems: [{input: q}]\n",
        "suites/desk.yaml": SUITE,
        "rubrics/good.yaml": RUBRIC.replace("pass_from: 2", "pass_from: 1"),
        "rubrics/fine.yaml": RUBRIC.replace("name: good", "name: fine"),
        "prompts/bad.md": "{{ }}",
        "prompts/README.md": "{{ x",
    }
    make_project(tmp_path, files)
    project = load_project(tmp_path)
    assert sorted(project.suites) == ["a", "b"]
    assert sorted(project.rubrics) == ["fine"]
    assert [problem.message for problem in project.problems] == [
        "rubrics/good.yaml:8: field `pass_from`: must be a step above the lowest: 2, 3.",
        "prompts/bad.md:1: the template is not valid: Expected an expression, got 'end of print statement'.",
        "suites/broken.yaml:2: field `itens`: unknown key; did you mean `items`?",
        "suites/twice.yaml:1: another file has a suite `a` already.",
    ]


def test_a_missing_folder_is_one_problem(tmp_path: Path) -> None:
    """There is no exception, only a problem."""
    project = load_project(tmp_path / "none")
    assert (dict(project.suites), len(project.problems)) == ({}, 1)


def test_what_a_project_lacks_is_taken_from_the_shipped_one(tmp_path: Path) -> None:
    """Rubrics and judge prompts come from the second folder, unless the first has its own."""
    own = make_project(tmp_path / "own", {"suites/desk.yaml": SUITE})
    make_project(tmp_path / "shipped", {"rubrics/good.yaml": RUBRIC, "prompts/judge/rubric.md": JUDGE})
    with pytest.raises(BadFile, match="there is no rubric of this name"):
        load_suite(own.folder / "suites/desk.yaml", own)
    both = Project(own.folder, tmp_path / "shipped")
    suite = load_suite(own.folder / "suites/desk.yaml", both)
    assert suite.rubrics["good"].version == 2
    assert suite.rubrics["good"].judge is not None
    make_project(own.folder, {"rubrics/mine.yaml": RUBRIC.replace("version: 2", "version: 9")})
    assert load_suite(own.folder / "suites/desk.yaml", both).rubrics["good"].version == 9


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("file://../secret.jsonl", "files are named by their path inside the project"),
        ("file://items/../../secret.jsonl", "files are named by their path inside the project"),
        ("file:///etc/passwd", "files are named by their path inside the project"),
        ("file://~/secret.jsonl", "is not a usable file name"),
        ("file://c:/secret.jsonl", "is not a usable file name"),
        ("file://..\\\\secret.jsonl", "is not a usable file name"),
        ("file://", "is not a usable file name"),
        ("file://link.jsonl", "leads out of the project folder"),
        ("file://li*.jsonl", "leads out of the project folder"),
        ("file://linked/secret.jsonl", "leads out of the project folder"),
        ("file://linked/*", "leads out of the project folder"),
        ("file://**/*.jsonl", "`**` is not allowed"),
        ("file://pipe.jsonl", "there is no file `pipe.jsonl` in the project"),
        ("file://items/none.jsonl", "there is no file `items/none.jsonl` in the project"),
        ("file://items/*.none", "no file of the project matches `items/*.none`"),
        ("https://x.example/items.jsonl", "must be an item, or name files like"),
    ],
)
def test_no_file_outside_the_project_is_read(tmp_path: Path, written: str, said: str) -> None:
    """Neither dots, nor absolute paths, nor links lead out."""
    folder = tmp_path / "project"
    outside = make_project(tmp_path, {"secret.jsonl": '{"input": "SECRET"}\n'}).folder
    folder.mkdir()
    os.symlink(outside / "secret.jsonl", folder / "link.jsonl")
    os.symlink(outside, folder / "linked")
    os.mkfifo(folder / "pipe.jsonl")
    message = refusal_of(folder, f'name: desk\nitems: ["{written}"]\n')
    assert "suites/desk.yaml:2: field `items[0]`: " in message
    assert said in message
    assert "SECRET" not in message


def test_linked_suites_outside_are_not_listed(tmp_path: Path) -> None:
    """A link among the suites that leads out is passed over."""
    folder = make_project(tmp_path / "p", {"suites/a.yaml": "name: a\nitems: [{input: q}]\n"}).folder
    (tmp_path / "b.yaml").write_text("name: b\nitems: [{input: q}]\n")
    os.symlink(tmp_path / "b.yaml", folder / "suites" / "b.yaml")
    assert list(load_project(folder).suites) == ["a"]


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("Just {{ question }}\n", [("user", "Just {{ question }}")]),
        ("## system\nA\n\n## User\nB\n## assistant\nC", [("system", "A"), ("user", "B"), ("assistant", "C")]),
        ("---\nmessages: false\n---\n## user\nB", [("user", "## user\nB")]),
        ("---\r\nname: p\r\n---\r\nHi\r\n", [("user", "Hi")]),
        ("---\n---\nHi", [("user", "Hi")]),
    ],
)
def test_prompt_files_become_messages(tmp_path: Path, text: str, messages: list[tuple[str, str]]) -> None:
    """Front matter and headings are understood in their forms."""
    (tmp_path / "p.md").write_bytes(text.encode())
    prompt = load_prompt(tmp_path / "p.md", "p.md")
    assert [(one.role, one.content) for one in prompt.messages] == messages
    assert prompt.name == "p"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "p.md:1: the prompt is empty."),
        ("---\nname: p\n", "p.md:1: the front matter has no closing line `---`."),
        ("---\nname: p\nnam: q\n---\nx", "p.md:3: field `nam`: unknown key; did you mean `name`?"),
        ("---\nmessages: true\n---\nx", "p.md:4: `messages: true` needs headings `## system` and `## user`."),
        ("a\n## user\nx", "p.md:1: there is text before the first heading; put it under `## system` or `## user`."),
        ("## system\n## user\nx", "p.md:1: nothing stands under the heading `## system`."),
        (
            "---\ninputs: [question]\n---\n\n{{ qestion }}",
            "`qestion`, which is not one of its inputs; did you mean `question`?",
        ),
        ("a\nb {% if %}", "p.md:2: the template is not valid: Expected an expression"),
        ("a\n{{ x.__class__ }}", "p.md:2: a template may not use names that begin with `_`."),
        ("{{ x() }}", "p.md:1: a template may not use `call`."),
        ("{% set a = 'x' %}", "p.md:1: a template may not use `assign`."),
        ("{% include 'x' %}", "p.md:1: a template may not use `include`."),
        ("{{ 'a' * 99 }}", "p.md:1: a template may not use `mul`."),
        ("{{ x | center(9) }}", "p.md:1: a template may not use the filter `center`."),
        ("{{ x[100000] }}", "p.md:1: a template may not use numbers above 1000."),
        ("{{ " + "(" * 5000 + " }}", "p.md:1: the template is too deeply nested."),
        ("{% for a in x %}" * 3 + "{% endfor %}" * 3, "p.md:1: a template may nest at most 2 loops."),
        ("x" * 100_001, "p.md: the file is larger than 100,000 bytes; split it."),
    ],
)
def test_broken_prompts_are_refused(tmp_path: Path, text: str, said: str) -> None:
    """Each fault of a prompt has its line and sentence; templates show and choose, nothing else."""
    (tmp_path / "p.md").write_bytes(text.encode())
    with pytest.raises(BadFile) as caught:
        load_prompt(tmp_path / "p.md", "p.md")
    assert said in caught.value.message


def test_templates_with_single_braces_are_taken_over(tmp_path: Path) -> None:
    """`langchain: true` reads `{var}` and `{{` as that library does; formats and attributes are refused."""
    head = "---\nlangchain: true\n---\n"
    (tmp_path / "p.md").write_text(head + 'Say {{"a": 1}} {% to {question}.\n## user\nx', encoding="utf-8")
    with pytest.raises(BadFile, match="not valid"):
        load_prompt(tmp_path / "p.md", "p.md")
    (tmp_path / "p.md").write_text(head + 'Say {{"a": {{%}}}} to {question}.', encoding="utf-8")
    filled = fill_prompt(load_prompt(tmp_path / "p.md", "p.md"), Item(ItemId("i"), {"question": "{{ 1 }}"}))
    assert filled[0].content == 'Say {"a": {%}} to {{ 1 }}.'
    for field in ("{x:>900000000}", "{x.__class__}", "{0}", "{x!r}"):
        (tmp_path / "p.md").write_text(head + field, encoding="utf-8")
        with pytest.raises(BadFile, match="must be the bare name of a variable"):
            load_prompt(tmp_path / "p.md", "p.md")


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("pass_from: 2", "pass_from: 1", ":8: field `pass_from`: must be a step above the lowest: 2, 3."),
        ("pass_from: 2", "pass_form: 2", "unknown key; did you mean `pass_from`?"),
        ("grade: 3", "grade: 4", "field `examples[0].grade`: is not a step of the scale."),
        ("label: Fair", "label: bad", "field `scale`: two steps have the same label."),
        ("  2: {", "  two: {", "field `scale`: its steps are whole numbers from 0 to 10."),
        ("version: 2", "version: '2'", "field `version`: must be a whole number."),
        ("version: 2", "version: 0", "field `version`: must be at least 1."),
        (
            "question: Is it good?",
            "question: true",
            "field `question`: must be text; put it in quotes (true or false now).",
        ),
        ("pass_from: 2", "pass_from: 2\njudge: {prompt: file://prompts/x.md}", "there is no file `prompts/x.md`"),
    ],
)
def test_broken_rubrics_are_refused(tmp_path: Path, was: str, becomes: str, said: str) -> None:
    """Each fault of a rubric is told in its own file, through the suite that names it."""
    message = refusal_of(tmp_path, SUITE, rubrics__good_yaml=RUBRIC.replace(was, becomes))
    assert message.startswith("rubrics/good.yaml:")
    assert said in message


def test_shipped_assets_load_without_a_problem() -> None:
    """Everything in prompts/ and rubrics/ of the repository is sound."""
    project = load_project(REPOSITORY)
    assert [str(problem) for problem in project.problems] == []
    assert len(project.suites) == len(Project(REPOSITORY).suite_paths()) > 0
    assert all(rubric.judge is not None for rubric in project.rubrics.values())


def test_assets_are_found_by_setting_then_beside_the_package(tmp_path: Path) -> None:
    """A setting wins and is not passed over when it is wrong; a checkout serves its own folders."""
    (tmp_path / "rubrics").mkdir()
    assert assets_folder(tmp_path) == tmp_path.resolve()
    with pytest.raises(BadSetting, match="EVALBOT_ASSETS"):
        assets_folder(tmp_path / "rubrics")
    if not (REPOSITORY / "evalbot" / "_assets").exists():
        assert assets_folder() == REPOSITORY.resolve()
