"""What templates of a project may do: show and choose, not compute; so that filling one is always small and quick."""

from __future__ import annotations

from functools import lru_cache
from string import Formatter

from jinja2 import TemplateSyntaxError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from evalbot.library.documents import refuse, shorten
from evalbot.library.strict_model import did_you_mean

ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Filter,
    nodes.Test,
    nodes.If,
    nodes.CondExpr,
    nodes.For,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Tuple,
    nodes.List,
    nodes.Concat,
    nodes.Keyword,
)
FILTERS = frozenset(
    {
        "capitalize",
        "default",
        "d",
        "e",
        "escape",
        "first",
        "int",
        "join",
        "last",
        "length",
        "count",
        "list",
        "lower",
        "round",
        "string",
        "title",
        "tojson",
        "trim",
        "upper",
    }
)
MAX_NUMBER = 1_000
MAX_LOOPS = 2

_BRACES = {"{": "{{ '{' }}", "}": "{{ '}' }}"}
_ENVIRONMENT = ImmutableSandboxedEnvironment()


def check_template(text: str, name: str, line: int, inputs: list[str] | None) -> None:
    """Check a template that begins at a line of a file; with `inputs` it may use no other variable. Raises BadFile."""
    used = _variables_of(text, name, line)
    unknown = sorted(used - set(inputs)) if inputs is not None else []
    if unknown:
        said = f"the template uses `{shorten(unknown[0])}`, which is not one of its inputs"
        raise refuse(name, line, said + did_you_mean(unknown[0], list(inputs or ())))


@lru_cache(maxsize=64)
def _variables_of(text: str, name: str, line: int) -> frozenset[str]:
    """Give the variables of a template after checking it; one judge's prompt is named by many rubrics and checked once."""
    try:
        tree = _ENVIRONMENT.parse(text)
        _check_nodes(tree, name, line)
        return frozenset(meta.find_undeclared_variables(tree))
    except TemplateSyntaxError as error:
        raise refuse(name, line + error.lineno - 1, f"the template is not valid: {shorten(error.message)}") from None
    except (RecursionError, ValueError, OverflowError, MemoryError):
        raise refuse(name, line, "the template is too deeply nested") from None


def _check_nodes(tree: nodes.Template, name: str, line: int) -> None:
    """Check every part of a template."""
    for node in tree.find_all(nodes.Node):
        refused = _refused(node)
        if refused:
            raise refuse(name, line + node.lineno - 1, f"a template may not use {refused}")
    _check_loops(tree, name, line)


def _refused(node: nodes.Node) -> str | None:
    """Name what is not allowed about a node, None when it is fine."""
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        return f"the filter `{shorten(node.name)}`"
    if isinstance(node, nodes.Const) and isinstance(node.value, (int, float)) and abs(node.value) > MAX_NUMBER:
        return f"numbers above {MAX_NUMBER}"
    if isinstance(node, (nodes.Getattr, nodes.Name)):
        attribute = node.attr if isinstance(node, nodes.Getattr) else node.name
        return "names that begin with `_`" if attribute.startswith("_") else None
    return None if isinstance(node, ALLOWED) else f"`{type(node).__name__.lower()}`"


def _check_loops(tree: nodes.Node, name: str, line: int, depth: int = 0) -> None:
    """Check that loops are not nested too deep: each level multiplies the text."""
    for loop in _outermost_loops(tree):
        if depth + 1 > MAX_LOOPS or loop.recursive:
            raise refuse(name, line + loop.lineno - 1, f"a template may nest at most {MAX_LOOPS} loops")
        _check_loops(loop, name, line, depth + 1)


def _outermost_loops(tree: nodes.Node) -> list[nodes.For]:
    """Give the loops below a node that are in no other loop below it."""
    found: list[nodes.For] = []
    waiting = list(tree.iter_child_nodes())
    while waiting:
        node = waiting.pop()
        if isinstance(node, nodes.For):
            found.append(node)
        else:
            waiting.extend(node.iter_child_nodes())
    return found


def from_braces(text: str, name: str, line: int) -> str:
    """Give a template of `{variable}` form, with `{{` for a brace, as one of our own; format specifications are refused."""
    try:
        pieces = list(Formatter().parse(text))
    except ValueError as error:
        raise refuse(name, line, f"the template is not valid: {error}") from None
    made: list[str] = []
    for literal, variable, layout, conversion in pieces:
        made += (_BRACES.get(char, char) for char in literal)
        if variable is not None:
            if not variable.isidentifier() or layout or conversion:
                raise refuse(name, line, f"`{{{shorten(variable)}}}` must be the bare name of a variable")
            made.append(f"{{{{ {variable} }}}}")
    return "".join(made)
