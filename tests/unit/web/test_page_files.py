"""The files of the playground page: self-contained, safe with foreign text, small."""

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

WEB = Path(__file__).parents[3] / "evalbot" / "playground" / "web"
MODULES = sorted(path for path in WEB.rglob("*.js") if "vendor" not in path.parts)
IMPORT = re.compile(r'(?:^|\n)(?:import|export)\s[^;]*?from "([^"]+)"')


def import_map() -> dict[str, str]:
    """Return the import map of index.html."""
    page = (WEB / "index.html").read_text()
    found = re.search(r'<script type="importmap">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    imports: dict[str, str] = json.loads(found[1])["imports"]
    return imports


def test_every_import_names_a_file_of_the_page() -> None:
    """Each module imports only files beside it or names of the import map: no build, no network."""
    names = import_map()
    for module in MODULES:
        for wanted in IMPORT.findall(module.read_text()):
            target = WEB / names[wanted].removeprefix("/static/") if wanted in names else module.parent / wanted
            assert target.is_file(), f"{module.name} imports {wanted}"


def test_every_imported_name_is_exported() -> None:
    """Each name that a module takes from another one of the page is exported there."""
    listed = re.compile(r'import \{([^}]*)\} from "(\.[^"]+)"')
    for module in MODULES:
        for names, wanted in listed.findall(module.read_text()):
            source = (module.parent / wanted).read_text()
            for name in filter(None, (one.strip().split(" as ")[0] for one in names.split(","))):
                exported = re.search(rf"export (?:async )?(?:function\*?|const|let|class) {re.escape(name)}\b", source)
                listed_there = any(
                    re.search(rf"\b{re.escape(name)}\b", one) for one in re.findall(r"export \{([^}]*)\}", source)
                )
                assert exported or listed_there, f"{module.name} takes {name} from {wanted}"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(WEB)))
def test_module_never_writes_markup_and_stays_small(module: Path) -> None:
    """No module turns text into markup or code, none is longer than 500 lines, and each says what it is for."""
    text = module.read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
    assert len(text.splitlines()) <= 500
    assert text.startswith("/**")


@pytest.mark.parametrize(
    "name",
    ["index.html", "style.css", "styles/messages.css", "styles/blocks.css", "styles/forms.css", "styles/floating.css"],
)
def test_page_and_styles_load_nothing_from_elsewhere(name: str) -> None:
    """The page and its styles name no other host."""
    assert not re.search(r"https?://|url\(|@import", (WEB / name).read_text())


def test_index_links_every_style_and_only_files_that_exist() -> None:
    """Each stylesheet is linked, and each link of the page leads to a file."""
    linked = set(re.findall(r'(?:href|src)="/static/([^"]+)"', (WEB / "index.html").read_text()))
    assert {str(path.relative_to(WEB)) for path in WEB.rglob("*.css")} <= linked
    assert all((WEB / one).is_file() for one in linked)


@pytest.mark.parametrize(("folder", "words"), [("preact", "The MIT License"), ("htm", "Apache License")])
def test_vendored_code_carries_its_licence(folder: str, words: str) -> None:
    """Each vendored package keeps its licence text beside it."""
    assert words in (WEB / "vendor" / folder / "LICENSE").read_text()


def test_content_policy_admits_the_import_map_and_no_other_inline_script() -> None:
    """The policy of the page names the hash of its import map; scripts come from this server only."""
    page = (WEB / "index.html").read_text()
    inline = re.findall(r"<script[^>]*>([^<]+)</script>", page)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    hashes = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in inline]
    assert f"script-src 'self' 'sha256-{hashes[0]}';" in policy[1]
    assert len(inline) == 1
