"""The map of the code is kept: who may import whom, what stays pure, and where an import may wait."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import evalbot

ROOT = Path(evalbot.__path__[0])

LAYERS = (
    "errors",
    "people stats logs",
    "settings",
    "suites",
    "runs",
    "grading",
    "reporting",
    "library! asking! charts! store! reports! api!",
    "workflows",
    "slack! engines! schedule! project_watch! playground! terminal! testing!",
    "app",
    "metrics",
    "serving working",
    "demo",
    "commands",
    "cli",
)
"""A part imports from the layers above it; those with `!` know nothing of each other."""

EXCEPTIONS = frozenset({("terminal", "app"), ("terminal", "serving")})
"""The commands of the terminal start the program themselves."""

NEVER = {
    "playground": frozenset({"*"}),
    "slack": frozenset({"store", "asking", "library", "charts"}),
    "api": frozenset({"library", "store", "workflows"}),
}
"""What a part may not import although its layer allows it; `*` stands for all of evalbot."""

PURE = """
    people stats suites runs grading reporting slack.views slack.blocks slack.text slack.command_text slack.command_values
    slack.command_words
"""

OUTSIDE = """
    asyncio socket ssl select http urllib.request subprocess multiprocessing threading concurrent queue os shutil tempfile
    pathlib glob io sqlite3 time logging sqlalchemy sqlmodel alembic aiosqlite psycopg slack_sdk slack_bolt aiohttp httpx
    websockets starlette uvicorn openai langchain langchain_core langchain_openai matplotlib typer rich
"""
"""Packages that reach beyond values: the network, files, the clock, threads, chats, databases, models, pictures."""

LATE = {
    "scipy": "takes a second to import, and only rare intervals need it",
    "langchain": "slow, and only targets through LangChain need it",
    "langchain_core": "slow, and only targets through LangChain need it",
    "langchain_openai": "slow, and only targets through LangChain need it",
    "openai": "slow, and only needed once a model is asked",
    "genai_prices": "slow, and only needed once a price is asked for",
    "evalbot.asking.openai_chat": "brings the openai package",
    "evalbot.asking.langchain_runnable": "brings LangChain",
    "evalbot.asking.http_app": "few projects ask an app over HTTP",
    "evalbot.asking.http_config": "brings JMESPath, and few projects ask an app over HTTP",
    "procrastinate": "part of an extra, and only PostgreSQL has its queue",
    "evalbot.engines.distributed": "brings Procrastinate, which is part of an extra",
    "evalbot.engines.job_queue": "brings Procrastinate, which is part of an extra",
    "sqlalchemy.dialects.postgresql": "brings the drivers of another database than most have",
    "alembic": "slow, and only needed for an old schema or PostgreSQL",
    "evalbot.store.migrate": "brings an engine beside a loop, which who only looks something up does without",
    "evalbot.grading.schemas": "brings jsonschema, which is slow, and few suites use it",
    "evalbot.commands.calibrating": "brings the whole program, and most look only at what is known of a judge",
}
"""What may be imported inside a function, each with its reason."""

CLOCKS = frozenset({"now", "utcnow", "today", "fromtimestamp"})


@dataclass(frozen=True)
class Import:
    """One import: by which module (without `evalbot.`), of what, and inside which function, if any."""

    by: str
    of: str
    function: str = ""

    @property
    def part(self) -> str:
        """The part of the map that the importing module belongs to."""
        return self.by.partition(".")[0]

    @property
    def part_of(self) -> str | None:
        """The part that is imported; None for other packages, empty for the package itself."""
        names = self.of.split(".")
        return (names[1] if len(names) > 1 else "") if names[0] == "evalbot" else None

    def __str__(self) -> str:
        return f"{self.by} imports {self.of}"


@cache
def modules() -> Mapping[str, ast.Module]:
    """Give every module of the product, by its name without `evalbot.`."""
    paths = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in ROOT.rglob("*.py")}
    found = {name.removesuffix("__init__").removesuffix("."): path for name, path in paths.items()}
    return {name: ast.parse(path.read_text("utf-8")) for name, path in found.items()}


def imports_of(name: str, tree: ast.AST, known: Iterable[str], function: str = "") -> Iterator[Import]:
    """Give the imports of a module; `from a import b` is of a.b where that is a module."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(name, alias.name, function) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name} has a relative import"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found = {one for one in inner if one.removeprefix("evalbot.") in known} or {node.module or ""}
            yield from (Import(name, one, function) for one in found)
        else:
            inside = node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else function
            yield from imports_of(name, node, known, inside)


@cache
def all_imports() -> tuple[Import, ...]:
    """Give every import of the product."""
    return tuple(one for name, tree in modules().items() for one in imports_of(name, tree, modules()))


def places() -> Mapping[str, tuple[int, bool]]:
    """Give each part's layer, and whether it may not know its neighbours."""
    named = [(number, part) for number, layer in enumerate(LAYERS) for part in layer.split()]
    return {part.rstrip("!"): (number, part.endswith("!")) for number, part in named}


def breaks_layers(one: Import) -> bool:
    """Tell whether an import goes against the map."""
    if one.part_of is None or one.part_of == one.part:
        return False
    never = NEVER.get(one.part, frozenset())
    if "*" in never or one.part_of in never:
        return True
    if one.part_of == "" or (one.part, one.part_of) in EXCEPTIONS:
        return False
    here, _ = places()[one.part]
    there, apart = places()[one.part_of]
    return there > here or (there == here and apart)


