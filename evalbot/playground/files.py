"""Uploaded files: from the upload url to the share in a channel."""

import mimetypes
import secrets
import struct
from dataclasses import dataclass, field
from typing import Any


@dataclass
class File:
    """One file. is_complete: named by files.completeUploadExternal; shares: channel id -> message ts."""

    id: str
    name: str
    length: int
    user: str
    created: int
    upload_id: str = field(default_factory=lambda: secrets.token_hex(12))
    alt_text: str = ""
    title: str = ""
    snippet_type: str = ""
    content: bytes | None = None
    is_complete: bool = False
    completed_at: float = 0.0
    shares: dict[str, str] = field(default_factory=dict)

    @property
    def mimetype(self) -> str:
        """The media type by the file name."""
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"

    @property
    def is_image(self) -> bool:
        """Whether clients show it as a picture."""
        return self.mimetype.startswith("image/")


class FileStore:
    """All files of the workspace by id."""

    def __init__(self, base_url: str = "") -> None:
        """base_url: where the server answers, without a slash at the end."""
        self.base_url = base_url
        self._files: dict[str, File] = {}

    def start(self, name: str, length: int, user: str, created: int) -> File:
        """Announce a file that will be uploaded."""
        file = File(f"F0{len(self._files) + 1:07d}", name, length, user, created)
        self._files[file.id] = file
        return file

    def keep(self, name: str, content: bytes, user: str, now: float) -> File:
        """Store a file that a person put into a form: complete at once, shared nowhere."""
        file = self.start(name, len(content), user, int(now))
        file.content, file.is_complete, file.completed_at = content, True, now
        return file

    def find(self, file_id: str) -> File | None:
        """Return the file, or None."""
        return self._files.get(file_id)

    def find_upload(self, upload_id: str) -> File | None:
        """Return the file that is uploaded under this id, or None."""
        return next((one for one in self._files.values() if one.upload_id == upload_id), None)

    def unfinished(self) -> list[File]:
        """Return the files that were announced and not completed."""
        return [one for one in self._files.values() if not one.is_complete]

    def upload_url(self, file: File) -> str:
        """Return where the bytes are to be posted."""
        return f"{self.base_url}/upload/{file.upload_id}"

    def content_url(self, file: File) -> str:
        """Return where the bytes can be read."""
        return f"{self.base_url}/files/{file.id}/{file.name}"

    def describe(self, file: File, is_settled: bool) -> dict[str, Any]:
        """Return the file object of the Web API; before it is settled, type and shares are missing."""
        kind = file.name.rpartition(".")[2].lower() if "." in file.name else "text"
        found: dict[str, Any] = {
            "id": file.id,
            "created": file.created,
            "timestamp": file.created,
            "name": file.name,
            "title": file.title or file.name,
            "mimetype": file.mimetype if is_settled else "",
            "filetype": (file.snippet_type or kind) if is_settled else "",
            "pretty_type": kind.upper() if is_settled else "",
            "user": file.user,
            "username": "",
            "editable": bool(file.snippet_type),
            "size": len(file.content or b""),
            "mode": "snippet" if file.snippet_type else "hosted",
            "is_external": False,
            "external_type": "",
            "is_public": True,
            "public_url_shared": False,
            "display_as_bot": False,
            "has_rich_preview": False,
            "url_private": self.content_url(file),
            "url_private_download": self.content_url(file),
            "permalink": self.content_url(file),
            "permalink_public": self.content_url(file),
            "channels": list(file.shares) if is_settled else [],
            "groups": [],
            "ims": [],
            "comments_count": 0,
        }
        if file.alt_text:
            found["alt_txt"] = file.alt_text
        if is_settled:
            found["shares"] = {"public": {channel: [_share(ts)] for channel, ts in file.shares.items()}}
            found |= _picture_keys(file, self.content_url(file))
        return found


def _share(ts: str) -> dict[str, Any]:
    return {"ts": ts, "reply_users": [], "reply_users_count": 0, "reply_count": 0}


def _picture_keys(file: File, url: str) -> dict[str, Any]:
    content = file.content or b""
    if not file.is_image:
        return {}
    keys: dict[str, Any] = {f"thumb_{size}": url for size in (64, 80, 160, 360, 720)}
    if content[:8] == b"\x89PNG\r\n\x1a\n" and len(content) >= 24:
        keys["original_w"], keys["original_h"] = struct.unpack(">II", content[16:24])
    return keys
