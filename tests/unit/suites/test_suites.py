"""Releases of suites: every change is a new version, nothing that people curated is lost, old versions stay as they were."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.errors import UnknownName
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item, ItemStatus, Split
from evalbot.suites.suites import Suite, add_item, is_curated, release, same_content
from tests.factories import make_curated, make_item, make_rubric, make_suite

NAMES = st.sampled_from(["a", "b", "c", "d", "a-2"])
ITEMS = st.lists(
    st.builds(lambda name, curated: (make_curated if curated else make_item)(name), NAMES, st.booleans()),
    max_size=6,
    unique_by=lambda item: item.id,
)
SUITES = st.builds(lambda items, about: make_suite(items=tuple(items), description=about), ITEMS, NAMES)


def names_of(suite: Suite) -> list[str]:
    """Give the item ids in order."""
    return [item.id for item in suite.items]


def test_first_release_is_version_one() -> None:
    """The first content of a suite becomes version 1, whatever number it carries."""
    assert release(None, make_suite(version=40)) == make_suite(version=1)


def test_release_keeps_curated_items_after_the_files_items() -> None:
    """Items from feedback survive a release of files that do not know them; items dropped from the files go."""
    before = make_suite(make_item("a"), make_item("b"), make_curated("fb"), version=3)
    after = release(before, make_suite(make_item("c"), make_item("a")))
    assert (after.version, names_of(after)) == (4, ["c", "a", "fb"])


def test_file_that_names_a_curated_item_decides_about_it() -> None:
    """An id that the files name is taken from the files: so a curated item is corrected or retired."""
    before = make_suite(make_item("a"), make_curated("fb"), version=3)
    retired = make_item("fb", status=ItemStatus.RETIRED)
    assert release(before, make_suite(make_item("a"), retired)).items == (make_item("a"), retired)


@given(SUITES, SUITES)
def test_release_is_idempotent_and_keeps_the_old_version(before: Suite, content: Suite) -> None:
    """After any release the same content brings no further one; ids stay unique and the older version is as it was."""
    written = repr(before)
    after = release(before, content)
    assert same_content(after, content)
    assert len(set(names_of(after))) == len(after.items)
    assert {item.id for item in before.items if is_curated(item)} <= set(names_of(after))
    assert (after.version, repr(before)) == (before.version + 1, written)


def test_any_change_of_content_is_noticed() -> None:
    """A reworded item, a new rubric, another order and another description each make a new version."""
    first = release(None, make_suite())
    assert same_content(first, make_suite())
    changes = [
        make_suite(make_item("item-1", reference="another"), *make_suite().items[1:]),
        make_suite(items=tuple(reversed(make_suite().items))),
        make_suite(rubrics={"helpful": make_rubric()}),
        make_suite(description="new words"),
    ]
    assert not any(same_content(first, changed) for changed in changes)


@given(SUITES, st.lists(NAMES, max_size=5))
def test_added_items_get_unique_ids_and_one_version_each(suite: Suite, added: list[str]) -> None:
    """However often an id comes back, every item keeps its own id, earlier items stay and the version counts up."""
    grown = suite
    for name in added:
        grown = add_item(grown, make_curated(name))
    assert grown.version == suite.version + len(added)
    assert grown.items[: len(suite.items)] == suite.items
    assert len(set(names_of(grown))) == len(suite.items) + len(added)
    assert all(item.id.startswith(name) for item, name in zip(grown.items[len(suite.items) :], added, strict=True))


def test_added_item_survives_the_next_start_without_a_new_version() -> None:
    """Files that did not change release nothing after an item was approved."""
    files = make_suite()
    grown = add_item(release(None, files), make_curated("fb"))
    assert same_content(grown, files)
    assert not same_content(grown, replace(files, owner="somebody"))


def test_item_is_found_by_id_or_named_as_missing() -> None:
    """A missing item is an error that says suite, version and id."""
    suite = make_suite(version=4)
    assert suite.item("item-2").id == "item-2"
    with pytest.raises(UnknownName, match="support-desk version 4 has no item nowhere"):
        suite.item("nowhere")


def test_runs_ask_living_items_and_holdout_only_when_wanted() -> None:
    """Retired items are never asked; kept-back ones only in a run that asks for them."""
    items: list[Item] = [
        make_item("open"),
        make_item("probation", status=ItemStatus.PROBATION),
        make_item("kept", split=Split.HOLDOUT),
        make_item("gone", status=ItemStatus.RETIRED),
    ]
    suite = make_suite(*items)
    assert [item.id for item in suite.asked_items(holdout=False)] == ["open", "probation"]
    assert [item.id for item in suite.asked_items(holdout=True)] == ["open", "probation", "kept"]


def test_items_own_rubric_comes_before_the_suites() -> None:
    """People grade by the first rubric that the graders name, else by the suite's first, else by none."""
    tone, helpful = make_rubric(name="tone"), make_rubric(name="helpful")
    named = make_item("a", graders=(GraderSpec(GraderType.RUBRIC, rubric="tone"),))
    suite = make_suite(named, make_item("b"), rubrics={"helpful": helpful, "tone": tone})
    assert [suite.rubric_of(item) for item in suite.items] == [tone, helpful]
    assert make_suite().rubric_of(make_item()) is None
    default = replace(suite, graders=(GraderSpec(GraderType.EQUALS), GraderSpec(GraderType.RUBRIC, rubric="helpful")))
    assert default.rubric_of(named) == helpful
    assert [spec.rubric for spec in default.graders_of(named)] == [None, "helpful", "tone"]