def find_cycle(edges: Mapping[str, set[str]]) -> list[str]:
    """Give the modules that import each other in a circle, with those that need them, sorted; none without a circle."""
    left = {name: set(wanted) for name, wanted in edges.items()}
    while leaves := {name for name, wanted in left.items() if not wanted & left.keys()}:
        left = {name: wanted - leaves for name, wanted in left.items() if name not in leaves}
    return sorted(left)


def is_pure(name: str) -> bool:
    """Tell whether a module belongs to the parts that stay pure."""
    return any(name == part or name.startswith(f"{part}.") for part in PURE.split())


def reaches_out(one: Import) -> bool:
    """Tell whether an import brings a package that reaches beyond values."""
    return any(one.of == name or one.of.startswith(f"{name}.") for name in OUTSIDE.split())


def impure_calls(tree: ast.AST) -> Iterator[str]:
    """Give the calls of a module that read a clock, a file, or the random generator that everybody shares."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        owner, _, method = called.rpartition(".")
        shared = owner in ("random", "np.random", "numpy.random") and method not in (
            "Random",
            "default_rng",
            "Generator",
        )
        if called in ("open", "input", "print") or shared or (method in CLOCKS and owner in ("datetime", "date")):
            yield f"line {node.lineno}: {called}"


def test_every_part_has_a_place_on_the_map() -> None:
    """A new part of the product is put into a layer first; a part that is gone leaves the map."""
    parts = {name.partition(".")[0] for name in modules()} - {""}
    assert parts == set(places())


def test_parts_import_only_what_lies_above_them() -> None:
    """One direction: what we ask, then asking, then grading, then telling, then the stories, then the doors."""
    assert sorted({str(one) for one in all_imports() if breaks_layers(one)}) == []


@pytest.mark.parametrize(
    ("by", "of", "broken"),
    [
        ("suites.items", "evalbot.errors", False),
        ("errors", "evalbot.people", True),
        ("people", "evalbot.errors", False),
        ("stats.pairs", "evalbot.people", False),
        ("suites.items", "evalbot.runs.runs", True),
        ("store.runs", "evalbot.asking.ask", True),
        ("store.runs", "evalbot.store.tables", False),
        ("workflows.running", "evalbot.store.runs", False),
        ("slack.actions", "evalbot.workflows.running", False),
        ("slack.actions", "evalbot.store.runs", True),
        ("slack.actions", "evalbot.engines.embedded", True),
        ("playground.server", "evalbot.errors", True),
        ("playground.server", "evalbot", True),
        ("terminal.runs", "evalbot.app", False),
        ("slack.app", "evalbot.app", True),
        ("library.project", "evalbot", False),
        ("app", "evalbot.slack.app", False),
        ("app", "evalbot.cli", True),
        ("asking.ask", "sqlalchemy", False),
    ],
)
def test_the_rule_of_layers_can_be_broken(by: str, of: str, broken: bool) -> None:
    """The check above sees what it should see."""
    assert breaks_layers(Import(by, of)) is broken


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Any module can be read, tested and moved after those it imports."""
    edges: dict[str, set[str]] = {name: set() for name in modules()}
    for one in all_imports():
        edges[one.by].add(one.of.removeprefix("evalbot."))
    assert find_cycle(edges) == []
    assert find_cycle({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}) == ["a", "b", "c"]


def test_imports_wait_only_for_a_written_reason() -> None:
    """An import inside a function hides a dependency: only slow or optional packages may, and the list stays true."""
    waiting = [one for one in all_imports() if one.function]
    reasons = {one: [name for name in LATE if one.of == name or one.of.startswith(f"{name}.")] for one in waiting}
    assert sorted(f"{one} in {one.function}" for one, found in reasons.items() if not found) == []
    assert sorted(LATE.keys() - {name for found in reasons.values() for name in found}) == []


def test_pure_parts_bring_nothing_that_reaches_out() -> None:
    """Nouns, rules, numbers and views are values and functions: no network, no files, no clock, no database."""
    assert sorted(str(one) for one in all_imports() if is_pure(one.by) and reaches_out(one)) == []
    assert reaches_out(Import("suites.items", "urllib.request"))
    assert not reaches_out(Import("suites.items", "urllib.parse"))


def test_pure_parts_get_time_and_chance_as_arguments() -> None:
    """No pure module reads the clock, a file, or the random generator that all share."""
    found = [f"{name} {call}" for name, tree in modules().items() if is_pure(name) for call in impure_calls(tree)]
    assert found == []
    bad = (
        "datetime.now(UTC); date.today(); random.random(); np.random.rand(2); open('x'); random.Random(1); rng.random()"
    )
    assert [call.partition(": ")[2] for call in impure_calls(ast.parse(bad))] == [
        "datetime.now",
        "date.today",
        "random.random",
        "np.random.rand",
        "open",
    ]


def test_matplotlib_and_models_stay_in_their_parts() -> None:
    """Pictures are drawn in `charts` alone; models are asked in `asking` alone; rows never leave `store`."""
    homes = {"matplotlib": "charts", "openai": "asking", "langchain": "asking", "sqlmodel": "store", "alembic": "store"}
    strangers = [
        str(one) for one in all_imports() if homes.get(one.of.partition(".")[0].partition("_")[0], one.part) != one.part
    ]
    assert strangers == []


def test_packages_begin_with_one_docstring() -> None:
    """The first file of every package holds one docstring that says what it is for; the product's own also its version."""
    for name, tree in modules().items():
        if (ROOT / Path(*name.split("."), "__init__.py")).exists() and name:
            assert len(tree.body) == 1, name
        assert ast.get_docstring(tree), f"{name} has no docstring"
