"""Pages leave the server packed. A comment of random length in each answer hides how well its content packs.

Length alone could tell a listener who can make a browser ask for pages of his choice, guess by guess, what a secret on
the page is (BREACH); noise in the length takes that away ("Heal the BREACH", Palacios, Fariña and Vanegas, 2022).
"""

import secrets
import struct
import zlib

from flask import Flask, Response, request

LEAST_BYTES = 4_000
_LEVEL = 5
_NOISE_BYTES = 120
_KINDS = frozenset({"text/html", "application/json"})
_HAS_COMMENT = 16


def install_compression(app: Flask) -> None:
    """Pack large pages and JSON for clients that take gzip."""
    app.after_request(_packed)


def _packed(response: Response) -> Response:
    if response.mimetype not in _KINDS or response.is_streamed or response.direct_passthrough:
        return response
    response.vary.add("Accept-Encoding")
    fits = request.accept_encodings["gzip"] and "Content-Encoding" not in response.headers
    if not fits or response.status_code != 200 or (response.content_length or 0) < LEAST_BYTES:
        return response
    response.set_data(packed(response.get_data()))
    response.headers["Content-Encoding"] = "gzip"
    tag, _ = response.get_etag()
    if tag is not None:
        response.set_etag(tag, weak=True)  # the same content in other bytes
    return response


def packed(content: bytes) -> bytes:
    """Content as gzip (RFC 1952) with a comment of random length."""
    noise = secrets.token_hex(_NOISE_BYTES)[: secrets.randbelow(_NOISE_BYTES) + 1].encode()
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(content) + deflate.flush()
    head = struct.pack("<2sBBIBB", b"\x1f\x8b", 8, _HAS_COMMENT, 0, 0, 255)
    return head + noise + b"\0" + body + struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)
