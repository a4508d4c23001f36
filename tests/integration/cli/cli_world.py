"""What the tests of the command line share: a scripted model server in a thread, and evalbot called or started."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
SHARED = ROOT.parent / "shared"
KEY = "sk-canary-2718281828"
PATIENCE_S = 60.0

PROBLEMS = [
    ("A tram has 6 cars with 24 seats each. How many seats are there?", "6 * 24 = <<6*24=144>>144 seats\nA: 144"),
    ("Ola pays $3.50 for tea and $2.75 for a bun. How much is it?", "3.50 + 2.75 = 6.25\nA: 6.25"),
    ("A farm has 1,250 hens and sells 250. How many stay?", "1250 - 250 = 1000\nA: 1000"),
    ("Half of 90 pupils walk to school. How many walk?", "90 / 2 = 45\nA: 45"),
    ("A tank loses 3 litres from 1. How many litres is it above empty?", "1 - 3 = -2\nA: -2"),
    ("Twelve eggs cost 4 euros. What do 36 eggs cost?", "36 / 12 * 4 = 12\nA: 12"),
]
"""Word problems of our own in the shape of a public data set: the answer works it out and ends in `A: NUMBER`."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server sends back: an answer's text with status 200, or an error with another status."""

    text: str = ""
    status: int = 200


@dataclass
class ChatServer:
    """An OpenAI-compatible server that answers by a function of the question; counts are by question.

    `left` is how many answers it still gives before its door closes, None for any number; calls wait at a closed door.
    """

    script: Callable[[str], Reply]
    base_url: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    left: int | None = None
    waiting: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    age: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def answer(self, question: str) -> Reply:
        """Count a question, wait at the door and answer."""
        with self.changed:
            age = self.age
            self.asked[question] += 1
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            self.waiting += 1
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.left != 0 or self.age != age, PATIENCE_S)
            self.in_flight -= 1
            self.waiting -= 1
            if self.left is not None and self.age == age:
                self.left -= 1
            self.changed.notify_all()
        return self.script(question)

    def allow(self, count: int | None) -> None:
        """Give so many answers from now on."""
        with self.changed:
            self.left = count
            self.changed.notify_all()

    def forget_waiting(self) -> None:
        """Let those go who wait for a caller that is dead."""
        with self.changed:
            self.age += 1
            self.changed.notify_all()
            assert self.changed.wait_for(lambda: self.waiting == 0, PATIENCE_S)

    def wait_for(self, reached: Callable[[ChatServer], bool]) -> None:
        """Wait until the counts have reached something."""
        with self.changed:
            assert self.changed.wait_for(lambda: reached(self), PATIENCE_S), "the server never got there"

    @property
    def calls(self) -> int:
        """How many calls there were in all."""
        return sum(self.asked.values())


class _Server(ThreadingHTTPServer):
    """A server whose clients may vanish in the middle of a reply."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that was killed."""


@contextlib.contextmanager
def serving(script: Callable[[str], Reply]) -> Iterator[ChatServer]:
    """Serve chat completions until the end; the door is open."""
    chat = ChatServer(script)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._send(chat.answer(body["messages"][-1]["content"]))

        def do_GET(self) -> None:
            self._send(Reply("models", 200 if self.headers.get("Authorization") == f"Bearer {KEY}" else 401))

        def _send(self, reply: Reply) -> None:
            data = json.dumps(
                _completion(reply) if reply.status == 200 else {"error": {"message": "scripted"}}
            ).encode()
            self.send_response(reply.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    chat.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield chat
    finally:
        chat.allow(None)
        server.shutdown()
        server.server_close()
        thread.join()


def _completion(reply: Reply) -> dict[str, Any]:
    """Give the body of a chat completion."""
    message = {"role": "assistant", "content": reply.text}
    usage = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}
    return {"id": "1", "object": "chat.completion", "choices": [{"index": 0, "message": message}], "usage": usage}


@dataclass(frozen=True, slots=True)
class Said:
    """What evalbot said and its exit code."""

    code: int
    out: str
    err: str

    @property
    def counts(self) -> dict[str, int]:
        """What the report of a run counts."""
        counts: dict[str, int] = self.json["counts"]
        return {name: counts[name] for name in ("items", "outputs", "errors", "ungraded")}

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on standard output."""
        found: dict[str, Any] = json.loads(self.out)
        return found


def start(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """Start evalbot as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "evalbot.cli", *arguments],
        stdout=options.pop("stdout", subprocess.PIPE),
        stderr=options.pop("stderr", subprocess.PIPE),
        text=True,
        **options,
    )


def finish(child: subprocess.Popen[str]) -> Said:
    """Wait for the end of a process."""
    out, err = child.communicate(timeout=PATIENCE_S)
    return Said(child.returncode, out or "", err or "")


def write_problems(path: Path, count: int) -> list[tuple[str, str]]:
    """Write so many different word problems as JSON Lines and give them."""
    rows = [
        (question.replace("?", f" in case {number}?") if number >= len(PROBLEMS) else question, answer)
        for number, (question, answer) in ((n, PROBLEMS[n % len(PROBLEMS)]) for n in range(count))
    ]
    lines = (json.dumps({"item": n, "question": q, "answer": a}) for n, (q, a) in enumerate(rows))
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return rows


def one_sentence(err: str) -> bool:
    """Tell whether standard error is one short line of evalbot's own, without a traceback."""
    return (
        err.startswith("evalbot: ")
        and err.endswith((".\n", "?\n"))
        and err.count("\n") == 1
        and "Traceback" not in err
        and len(err) < 400
    )


def clean_environment() -> dict[str, str]:
    """Give the environment without anything that evalbot reads."""
    ours = ("EVALBOT_", "SLACK_", "OPENAI_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | {"COLUMNS": "100"}
