"""Runs as JUnit XML: the form of the common schema, whatever the texts hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

from evalbot.reports.contents import RunReport
from evalbot.reports.junit import run_junit
from tests.unit.reports.report_samples import SECRET, hostile_texts, mixed_report, report_of

FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

INTEGER = re.compile(r"\d+").fullmatch
DECIMAL = re.compile(r"\d+(\.\d+)?").fullmatch
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d").fullmatch
WORD = re.compile(r"(?s).+").fullmatch
ANYTHING = re.compile(r"(?s).*").fullmatch

ATTRIBUTES: dict[str, dict[str, Callable[[str], object]]] = {
    "testsuites": {},
    "testsuite": {
        "name": WORD,
        "package": ANYTHING,
        "id": INTEGER,
        "timestamp": MOMENT,
        "hostname": WORD,
        "tests": INTEGER,
        "failures": INTEGER,
        "errors": INTEGER,
        "skipped": INTEGER,
        "time": DECIMAL,
    },
    "properties": {},
    "property": {"name": WORD, "value": ANYTHING},
    "testcase": {"name": ANYTHING, "classname": ANYTHING, "time": DECIMAL},
    "failure": {"message": ANYTHING, "type": ANYTHING},
    "error": {"message": ANYTHING, "type": ANYTHING},
    "skipped": {"message": ANYTHING},
    "system-out": {},
    "system-err": {},
}
"""Exactly these attributes with these forms: all that the strict Ant schema requires, nothing that it or Jenkins' refuses."""

CHILDREN = {
    "testsuites": r"(testsuite )*",
    "testsuite": r"properties (testcase )*system-out system-err ",
    "properties": r"(property )*",
    "testcase": r"((skipped|error|failure) )?",
}
"""Which elements may follow each other inside which; all others hold text alone."""


def parsed(report: RunReport) -> ET.Element:
    """Write a report and read it back, checked against the schema's rules."""
    text = run_junit(report)
    assert FORBIDDEN.search(text) is None
    root = ET.fromstring(text.encode("utf-8"))
    assert root.tag == "testsuites"
    for element in root.iter():
        forms = ATTRIBUTES[element.tag]
        assert element.attrib.keys() == forms.keys(), element.tag
        assert all(forms[name](value) for name, value in element.attrib.items()), element.attrib
        inside = "".join(f"{child.tag} " for child in element)
        assert re.fullmatch(CHILDREN.get(element.tag, ""), inside), inside
    return root


def test_states_become_their_elements() -> None:
    """Failed graders are a failure, errors an error, what has no verdict is skipped; the counts say the same."""
    (suite,) = parsed(mixed_report())
    cases = {case.attrib["name"]: case for case in suite.iter("testcase")}
    kinds = {name: case[0].tag if len(case) else "passed" for name, case in cases.items()}
    assert kinds == {
        **{f"item-{n}": "passed" for n in range(4)},
        **{f"item-{n}": "failure" for n in (4, 5, 6)},
        "item-7": "error",
        "item-8": "error",
        "item-9": "skipped",
        "item-11": "skipped",
    }
    counts = {name: int(suite.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": 11, "failures": 3, "errors": 2, "skipped": 2}


def test_a_suite_is_a_target_and_a_class_is_a_skill() -> None:
    """Names come from the run: target, skill, item; a failure names its graders and quotes the answer."""
    (suite,) = parsed(mixed_report())
    assert (suite.attrib["name"], suite.attrib["package"]) == ("main", "support-desk")
    case = next(case for case in suite.iter("testcase") if case.attrib["name"] == "item-4")
    assert case.attrib["classname"] == "citations"
    assert case[0].attrib == {"message": "correct: Not found.", "type": "correct"}
    assert "Answer: a thing" in (case[0].text or "")


def test_the_holdout_is_left_out_unless_asked_for() -> None:
    """No text of a holdout item is in the file; asked for, it is."""
    text = run_junit(mixed_report())
    assert SECRET not in text
    assert 'name="holdout answers left out" value="1"' in text
    assert SECRET in run_junit(mixed_report(include_holdout=True))


def test_hostile_texts_stay_texts() -> None:
    """Every hostile output is one test case, however it is written, and its words are in the failure."""
    texts = list(dict.fromkeys(hostile_texts()))
    (suite,) = parsed(report_of(texts))
    cases = list(suite.iter("testcase"))
    assert len(cases) == len(texts)
    quoted = {text: case[0].text or "" for text, case in zip(sorted(texts), cases, strict=False)}
    assert any("</pre></details><script>alert(1)</script>" in one for one in quoted.values())
    assert any("␀" in one and "[U+D83D]" in one for one in quoted.values())
    assert not any("\u202e" in one or "\x1b" in one for one in quoted.values())
