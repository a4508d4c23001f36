"""Where the prompts and rubrics that come with evalbot are."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import evalbot
from evalbot.errors import BadSetting


def assets_folder(setting: Path | None = None) -> Path:
    """Give the folder that holds the shipped `prompts/` and `rubrics/`, which is a project folder too.

    Looked up in order: the setting EVALBOT_ASSETS, the package's own `_assets`, and, in a checkout, the folder beside the
    package. A setting that holds neither raises BadSetting instead of being passed over.
    """
    if setting is not None:
        if not _holds_assets(setting):
            raise BadSetting(
                f"EVALBOT_ASSETS names {setting}, which has no folder `prompts` or `rubrics`.", "Correct or remove it."
            )
        return setting.resolve()
    installed = Path(str(files("evalbot"))) / "_assets"
    beside = Path(evalbot.__file__).parents[1]
    for folder in (installed, beside):
        if _holds_assets(folder):
            return folder.resolve()
    raise BadSetting(
        "The prompts and rubrics that come with evalbot were not found.",
        "Install evalbot again, or set EVALBOT_ASSETS to the folder that holds them.",
    )


def _holds_assets(folder: Path) -> bool:
    return (folder / "prompts").is_dir() or (folder / "rubrics").is_dir()
