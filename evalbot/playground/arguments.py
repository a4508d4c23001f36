"""The arguments of a Web API call, wherever Slack reads them from."""

import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from evalbot.playground.refusals import ApiError

_TRUE = ("1", "true", "yes", "on")


class Arguments:
    """Arguments by name; strings from query and form, any JSON from a JSON body. warning: Slack's word for how they came, or ""."""

    def __init__(self, given: Mapping[str, Any], warning: str = "") -> None:
        """Keep the arguments that have a value."""
        self.given = {key: value for key, value in given.items() if value is not None}
        self.warning = warning

    def __contains__(self, name: str) -> bool:
        """Whether the argument was given and is not an empty string."""
        return bool(self.given.get(name, "") != "")

    def text(self, name: str, default: str = "") -> str:
        """Return a string argument; a list is joined by commas. Raises ApiError for other shapes."""
        value = self.given.get(name, default)
        if isinstance(value, bool | dict):
            raise ApiError.invalid_arguments(f"must provide a string [json-pointer:/{name}]")
        return ",".join(map(str, value)) if isinstance(value, list) else str(value)

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a boolean argument."""
        value = self.given.get(name, default)
        return value if isinstance(value, bool) else str(value).lower() in _TRUE

    def number(self, name: str, default: int) -> int:
        """Return a whole number. Raises ApiError when it is none."""
        try:
            return int(str(self.given.get(name, default)))
        except ValueError:
            raise ApiError.invalid_arguments(f"must provide a number [json-pointer:/{name}]") from None

    def words(self, name: str) -> list[str]:
        """Return a list argument, given as a list or as a comma string."""
        return [one for one in self.text(name).split(",") if one]

    def data(self, name: str) -> Any:
        """Return structured data, given as such or as a JSON string; None when missing. Raises ValueError for bad JSON."""
        value = self.given.get(name)
        if isinstance(value, str):
            return json.loads(value) if value.strip() else None
        return value


def _form_kind(content_type: str) -> tuple[str, str]:
    """Return the media type and the charset of a Content-Type header, in lower case."""
    kind, _, rest = content_type.lower().partition(";")
    _, _, charset = rest.partition("charset=")
    return kind.strip(), charset.strip().strip('"')


def _charset_warning(kind: str, charset: str) -> str:
    """Return Slack's warning about the charset of a body, or "". Raises invalid_charset."""
    if charset not in ("", "utf-8", "utf8", "iso-8859-1"):
        raise ApiError("invalid_charset")
    if kind == "application/json":
        return "" if charset else "missing_charset"
    return "superfluous_charset" if charset else ""


async def read_arguments(request: Request, reads_json: bool) -> tuple[Arguments, str]:
    """Return the arguments of a request and its token ("" when it has none). Raises ApiError for unreadable bodies.

    A JSON body is looked at only where the method reads JSON; elsewhere it counts as nothing.
    """
    given: dict[str, Any] = dict(parse_qsl(request.url.query, keep_blank_values=True))
    body = await request.body()
    kind, charset = _form_kind(request.headers.get("content-type", ""))
    warning = _charset_warning(kind, charset) if body else ""
    if body and kind == "application/json":
        given |= _read_json(body) if reads_json else {}
    elif body and kind == "application/x-www-form-urlencoded":
        given |= dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    elif body and kind == "multipart/form-data":
        form = await request.form()
        given |= {key: value for key, value in form.items() if isinstance(value, str)}
    elif body:
        raise ApiError("invalid_post_type" if kind else "missing_post_type")
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        given |= _read_basic(secret)
    token = secret.strip() if scheme.lower() == "bearer" else str(given.get("token", ""))
    given.pop("token", None)
    return Arguments(given, warning), token


def _read_basic(secret: str) -> dict[str, str]:
    """Return client_id and client_secret of a Basic authorization, {} when it is unreadable."""
    try:
        name, _, word = b64decode(secret).decode().partition(":")
    except ValueError:
        return {}
    return {"client_id": name, "client_secret": word}


def _read_json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        raise ApiError("invalid_json") from None
    if not isinstance(found, dict):
        raise ApiError("json_not_object")
    return found
