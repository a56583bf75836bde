"""Scripts and styles, ours and those out of installed wheels, under one address that names their content."""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import NotFound

assets = Blueprint("assets", __name__)

_OURS = Path(__file__).parent / "static"
_COMPRESSED = (".js", ".css", ".svg")
_A_YEAR = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Bundle:
    """All files by name, and the digest of all of them together."""

    digest: str
    files: dict[str, Path]


@cache
def bundle() -> Bundle:
    """Return the files that pages may load; one digest over all, so that references between them stay relative."""
    files = {path.relative_to(_OURS).as_posix(): path for path in sorted(_OURS.rglob("*")) if path.is_file()}
    files["plotly/plotly.min.js"] = _package("plotly") / "package_data" / "plotly.min.js"
    leaflet = _package("xstatic.pkg.leaflet") / "data"
    files |= {f"leaflet/{name}": leaflet / name for name in ("leaflet.js", "leaflet.css")}
    files |= {f"leaflet/images/{path.name}": path for path in sorted((leaflet / "images").glob("*.png"))}
    digest = hashlib.sha256()
    for name, path in files.items():
        digest.update(name.encode())
        digest.update(path.read_bytes())
    return Bundle(digest.hexdigest()[:16], files)


def asset_url(name: str) -> str:
    """Return the address of a file, such as `style.css` or `plotly/plotly.min.js`. Raises KeyError."""
    found = bundle()
    if name not in found.files:
        raise KeyError(f"no asset {name}")
    return f"/assets/{found.digest}/{name}"


@assets.get("/assets/<digest>/<path:name>")
def file(digest: str, name: str) -> Response:
    """Serve one file for ever; another digest is another file."""
    found = bundle()
    if digest != found.digest or name not in found.files:
        raise NotFound
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    zipped = name.endswith(_COMPRESSED) and bool(request.accept_encodings["gzip"])
    response = Response(_content(name, zipped), mimetype=kind)
    if zipped:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = _A_YEAR
    return response


def install_assets(app: Flask) -> None:
    """Serve the files and let templates name them."""
    app.register_blueprint(assets)
    app.jinja_env.globals["asset"] = asset_url


@cache
def _content(name: str, zipped: bool) -> bytes:
    content = bundle().files[name].read_bytes()
    return gzip.compress(content, 6, mtime=0) if zipped else content


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(name)
    return Path(next(iter(spec.submodule_search_locations)))
