"""Modals and Home tabs: the stack of each person, hashes, state, and the view objects Slack sends."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from evalbot.playground.clock import Clock
from evalbot.playground.elements import Values, complete, state_of
from evalbot.playground.installed_app import InstalledApp

STACK_LIMIT = 3


@dataclass(eq=False)
class View:
    """One view on somebody's screen. entered: what the person put in; previous: the view below in the stack."""

    id: str
    person: str
    body: dict[str, Any]
    hash: str
    root: str
    previous: str | None = None
    entered: Values = field(default_factory=dict)

    @property
    def blocks(self) -> list[dict[str, Any]]:
        """The blocks of the view."""
        found: list[dict[str, Any]] = self.body["blocks"]
        return found


@dataclass(frozen=True)
class ViewChange:
    """A view was opened, pushed, updated, closed or published ("home")."""

    mode: str
    view: View
    stack: tuple[str, ...]


class Views:
    """All modals and homes. A second modal opened for a person replaces the whole stack."""

    def __init__(self, clock: Clock, app: InstalledApp, team: str) -> None:
        """Start with no view on any screen."""
        self._clock, self._app, self._team = clock, app, team
        self._views: dict[str, View] = {}
        self._stacks: dict[str, list[View]] = {}
        self._homes: dict[str, View] = {}
        self._listeners: list[Callable[[ViewChange], None]] = []

    def listen(self, listener: Callable[[ViewChange], None]) -> None:
        """Call the listener with every change from now on."""
        self._listeners.append(listener)

    def find(self, view_id: str) -> View | None:
        """Return the view on a screen with this id, or None when it is closed or unknown."""
        return self._views.get(view_id)

    def find_external(self, external_id: str) -> View | None:
        """Return the view with this external id, or None."""
        return next(
            (one for one in self._views.values() if external_id and one.body.get("external_id") == external_id), None
        )

    def stack(self, person: str) -> list[View]:
        """Return the modals of a person, the root first."""
        return list(self._stacks.get(person, []))

    def home(self, person: str) -> View | None:
        """Return the Home tab of a person, or None before the first publish."""
        return self._homes.get(person)

    def open(self, person: str, body: dict[str, Any]) -> View:
        """Open a modal; what was open before goes away."""
        for old in self._stacks.get(person, []):
            self._views.pop(old.id, None)
        view = self._make(person, body)
        self._stacks[person] = [view]
        self._tell("open", view)
        return view

    def push(self, person: str, body: dict[str, Any]) -> View | None:
        """Put a modal on top; None when the stack is full."""
        stack = self._stacks.get(person, [])
        if len(stack) >= STACK_LIMIT:
            return None
        view = self._make(person, body, stack[0].id, stack[-1].id) if stack else self._make(person, body)
        self._stacks.setdefault(person, []).append(view)
        self._tell("push", view)
        return view

    def update(self, view: View, body: dict[str, Any]) -> None:
        """Replace what a view shows; entries stay for elements whose ids stay."""
        view.body = _normalise(body)
        view.hash = self._new_hash()
        self._tell("home" if view.body["type"] == "home" else "update", view)

    def publish(self, person: str, body: dict[str, Any]) -> View:
        """Set the Home tab of a person."""
        home = self._homes.get(person)
        if home is None:
            home = self._homes[person] = self._make(person, body)
            self._tell("home", home)
        else:
            home.entered.clear()
            self.update(home, body)
        return home

    def close(self, view: View) -> None:
        """Take the view and everything above it off the screen."""
        stack = self._stacks.get(view.person, [])
        if view not in stack:
            return
        place = stack.index(view)
        for one in stack[place:]:
            self._views.pop(one.id, None)
        del stack[place:]
        self._tell("close", view)

    def clear(self, person: str) -> None:
        """Take all modals of a person off the screen."""
        stack = self._stacks.get(person, [])
        if stack:
            self.close(stack[0])

    def describe(self, view: View) -> dict[str, Any]:
        """Return the view object as Slack sends it."""
        return {
            "id": view.id,
            "team_id": self._team,
            "type": view.body["type"],
            "blocks": view.blocks,
            "private_metadata": view.body.get("private_metadata", ""),
            "callback_id": view.body.get("callback_id", ""),
            "state": {"values": state_of(view.blocks, view.entered)},
            "hash": view.hash,
            "title": view.body.get("title"),
            "clear_on_close": view.body.get("clear_on_close", False),
            "notify_on_close": view.body.get("notify_on_close", False),
            "close": view.body.get("close"),
            "submit": view.body.get("submit"),
            "previous_view_id": view.previous,
            "root_view_id": view.root,
            "app_id": self._app.app_id,
            "external_id": view.body.get("external_id", ""),
            "app_installed_team_id": self._team,
            "bot_id": self._app.bot_id,
        }

    def _make(self, person: str, body: dict[str, Any], root: str | None = None, previous: str | None = None) -> View:
        view_id = f"V0{secrets.token_hex(5).upper()}"
        view = View(view_id, person, _normalise(body), self._new_hash(), root or view_id, previous)
        self._views[view_id] = view
        return view

    def _new_hash(self) -> str:
        return f"{int(self._clock.now())}.{secrets.token_urlsafe(6)}"

    def _tell(self, mode: str, view: View) -> None:
        change = ViewChange(mode, view, tuple(one.id for one in self._stacks.get(view.person, [])))
        for listener in self._listeners:
            listener(change)


def _normalise(body: dict[str, Any]) -> dict[str, Any]:
    texts = {key: {"emoji": True, **body[key]} for key in ("title", "submit", "close") if body.get(key)}
    return {**body, **texts, "blocks": complete(body["blocks"])}
