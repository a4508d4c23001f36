"""Letters in prose: which option of a multiple choice an answer picks."""

from __future__ import annotations

import regex

MAX_READ = 20_000
"""So many characters are read at the start and at the end of an answer."""

_DECORATION = regex.compile(r"[*`_~]|\\(?:boxed|text|textbf|mathrm|mathbf)\b|[{}$]")
_END = r"(?= \s* (?: $ | [.,;:!?)\]>\"'\n|=] | [-–—] | is\b | because\b | since\b | as\b | which\b ) )"
_OPEN, _CLOSE = r"[(\[<\"'“]*", r"[)\]>\"'”.:]*"

_WHOLE = regex.compile(rf"\s* {_OPEN} \s* ([A-Za-z]) \s* {_CLOSE} \s*", regex.VERBOSE)
_STATED = regex.compile(
    rf"""
    (?: \b(?i: answer | choice | option | pick | choose | select | correct (?: \ (?:one|answer|option|choice) )? ) \b
      | \b(?i: hence | therefore | thus | so ) \b ,? | 答案 | 选 )
    \s* (?: (?i:is|was|are|would\ be|must\ be|should\ be) \b )? \s* [:：=–—-]? \s*
    (?: (?i:option|choice|letter) \s+ )? [(\[<"'“]* ( [A-Z] | (?<=[(\[])[a-z](?=[)\]]) ) [)\]>"'”]* {_END}
    """,
    regex.VERBOSE,
)
_LEADING = regex.compile(
    r"\s* (?: [(\[] ([A-Za-z]) [)\]] | ([A-Z]) (?: [).:：] (?=\s|$) | \s+ [-–—] \s ) )", regex.VERBOSE
)
_LONE_LINE = regex.compile(rf"^[ \t]* {_OPEN} ([A-Z]) {_CLOSE} [ \t]*$", regex.VERBOSE | regex.MULTILINE)
_BRACKETED = regex.compile(r"(?<!\w) [(\[] ([A-Z]) [)\]] (?!\w)", regex.VERBOSE)
_ANOTHER = regex.compile(
    r"[)\]\"'”]* \s* (?: , | / | & | \+ | (?i:or|and)\b )+ \s* [(\[]? [A-Z] (?![\w'’])", regex.VERBOSE
)


def find_letter(text: str) -> str | None:
    """Give the letter (A to Z) that an answer picks, None when it picks none or leaves it open between several.

    In this order: the whole text is a letter; the last "answer is B" or the like; the text begins with "B)" or "B. "; a line of
    its own holds only a letter; exactly one letter stands in brackets. Markdown and LaTeX decoration is looked through.
    """
    if len(text) > 2 * MAX_READ:
        text = f"{text[:MAX_READ]}\n{text[-MAX_READ:]}"
    plain = _DECORATION.sub("", text).strip()
    whole = _WHOLE.fullmatch(plain)
    if whole:
        return str(whole[1]).upper()
    stated = list(_STATED.finditer(plain))
    if stated:
        return None if _ANOTHER.match(plain, stated[-1].end(1)) else str(stated[-1][1]).upper()
    leading = _LEADING.match(plain)
    if leading and not _another_option(plain) and not _ANOTHER.match(plain, leading.end()):
        return str(leading[1] or leading[2]).upper()
    return _only(_LONE_LINE.findall(plain)) or _only(_BRACKETED.findall(plain))


def _another_option(text: str) -> bool:
    """Tell whether further lines begin with other letters too: then the text lists the options instead of picking one."""
    starts = {
        str(one or two).upper()
        for one, two in (found.groups() for found in map(_LEADING.match, text.split("\n")) if found)
    }
    return len(starts) > 1


def _only(letters: list[str]) -> str | None:
    """Give the letter when all are the same one."""
    return letters[0] if len(set(letters)) == 1 else None
