"""Nouns as the text of project files: the way back from what the library loads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, is_dataclass, replace
from typing import Any

import yaml
from pydantic import JsonValue, ValidationError

from evalbot.library.documents import Document, Place, Problem, refusal
from evalbot.library.graders import grader_fields
from evalbot.library.item_format import ItemFile
from evalbot.library.json_lines import BadJson, count_values
from evalbot.library.rubric_format import RubricFile
from evalbot.library.strict_model import FileModel, invalid
from evalbot.library.suite_format import SuiteFile
from evalbot.library.yaml_text import is_plain_text
from evalbot.suites.graders import GraderSpec
from evalbot.suites.items import Item, ItemId, Message
from evalbot.suites.prompts import PLAIN_PROMPT, Prompt
from evalbot.suites.rubrics import JudgePrompt, Rubric, RubricExample, Scale
from evalbot.suites.skills import Skill
from evalbot.suites.suites import Suite
from evalbot.suites.targets import Target, short_target

Fields = dict[str, JsonValue]


def suite_text(suite: Suite, items: str) -> str:
    """Give the text of a suite file whose items are in the file `items` names. Raises BadFile for what no file may hold."""
    data: Fields = {"name": suite.name}
    data |= _texts(description=suite.description, owner=suite.owner)
    if suite.prompts != (PLAIN_PROMPT,):
        data["prompts"] = [_prompt(prompt) for prompt in suite.prompts]
    if suite.targets:
        data["targets"] = [_target(target) for target in suite.targets]
    data |= _texts(baseline=suite.baseline)
    if suite.skills:
        data["skills"] = {name: _sparse(skill, Skill(skill.name)) for name, skill in suite.skills.items()}
    if suite.rubrics:
        data["rubrics"] = list(suite.rubrics)
    if suite.graders:
        data["defaults"] = {"graders": [_grader(spec) for spec in suite.graders]}
    return _yaml({**data, **_policies(suite), "items": [items]}, SuiteFile, f"suites/{suite.name}.yaml")


def _policies(suite: Suite) -> Fields:
    """Give how the suite is run, reviewed and reported, where that is not the usual way."""
    usual = Suite(name=suite.name, items=())
    run: Fields = {}
    if suite.run.epochs != usual.run.epochs:
        run["epochs"] = suite.run.epochs
    if suite.run.max_concurrency != usual.run.max_concurrency:
        run["max_concurrency"] = suite.run.max_concurrency
    if suite.run.judge is not None:
        run["judge"] = {"target": _target(suite.run.judge)}
    if suite.run.budget_usd is not None:
        run["budget"] = {"usd": suite.run.budget_usd}
    policies: dict[str, Fields] = {
        "run": run,
        "review": _sparse(suite.review, usual.review),
        "digest": _sparse(suite.digest, usual.digest),
        "gate": {"fail_if": list(suite.gate)} if suite.gate else {},
    }
    return {name: dict(one) for name, one in policies.items() if one}


def _texts(**texts: str) -> Fields:
    return {name: text for name, text in texts.items() if text}


def _sparse(value: Any, usual: Any) -> Fields:
    """Give the fields of a record that differ from the usual ones, as plain data."""
    assert is_dataclass(value)
    assert not isinstance(value, type)
    was = asdict(usual)
    return {name: _plain(one) for name, one in asdict(value).items() if one != was[name]}


def _plain(value: Any) -> JsonValue:
    """Give lists for tuples and plain texts for enumerations."""
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return str(value) if isinstance(value, str) else value


def _messages(messages: Iterable[Message]) -> JsonValue:
    return [{"role": one.role, "content": one.content} for one in messages]


def _prompt(prompt: Prompt) -> Fields:
    inputs: Fields = {"inputs": list(prompt.inputs)} if prompt.inputs else {}
    return {"name": prompt.name, **inputs, "messages": _messages(prompt.messages)}


def _target(target: Target) -> JsonValue:
    """Give a target in its short form where that says all."""
    short = short_target(target.id)
    if target == short:
        return target.id
    label: Fields = {} if target.label == short.label else {"label": target.label}
    config: Fields = {"config": _plain(target.config)} if target.config else {}
    return {"id": target.id, **label, **_texts(prompt=target.prompt), **config}


def _grader(spec: GraderSpec) -> Fields:
    sparse = _sparse(replace(spec, target=None, graders=()), GraderSpec(spec.type))
    if spec.target is not None:
        sparse["target"] = _target(spec.target)
    if spec.graders:
        sparse["graders"] = [_grader(one) for one in spec.graders]
    return grader_fields(spec, sparse)


def item_fields(item: Item) -> Fields:
    """Give an item as the object of one line of an items file; what is usual is left out."""
    usual = Item(id=ItemId(""))
    fields = _sparse(item, usual)
    if item.messages:
        fields["messages"] = _messages(item.messages)
        fields.pop("vars", None)
    if item.graders:
        fields["graders"] = [_grader(spec) for spec in item.graders]
    if "source" in fields:
        fields["source"] = {
            "kind": item.source.kind,
            **_texts(by=item.source.by, url=item.source.url, at=item.source.at),
        }
    return fields


def item_lines(items: Iterable[Item]) -> str:
    """Give items as JSON Lines. Raises BadFile naming the item that no file may hold."""
    lines: list[str] = []
    for item in items:
        fields = item_fields(item)
        _check(fields, ItemFile, f"item {item.id}")
        lines.append(json.dumps(fields, ensure_ascii=False, allow_nan=False))
    return "".join(line + "\n" for line in lines)


def rubric_text(rubric: Rubric, judge: str | None) -> str:
    """Give the text of a rubric file; `judge` names the file of its judge prompt. Raises BadFile."""
    data = _sparse(rubric, Rubric("", 0, "", Scale(()), pass_from=-1))
    data["scale"] = {
        str(step.value): {"label": step.label, **_texts(anchor=step.anchor)} for step in rubric.scale.steps
    }
    data["judge"] = False if judge is None else {"prompt": judge, "output": "json"}
    return _yaml(data, RubricFile, f"rubrics/{rubric.name}.yaml")


def examples_text(examples: Iterable[RubricExample]) -> str:
    """Give graded examples as they stand in a rubric file."""
    return _dump({"examples": [_plain(asdict(one)) for one in examples]}, width=10_000)


def judge_text(judge: JudgePrompt) -> str:
    """Give the text of a judge prompt's file."""
    return f"---\n{_dump({'name': judge.name, 'version': judge.version})}---\n{judge.template}\n"


def _yaml(data: Fields, model: type[FileModel], name: str) -> str:
    _check(data, model, name)
    return _dump(data)


def _check(data: Fields, model: type[FileModel], name: str) -> None:
    """Refuse to write what could not be read again."""
    document = Document(name, data, Place(1))
    try:
        count_values(data)
        model.model_validate(data)
    except BadJson as error:
        raise refusal(document, [Problem((), f"cannot be written: it {error}")]) from None
    except ValidationError as error:
        raise invalid(document, model, error) from None


_BLOCK = re.compile(r"(?=[!-~])(?:[ -~]*[!-~])?(?:\n(?:[ -~]*[!-~])?)*\n?")
"""Texts that look the same as a block: printable ASCII in lines without blanks at their ends."""


class _Dumper(yaml.SafeDumper):
    """Quotes every text that could be read as something else."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write everything out: no anchors."""
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    block = "\n" in text and _BLOCK.fullmatch(text)
    style = None if is_plain_text(text) else "|" if block else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def _dump(data: Fields, width: int = 100) -> str:
    return yaml.dump(data, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=width)
