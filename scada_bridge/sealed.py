"""Small files that are whole or not there: a JSON header line, a JSON body line, and a seal over both.

With a key the seal is an HMAC, so that a file made or altered by somebody without the key is refused. A file appears
under its name only after it was written to the end and forced to the disk.
"""

import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path
from typing import Any

_KEY_FILE = "spool.key"
_MOST_BYTES = 256 * 1024 * 1024
_HEADER_BYTES = 1024 * 1024


class Damaged(Exception):
    """The file is cut, altered, or sealed by a stranger."""


def ensure_key(folder: Path) -> bytes:
    """The key of this installation; made on first use, readable by its owner only."""
    file = folder / _KEY_FILE
    folder.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        draft = folder / f".{_KEY_FILE}.{secrets.token_hex(4)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_hex(32).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(draft, file)  # the first of two makers wins, and both read its key
        except FileExistsError:
            pass
        except OSError:  # a file system without second names
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)
        sync_folder(folder)
    return file.read_bytes().strip()


def sealed(header: dict[str, Any], body: Any, key: bytes) -> bytes:
    """The bytes of a sealed file."""
    content = b"\n".join((_line(header), _line(body), b""))
    return content + _seal(content, key) + b"\n"


def unsealed(content: bytes, key: bytes) -> tuple[dict[str, Any], Any]:
    """(header, body) of a sealed file's bytes. Raises Damaged."""
    cut = content.rfind(b"\n", 0, len(content) - 1) + 1
    if not content.endswith(b"\n") or cut < 2 or not hmac.compare_digest(content[cut:-1], _seal(content[:cut], key)):
        raise Damaged("the seal does not fit: cut, altered, or not from here")
    first, _, second = content[:cut].partition(b"\n")
    try:
        header, body = json.loads(first), json.loads(second)
    except ValueError as error:
        raise Damaged(f"not JSON: {error}") from error
    if not isinstance(header, dict):
        raise Damaged("the header is no object")
    return header, body


def read_sealed(file: Path, key: bytes) -> tuple[dict[str, Any], Any]:
    """(header, body) of a file. Raises Damaged, and FileNotFoundError where there is none."""
    if file.stat().st_size > _MOST_BYTES:
        raise Damaged("larger than any file of ours")
    return unsealed(file.read_bytes(), key)


def read_header(file: Path) -> dict[str, Any]:
    """The header alone, unchecked: only for counting what is given up anyway. Raises Damaged."""
    with file.open("rb") as stream:
        line = stream.readline(_HEADER_BYTES)
    try:
        header = json.loads(line)
    except ValueError as error:
        raise Damaged("unreadable header") from error
    if not isinstance(header, dict):
        raise Damaged("the header is no object")
    return header


def write_whole(file: Path, content: bytes, mode: int = 0o640, *, sync_name: bool = True) -> None:
    """Write a file so that it is there completely or not at all, also after a power cut. Raises OSError.

    Without `sync_name` the caller forces the folder to the disk itself, once for several files.
    """
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}.tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.rename(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    if sync_name:
        sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Force a folder's names to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()


def _seal(content: bytes, key: bytes) -> bytes:
    return hmac.new(key, content, hashlib.sha256).hexdigest().encode()
