"""The pure modules of the playground page, run in Node when it is installed."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

WEB = Path(__file__).parents[3] / "evalbot" / "playground" / "web"
PURE = ("text/mrkdwn", "text/markdown", "core/timelines", "core/ranges", "core/routes", "core/dates", "blocks/form")
Run = Callable[[str], Any]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a runner of an expression over the pure modules (as m.NAME)."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed, so the page's parsers are not run here")
    folder = tmp_path_factory.mktemp("page")
    for name in PURE:
        shutil.copy(WEB / f"{name}.js", folder / f"{Path(name).name}.mjs")
    imports = ", ".join(f'...(await import("./{Path(name).name}.mjs"))' for name in PURE)

    def evaluate(expression: str) -> Any:
        (folder / "run.mjs").write_text(f"const m = {{ {imports} }};\nconsole.log(JSON.stringify({expression}));\n")
        done = subprocess.run([node, "run.mjs"], cwd=folder, capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return evaluate


def text(words: str) -> dict[str, str]:
    """Return a text node."""
    return {"type": "text", "text": words}


def test_mrkdwn_styles_links_and_mentions(run: Run) -> None:
    """Bold, links with labels, people, channels, escapes and emoji become their nodes."""
    nodes = run('m.parseMrkdwn("*Hi* <@U1> in <#C2|qa> <https://x.io/?a&amp;b|site> 1 &lt; 2 :eyes:")')
    assert nodes[0] == {"type": "bold", "children": [text("Hi")]}
    assert {"type": "user", "id": "U1", "label": ""} in nodes
    assert {"type": "channel", "id": "C2", "label": "qa"} in nodes
    assert {"type": "link", "url": "https://x.io/?a&b", "children": [text("site")]} in nodes
    assert text(" 1 < 2 ") in nodes
    assert nodes[-1] == {"type": "emoji", "name": "eyes"}


def test_mrkdwn_leaves_lone_marks_alone(run: Run) -> None:
    """Snake case, products and unclosed marks stay plain text, as Slack leaves them."""
    for plain in ("a_b_c", "2 * 3 * 4", "*open", "snake_case and 5*5*5", "~ no ~", "<javascript:alert(1)|x>"):
        nodes = run(f"m.parseMrkdwn({json.dumps(plain)})")
        assert "".join(node["text"] for node in nodes) == plain


def test_mrkdwn_code_hides_marks_and_quotes_join(run: Run) -> None:
    """Marks inside code stay text, a fence keeps its lines, and quoted lines join into one quote."""
    nodes = run(r'm.parseMrkdwn("`*x*`\n```a *b*\n c```\n&gt; one\n&gt; two\nend")')
    assert nodes[0] == {"type": "code", "text": "*x*"}
    assert {"type": "pre", "text": "a *b*\n c"} in nodes
    assert {"type": "quote", "children": [text("one"), {"type": "break"}, text("two")]} in nodes
    assert nodes[-1] == text("end")


def test_hostile_texts_are_parsed_fast_and_flat(run: Run) -> None:
    """Forty thousand marks neither overflow the stack nor take more than a second."""
    texts = """["*a ", "_*~", "<", "`", "*_", "&gt;", ":a", "**a ", ">", "- ", "[", "![x](", "|-|", "```\\n"]"""
    took = run(
        f"{texts}.map((one) => one.repeat(13000)).map((one) => {{ const at = performance.now();"
        " m.parseMrkdwn(one); m.parseMarkdown(one.slice(0, 12000)); return performance.now() - at; })"
    )
    assert max(took) < 1000


def test_markdown_blocks(run: Run) -> None:
    """Headings, nested lists, tasks, tables, fences and quotes become blocks."""
    listed = "# T\n\n1. a\n2. b\n   - [x] c\n\n> q\n\n```py\nx\n```\n\n"
    source = listed + "| a | b |\n|---|--:|\n| **1** | 2 |\n\n---\nend"
    blocks = run(f"m.parseMarkdown({json.dumps(source)})")
    assert [block["type"] for block in blocks] == ["heading", "list", "quote", "pre", "table", "rule", "paragraph"]
    nested = blocks[1]["items"][1]["blocks"][0]
    assert nested["ordered"] is False
    assert nested["items"][0]["checked"] is True
    assert blocks[4]["align"] == ["left", "right"]
    assert blocks[4]["rows"][0][0] == [{"type": "bold", "children": [text("1")]}]


def test_only_harmless_addresses_become_links(run: Run) -> None:
    """Script and data addresses are refused, files of any host are read from here, permalinks are understood."""
    assert run('["javascript:alert(1)", "data:text/html,x", " JaVaScRiPt:x", "//evil.io"].map(m.safeUrl)') == [None] * 4
    assert run('m.fileUrl("https://files.slack.com/files/F1/a.png")') == "/files/F1/a.png"
    link = "http://127.0.0.1:1/archives/C1/p1700000000000100?thread_ts=1690000000.000001&cid=C1"
    assert run(f'm.parsePermalink("{link}")') == {
        "channel": "C1",
        "ts": "1700000000.000100",
        "thread": "1690000000.000001",
    }


def test_messages_keep_their_order_and_are_replaced(run: Run) -> None:
    """A message goes to its place by ts and replaces an older copy of itself."""
    added = run('["3", "1", "2", "2"].reduce((list, ts, at) => m.putMessage(list, { ts, at }), [])')
    assert added == [{"ts": "1", "at": 1}, {"ts": "2", "at": 3}, {"ts": "3", "at": 0}]


def test_history_pages_join_without_gaps(run: Run) -> None:
    """The newest page joins what is known when they touch, and replaces it when messages between are missing."""
    known = '{ messages: ["1", "2", "3"].map((ts) => ({ ts })), more: true }'
    joined = run(f'm.mergePage({known}, {{ messages: [{{ ts: "3" }}, {{ ts: "4" }}], more: true }})')
    assert [one["ts"] for one in joined["messages"]] == ["1", "2", "3", "4"]
    apart = run(f'm.mergePage({known}, {{ messages: [{{ ts: "7" }}], more: true }})')
    assert [one["ts"] for one in apart["messages"]] == ["7"]


def test_drawn_range_moves_with_the_reader_and_stays_small(run: Run) -> None:
    """Scrolling through 5,000 messages draws at most 240 rows at a time and reaches both ends."""
    steps = run(
        """(() => { const all = Array.from({ length: 5000 }, (_, at) => ({ ts: String(1000000 + at) }));
        let range = m.NEWEST, most = 0;
        const go = (edges) => {
          for (let next; (next = m.moveRange(range, all, edges)); range = next) most = Math.max(most, next.count);
        };
        go({ above: 0, below: 9000 });
        const top = m.boundsOf(range, all).start;
        go({ above: 9000, below: 0 });
        return { most, top, last: range.last }; })()"""
    )
    assert steps["most"] <= 240
    assert steps["top"] == 0
    assert steps["last"] is None


def test_form_asks_for_what_is_missing_and_sends_first_values(run: Run) -> None:
    """An empty required field and a bad number are named by block id; untouched fields send what they start with."""
    blocks = """[
      { type: "input", block_id: "why", element: { type: "plain_text_input", action_id: "a" } },
      { type: "input", block_id: "n",
        element: { type: "number_input", action_id: "a", is_decimal_allowed: false, max_value: "5" } },
      { type: "input", block_id: "d", element: { type: "datepicker", action_id: "a", initial_date: "2026-11-23" } },
      { type: "input", block_id: "o", optional: true, element: { type: "checkboxes", action_id: "a", options: [] } }]"""
    errors = run(f'm.formErrors({blocks}, {{ n: {{ a: {{ type: "number_input", value: "9" }} }} }})')
    assert set(errors) == {"why", "n"}
    assert run(f"m.formValues({blocks}, {{}}).d.a") == {"type": "datepicker", "selected_date": "2026-11-23"}


def test_times_are_told_in_the_readers_zone(run: Run) -> None:
    """The same moment is read by each person's clock and calendar."""
    moment = 1795305600  # 2026-11-22 00:00 UTC
    assert run(f'm.clockTime({moment}, "Asia/Singapore")') == "8:00"
    assert run(f'm.dayLabel({moment}, {moment}, "America/New_York")') == "Today"
    assert run(f'm.dayKey({moment}, "America/New_York")') == "2026-11-21"
    assert (
        run(f'm.fillDateTemplate("{{date_short_pretty}} at {{time}}", {moment + 86400}, {moment}, "Etc/UTC")')
        == "tomorrow at 0:00"
    )
    assert run(f"m.ago({moment}, {moment} + 7200)") == "2 hours ago"
