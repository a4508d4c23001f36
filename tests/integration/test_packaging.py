"""The wheel holds everything, works from anywhere, and the pinned lists are plain pins."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from itertools import pairwise
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from evalbot import __version__
from evalbot.library.assets import assets_folder

ROOT = Path(__file__).parents[2]

PRINT_JUDGE = """
import sys, evalbot
from evalbot.library.assets import assets_folder
sys.stdout.write(evalbot.__file__ + "\\n" + (assets_folder() / "prompts" / "judge" / "rubric.md").read_text("utf-8"))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    return Path(next(iter(WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"]))))


def names(wheel: Path) -> set[str]:
    """Give the files of a wheel."""
    with zipfile.ZipFile(wheel) as packed:
        return set(packed.namelist())


def tracked(folder: str) -> set[str]:
    """Give the files of a folder of the checkout, without caches."""
    found = (path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(ROOT).as_posix() for path in found}


def test_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    """Code, types marker, migrations, the playground's page and answers: what is in the package's folder is in the wheel."""
    there = names(wheel)
    assert tracked("evalbot") - there == set()
    named = {
        "evalbot/py.typed",
        "evalbot/playground/web/index.html",
        "evalbot/playground/web/app.js",
        "evalbot/playground/simulated/personas.json",
        "evalbot/store/migrations/env.py",
    }
    assert named - there == set()
    assert any(re.fullmatch(r"evalbot/playground/simulated/answers/.+\.jsonl", name) for name in there)
    assert any(re.fullmatch(r"evalbot/store/migrations/versions/.+\.py", name) for name in there)


def test_wheel_holds_prompts_and_rubrics(wheel: Path) -> None:
    """What ships beside the package is inside it when installed."""
    there = names(wheel)
    wanted = {f"evalbot/_assets/{name}" for folder in ("prompts", "rubrics") for name in tracked(folder)}
    assert "evalbot/_assets/prompts/judge/rubric.md" in wanted
    assert wanted - there == set()


def test_wheel_holds_nothing_else(wheel: Path) -> None:
    """No tests, caches, databases or notes are shipped; names and version are right."""
    assert wheel.name == f"evalbot-{__version__}-py3-none-any.whl"
    info = f"evalbot-{__version__}.dist-info/"
    assert {name for name in names(wheel) if not name.startswith(("evalbot/", info))} == set()
    assert [name for name in names(wheel) if re.search(r"__pycache__|\.db$|\.tmp$|/tests?/", name)] == []
    with zipfile.ZipFile(wheel) as packed:
        assert b"evalbot = evalbot.cli:main" in packed.read(info + "entry_points.txt")
        about = packed.read(info + "METADATA").decode()
    assert "\nRequires-Python: <3.14,>=3.11\n" in about
    assert f"{info}licenses/LICENSE" in names(wheel)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh folder with the wheel installed in it."""
    folder = tmp_path_factory.mktemp("installed")
    options = ("--no-deps", "--no-index", "--no-compile", "--quiet", "--disable-pip-version-check", "--target")
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(folder), str(wheel)], check=True, timeout=120)
    return folder


def run_python(code: str, path: Path | None) -> str:
    """Run code with Python from the root folder of the machine; `path` comes before everything installed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("EVALBOT_", "PYTHON"))}
    environment |= {"PYTHONPATH": str(path)} if path else {}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd="/", env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def test_an_installed_wheel_finds_its_own_prompts(installed: Path) -> None:
    """From any folder the judge's prompt is read out of the installed package."""
    place, _, prompt = run_python(PRINT_JUDGE, installed).partition("\n")
    assert Path(place).is_relative_to(installed)
    assert prompt == (ROOT / "prompts" / "judge" / "rubric.md").read_text("utf-8")
    assert (installed / "evalbot" / "_assets" / "rubrics" / "helpfulness.yaml").is_file()


def test_an_installed_wheel_lints_what_it_ships(installed: Path) -> None:
    """The installed program loads the installed suites, rubrics and prompts without a fault."""
    said = run_python("import sys; sys.argv = ['evalbot', 'lint']; from evalbot.cli import main; main()", installed)
    assert "ok  support-desk:" in said
    assert "wrong" not in said


def test_an_editable_install_reads_the_live_files() -> None:
    """In a checkout the files beside the package are used, not copies of them."""
    place, _, prompt = run_python(PRINT_JUDGE, None).partition("\n")
    assert Path(place) == ROOT / "evalbot" / "__init__.py"
    assert prompt == (ROOT / "prompts" / "judge" / "rubric.md").read_text("utf-8")
    assert assets_folder() == ROOT


def test_assets_can_be_set(tmp_path: Path) -> None:
    """EVALBOT_ASSETS comes first, and a setting without assets is refused rather than passed over."""
    (tmp_path / "prompts").mkdir()
    assert assets_folder(tmp_path) == tmp_path.resolve()


def lines_of(name: str) -> list[str]:
    """Give the lines of a pinned list that are not comments."""
    text = (ROOT / name).read_text("utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


PIN = r"[a-z0-9][a-z0-9._-]*(\[[a-z0-9,-]+\])?==[0-9][A-Za-z0-9.+!_-]*( ?; [^\\#]+)?"


def test_constraints_are_pins() -> None:
    """constraints.txt holds a version for each package and nothing else."""
    lines = lines_of("constraints.txt")
    assert len(lines) > 40
    assert [line for line in lines if not re.fullmatch(PIN, line.partition("  #")[0].rstrip())] == []


def test_lock_holds_pins_with_hashes() -> None:
    """requirements.lock holds a version with hashes for each package and nothing else."""
    lines = [line.removesuffix("\\").rstrip() for line in lines_of("requirements.lock")]
    pins = [line for line in lines if not line.startswith(" ")]
    assert len(pins) > 40
    assert [line for line in pins if not re.fullmatch(PIN, line)] == []
    assert [
        line for line in lines if line.startswith(" ") and not re.fullmatch(r" +--hash=sha256:[0-9a-f]{64}", line)
    ] == []
    for line, following in pairwise(lines):
        assert line.startswith(" ") or following.startswith("    --hash="), line


@pytest.mark.parametrize("name", ["constraints.txt", "requirements.lock"])
def test_pinned_lists_name_no_host(name: str) -> None:
    """Where packages come from is each installer's own affair."""
    text = (ROOT / name).read_text("utf-8").lower()
    assert re.findall(r"https|http:|://|index|find-links|trusted-host| @ ", text) == []


def test_pinned_lists_agree() -> None:
    """Both lists pin the same version of what they share, and every dependency of the project is in them."""
    pinned = [dict(line.split(" ")[0].split("==", 1) for line in lines_of(name) if not line.startswith(" "))
              for name in ("constraints.txt", "requirements.lock")]  # fmt: skip
    shared = set(pinned[0]) & set(pinned[1])
    assert len(shared) > 40
    assert {name for name in shared if pinned[0][name] != pinned[1][name]} == set()
    for name in ("typer", "pydantic", "openai", "langchain-core", "slack-bolt", "sqlmodel", "matplotlib"):
        assert name in shared
