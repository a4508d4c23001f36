"""Refusals by their usual words, in a few languages; an honest word list, not an understanding of the text. Pure."""

from __future__ import annotations

from functools import cache

import regex

MAX_READ = 600
"""A refusal is looked for in so many characters at the start, quotes and code left out."""

_QUOTE = regex.compile(
    r"^[ \t]*>.*$|```.*?(?:```|\Z)|\"[^\"\n]{0,300}\"|“[^”\n]{0,300}”|„[^“\n]{0,300}“|«[^»\n]{0,300}»",
    regex.MULTILINE | regex.DOTALL,
)
_UNABLE = r"(?:unable|not\ able|not\ allowed|not\ permitted)"
_CANNOT = rf"""(?: can(?:no|['’]?)t | can\ not | could(?:\ not|n['’]t) | am\ {_UNABLE} | ['’]m\ {_UNABLE}
    | won['’]t | will\ not | (?:must|have\ to)\ (?:decline|refuse) | refuse | decline )"""
_HELP = r"""(?: help | assist | answer | provide | create | write | generate | give | share | discuss | comply | fulfil+
    | do\ (?:that|this) | support | engage | offer | produce | process | complete | continue | respond | participate | advise )"""
_ENGLISH = rf"""
    \bI\s?{_CANNOT}\s+(?:to\s+)?(?:(?:\w+ly|also|just|even)\s+){{0,2}}{_HELP}\b
    | \bI(?:['’]m|\s+am)\s+(?:very\s+|really\s+|so\s+)?(?:sorry|afraid)\b[^.!?\n]{{0,40}}\b(?:I|we)\s?{_CANNOT}\b
    | ^\W*(?:sorry|apologies|unfortunately)\b[^.!?\n]{{0,40}}\b(?:I|we)\s?{_CANNOT}\b
    | \b(?:this|that|your)\s+(?:request|question)\s+(?:goes|is|violates)\s+(?:against|in\s+violation|outside)\b
    | \b(?:against|violates?)\s+(?:my|our|the)\s+(?:\w+\s+){{0,2}}(?:guidelines|polic(?:y|ies)|programming|principles)\b
    | \bas\s+an?\s+(?:AI|artificial\s+intelligence|language\s+model)\b[^.!?\n]{{0,80}}\bI\s?{_CANNOT}\b"""
_GERMAN = r"""
    \bes\s+tut\s+mir\s+leid,?\s+(?:aber\s+)?(?:ich|dabei|das)\b
    | \bich\s+kann\s+(?:Ihnen|dir|euch)?\s*(?:\w+\s+){0,3}nicht\s+(?:helfen|beantworten|weiterhelfen)\b"""
_FRENCH = r"""
    \b(?:je\s+suis\s+)?désolée?,?\s+(?:mais\s+)?je\s+ne\s+(?:peux|puis)\b
    | \bje\s+ne\s+(?:peux|puis)\s+pas\s+(?:vous\s+|t['’])?(?:aider|répondre|fournir)"""
_SPANISH = r"\blo\s+siento,?\s+(?:pero\s+)?no\s+puedo\b | \bno\s+puedo\s+(?:ayudar|proporcionar|responder)"
_FLAGS = regex.VERBOSE | regex.IGNORECASE | regex.MULTILINE


@cache
def _refusal() -> regex.Pattern[str]:
    """Give the pattern of a refusal; it takes a tenth of a second to compile, and few programs look for one."""
    return regex.compile(" | ".join((_ENGLISH, _GERMAN, _FRENCH, _SPANISH)), _FLAGS)


def find_refusal(text: str) -> str:
    """Give the words with which an answer refuses, empty when it does not begin with a refusal.

    "I cannot help" counts; a rule that forbids something ("you cannot return it") does not, nor does a quoted refusal.
    """
    start = _QUOTE.sub(" ", text[: MAX_READ * 2])[:MAX_READ]
    found = _refusal().search(start)
    return found[0].strip() if found else ""
