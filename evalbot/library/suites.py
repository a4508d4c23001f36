"""Suite files into suites: everything a suite names is loaded with it, everything it says is checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from evalbot.errors import BadRequest
from evalbot.library.documents import Document, FieldPath, Problem, refusal
from evalbot.library.graders import GraderBuilder
from evalbot.library.item_format import MessageFile
from evalbot.library.items import Located, apply_split, located_items, make_item
from evalbot.library.project_files import SCHEME, Mention, ProjectFiles
from evalbot.library.prompts import inline_prompt, load_prompt
from evalbot.library.strict_model import did_you_mean, validate
from evalbot.library.suite_format import PromptEntry, SuiteFile
from evalbot.library.targets import make_target
from evalbot.library.yaml_text import read_yaml
from evalbot.suites.gates import check_names, parse_gate
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item
from evalbot.suites.pairing import cross_prompts
from evalbot.suites.prompts import PLAIN_PROMPT, Prompt
from evalbot.suites.skills import OVERALL, Skill
from evalbot.suites.suites import DigestPolicy, ReviewPolicy, RunDefaults, Suite
from evalbot.suites.targets import Target


def read_suite(path: Path, files: ProjectFiles) -> Suite:
    """Read a suite file and all it names; the suite has version 0. Raises BadFile."""
    return build_suite(read_yaml(path, files.name_of(path)), path.parent, files)


def build_suite(document: Document, folder: Path, files: ProjectFiles) -> Suite:
    """Make the suite that a document says; `folder` is where the files that it names are looked for first. Raises BadFile."""
    return _SuiteBuilder(validate(SuiteFile, document), document, folder, files).build()


class _SuiteBuilder:
    """Puts a suite together from its file; rubrics are gathered on the way as graders name them."""

    def __init__(self, written: SuiteFile, document: Document, folder: Path, files: ProjectFiles) -> None:
        self.written = written
        self.document = document
        self.folder = folder
        self.files = files
        self.prompts = self._prompts()
        self.targets = self._targets()
        self.pairs = cross_prompts(self.targets, self.prompts)
        self.graders = GraderBuilder(folder, files, [pair.label for pair in self.pairs])

    def build(self) -> Suite:
        """Give the suite."""
        written = self.written
        for index, name in enumerate(written.rubrics):
            self.graders.gather(name, self.document, ("rubrics", index))
        graders = self.graders.graders(written.defaults.graders, self.document, ("defaults", "graders"))
        items = self._items(graders)
        return Suite(
            name=written.name,
            items=tuple(items),
            description=written.description,
            owner=written.owner,
            prompts=self.prompts,
            targets=self.pairs,
            baseline=self._baseline(),
            skills={name: Skill(name, one.description, tuple(one.levels)) for name, one in written.skills.items()},
            rubrics=self.graders.rubrics,
            graders=tuple(graders),
            run=self._run(),
            review=ReviewPolicy(**written.review.model_dump()),
            digest=DigestPolicy(**written.digest.model_dump()),
            gate=self._gate(items),
        )

    def _gate(self, items: Sequence[Item]) -> tuple[str, ...]:
        """Give the conditions of the gate; each must be one, and name a skill and target that there are."""
        texts = tuple(self.written.gate.fail_if) if self.written.gate else ()
        skills = [*self.written.skills, *(item.skill for item in items if item.skill)]
        for index, text in enumerate(texts):
            try:
                check_names(parse_gate([text]), list(dict.fromkeys(skills)), [pair.label for pair in self.pairs])
            except BadRequest as error:
                said = f"{error.message.rstrip('.')}. {error.hint}".strip()
                raise refusal(self.document, [Problem(("gate", "fail_if", index), said)]) from None
        return texts

    def _mention(self, document: Document, path: FieldPath) -> Mention:
        return Mention(document, path, self.folder)

    def _targets(self) -> tuple[Target, ...]:
        """Give the targets as written; no two may have one label, because results are kept by label."""
        known = [prompt.name for prompt in self.prompts]
        targets: list[Target] = []
        for index, entry in enumerate(self.written.targets):
            target = make_target(entry, self.document, ("targets", index))
            if target.label in {one.label for one in targets}:
                text = f"another target has the label `{target.label}`; give this one a `label` of its own"
                raise refusal(self.document, [Problem(("targets", index), text)])
            if target.prompt and target.prompt not in known:
                text = f"no prompt is called this{did_you_mean(target.prompt, known)}"
                raise refusal(self.document, [Problem(("targets", index, "prompt"), text)])
            targets.append(target)
        return tuple(targets)

    def _baseline(self) -> str:
        """Give the label of the baseline, named by the label or id of a target (its first pair) or by the label of a pair."""
        name = self.written.baseline
        if not name or not self.targets or name in {pair.label for pair in self.pairs}:
            return name
        for target in self.targets:
            if name in (target.label, target.id):
                return cross_prompts([target], self.prompts)[0].label
        known = [label for target in self.targets for label in (target.label, target.id)]
        raise refusal(self.document, [Problem(("baseline",), f"no target is called this{did_you_mean(name, known)}")])

    def _run(self) -> RunDefaults:
        run = self.written.run
        judge = None
        if run.judge is not None:
            entry = run.judge if isinstance(run.judge, str) else run.judge.target
            judge = make_target(entry, self.document, ("run", "judge"))
        budget = run.budget.usd if run.budget else None
        return RunDefaults(run.epochs, run.max_concurrency, judge, budget)

    def _prompts(self) -> tuple[Prompt, ...]:
        """Give the prompts; no two may have one name."""
        if self.written.prompts is None:
            return (PLAIN_PROMPT,)
        prompts: list[Prompt] = []
        for index, entry in enumerate(self.written.prompts):
            prompt = self._prompt(index, entry)
            if prompt.name in {one.name for one in prompts}:
                raise refusal(self.document, [Problem(("prompts", index), f"another prompt is called `{prompt.name}`")])
            prompts.append(prompt)
        return tuple(prompts)

    def _prompt(self, index: int, entry: str | PromptEntry | list[MessageFile]) -> Prompt:
        name = "prompt" if len(self.written.prompts or ()) == 1 else f"prompt-{index + 1}"
        if isinstance(entry, PromptEntry):
            if entry.messages is not None:
                return inline_prompt(entry.name, entry.messages, entry.inputs, self.document, index)
            path = self.files.find(entry.file or "", self._mention(self.document, ("prompts", index)))
            return replace(load_prompt(path, self.files.name_of(path)), name=entry.name)
        if isinstance(entry, list):
            return inline_prompt(name, entry, (), self.document, index)
        if entry.startswith(SCHEME):
            path = self.files.find(entry, self._mention(self.document, ("prompts", index)))
            return load_prompt(path, self.files.name_of(path))
        return inline_prompt(name, [MessageFile(role="user", content=entry)], (), self.document, index)

    def _items(self, defaults: Sequence[GraderSpec]) -> list[Item]:
        """Give the items, checked, each in its split."""
        items, given, seen = list[Item](), list[str | None](), set[str]()
        wrong: list[tuple[Document, Problem]] = []
        for one in located_items(self.written, self.document, self.folder, self.files):
            graders = self.graders.graders(one.written.graders, one.document, (*one.path, "graders"))
            item = make_item(one, self.written.defaults.vars, graders, self.written.defaults.metadata)
            found = [(one.document, problem) for problem in self._item_problems(one, item, defaults, seen)]
            wrong += [problem for problem in found if not wrong or one.document is wrong[0][0]]
            items.append(item)
            given.append(one.written.split)
        if not items:
            raise refusal(self.document, [Problem(("items",), "the named files hold no items")])
        if wrong:
            raise refusal(wrong[0][0], [problem for _, problem in wrong])
        return apply_split(items, given, self.written.split)

    def _item_problems(
        self, one: Located, item: Item, defaults: Sequence[GraderSpec], seen: set[str]
    ) -> Iterable[Problem]:
        """Yield what is wrong with an item beside those before it, and with what the suite says of skills."""
        if item.id in seen:
            yield one.problem("this id was used before; ids are unique in a suite", "id")
        seen.add(item.id)
        yield from self._skill_problems(one, item)
        if item.reference is None:
            yield from _unmatched(one, item, defaults)

    def _skill_problems(self, one: Located, item: Item) -> Iterable[Problem]:
        skills = self.written.skills
        if item.skill == OVERALL:
            yield one.problem(f"`{OVERALL}` is what all skills together are called; choose another name", "skill")
        if item.skill is None:
            if item.level is not None:
                yield one.problem("has a level but no skill", "level")
        elif item.skill not in skills:
            if skills:
                yield one.problem(
                    f"`{item.skill[:60]}` is not one of the skills{did_you_mean(item.skill, list(skills))}", "skill"
                )
        elif item.level is not None and item.level not in skills[item.skill].levels:
            known = did_you_mean(item.level, skills[item.skill].levels)
            yield one.problem(f"`{item.level[:60]}` is not a level of {item.skill[:60]}{known}", "level")


NEEDS_VALUE = frozenset(
    {
        GraderType.EQUALS,
        GraderType.CONTAINS,
        GraderType.ICONTAINS,
        GraderType.CONTAINS_ANY,
        GraderType.CONTAINS_ALL,
        GraderType.STARTS_WITH,
        GraderType.NUMERIC,
        GraderType.CHOICE,
        GraderType.FUZZY,
        GraderType.SIMILAR,
        GraderType.FACTUALITY,
        GraderType.CONTEXT_RECALL,
    }
)
"""Graders that compare with their value or else with the item's reference."""


def _unmatched(one: Located, item: Item, defaults: Sequence[GraderSpec]) -> Iterable[Problem]:
    """Yield a problem for a check of an item without reference that has no value either."""
    graders = [*defaults, *item.graders]
    members = [member for grader in graders for member in grader.graders]
    for grader in (*graders, *members):
        with_reference = grader.type is GraderType.PAIRWISE and not grader.against
        if (grader.type in NEEDS_VALUE and grader.value is None) or with_reference:
            yield one.problem(f"its check `{grader.type}` has nothing to compare with; give the item a `reference`")
            return
