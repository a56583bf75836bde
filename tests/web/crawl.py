"""Calls of every route, made from the application's own url map and declarations; no view is named here.

The converters of a rule and the sampled fields of a view's query and body say which kinds of values it takes. For each
kind `Values` gives own, foreign, missing and malformed ones; a kind that it does not know is an error, so a new kind of
parameter must be given its values before it can be used.
"""

import base64
import binascii
import html
import io
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin
from urllib.parse import unquote, urlencode

import openpyxl
from flask import Flask
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from web.gate import OPEN_VIEWS, Access, declared_access
from web.values import FILE_FORMATS, sample_kinds

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PERIOD = {"from": "period_from", "to": "period_to"}  # a period is only asked for with both its ends
PLACEHOLDER = "«asked»"
Sort = Literal["own", "foreign", "missing", "malformed"]
CHANGED: tuple[Sort, ...] = ("foreign", "missing", "malformed")


class Values:
    """The texts to try, by sort and kind. File forms and the choices of a `Literal` are known without being told."""

    def __init__(self, **sorts: Mapping[str, tuple[str, ...]]) -> None:
        self._sorts = {sort: dict(kinds) for sort, kinds in sorts.items()}
        self._sorts["own"]["file_format"] = FILE_FORMATS

    def of(self, sort: Sort, kind: str) -> tuple[str, ...]:
        """Return the texts of a sort, nothing where a kind has none of it. Raises LookupError for an unknown kind."""
        if kind.startswith("choice:"):
            return tuple(kind.removeprefix("choice:").split("|")) if sort == "own" else ()
        if kind not in self._sorts["own"]:
            raise LookupError(f"the harness has no values of the kind {kind!r}")
        return self._sorts[sort].get(kind, ())


@dataclass(frozen=True)
class Call:
    """One request to a rule: `texts` are all values in it, `asked` the one that is not own, `sort` its sort."""

    rule: str
    endpoint: str
    method: str
    path: str
    body: dict[str, Any] | None = None
    sort: Sort = "own"
    asked: tuple[str, ...] = field(default=(), compare=False)
    texts: tuple[str, ...] = field(default=(), compare=False)
    key: str = field(default="", compare=False)  # equal for calls that differ only in the sort of their values

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.body or ''}"


def routes(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Yield every rule with each of its methods; what is open to everybody is left out."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint)):
        if rule.endpoint not in OPEN_VIEWS:
            for method in METHODS:
                if method in (rule.methods or ()):
                    yield rule, method


def calls(app: Flask, values: Values, methods: Iterable[str] = METHODS) -> Iterator[Call]:
    """Yield the calls of every route: with own values, then with each value in its turn foreign, missing, malformed."""
    wanted = set(methods)
    for rule, method in routes(app):
        if method in wanted:
            yield from _calls_of(rule, method, declared_access(app, rule.endpoint) or Access(frozenset()), values)


def _calls_of(rule: Rule, method: str, declared: Access, values: Values) -> Iterator[Call]:
    path = {name: (converter.kind, True) for name, converter in rule._converters.items()}  # type: ignore[attr-defined]
    query, body = _fields(declared.query), _fields(declared.body)
    taken = {**path, **query, **body}
    needed = [name for name, (_, required) in taken.items() if required]
    period = [name for name, (kind, required) in taken.items() if kind in PERIOD.values() and not required]
    others = [name for name in taken if name not in (*needed, *period)]
    for used in (needed, *([[*needed, *period]] if period else []), *([*needed, *period, other] for other in others)):
        for sort, changed in _variants(used, taken, values):
            texts_of = [_texts(taken[name][0], sort, name == changed, values) for name in used]
            for texts in _together(texts_of):
                chosen = dict(zip(used, texts, strict=True))
                yield _call(rule, method, chosen, sort, changed, query, None if declared.body is None else body)


def _together(texts_of: list[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Yield combinations in which every text occurs, as few as that takes; nothing when a kind has no text."""
    if all(texts_of):
        longest = max(map(len, texts_of), default=1)
        yield from itertools.islice(zip(*map(itertools.cycle, texts_of), strict=True), longest) if texts_of else [()]


def _texts(kind: str, sort: Sort, is_changed: bool, values: Values) -> tuple[str, ...]:
    """Return what is put in for a value; every file form is tried with own values, one is enough with others."""
    if is_changed:
        return values.of(sort, kind)
    own = values.of("own", kind)
    return own if sort == "own" else own[:1]


def _variants(used: list[str], taken: Mapping[str, tuple[str, bool]], values: Values) -> Iterator[tuple[Sort, str]]:
    yield "own", ""
    for sort in CHANGED:
        for name in used:
            if values.of(sort, taken[name][0]):
                yield sort, name


def _call(
    rule: Rule, method: str, chosen: Mapping[str, str], sort: Sort, changed: str, query: Mapping[str, Any],
    body: Mapping[str, Any] | None,
) -> Call:  # fmt: skip
    path = re.sub(r"<(?:[^<>:]*:)?([^<>]+)>", lambda found: _quoted(chosen[found[1]]), rule.rule)
    asked = {name: text for name, text in chosen.items() if name in query}
    if asked:
        path += f"?{urlencode(asked)}"
    sent = None if body is None else {name: text for name, text in chosen.items() if name in body}
    fixed = {name: text for name, text in chosen.items() if name != changed}
    key = json.dumps([rule.rule, method, fixed, changed], sort_keys=True)
    words = (chosen[changed],) if changed else ()
    return Call(rule.rule, rule.endpoint, method, path, sent, sort, words, tuple(chosen.values()), key)


def _quoted(text: str) -> str:
    return urlencode({"": text})[1:].replace("+", "%20")


def _fields(model: type[BaseModel] | None) -> dict[str, tuple[str, bool]]:
    """Return the kind of each field that the harness fills, and whether it must be there."""
    if model is None:
        return {}
    kinds = sample_kinds(model)
    found = {}
    for name, info in model.model_fields.items():
        alias = info.alias or name
        kind = kinds.get(alias) or _own_kind(info)
        kind = PERIOD.get(alias, kind) if kind == "instant" else kind
        if kind is not None:
            found[alias] = (kind, info.is_required())
        elif info.is_required():
            raise LookupError(f"{model.__name__}.{name} is needed and of no kind: mark it with `Sample`")
    return found


def _own_kind(info: FieldInfo) -> str | None:
    """Return the kind of a field of few choices: `choice:a|b`, for which every choice is an own value."""
    annotations = [info.annotation, *get_args(info.annotation)]
    choices = [get_args(annotation) for annotation in annotations if get_origin(annotation) is Literal]
    return f"choice:{'|'.join(map(str, choices[0]))}" if choices else None


def shown(answer: TestResponse, asked: Iterable[str] = ()) -> str:
    """Return everything an answer shows, as plain text: body in any form, file name, address, cursor.

    Texts that the asker sent himself are replaced, so that an echo is no leak and differs in nothing from another's.
    """
    parts = [_body_text(answer)]
    for name in ("Content-Disposition", "Location", "Link", "ETag", "X-Next-Cursor"):
        parts += [unquote(value) for value in answer.headers.getlist(name)]
    text = steady("\n".join(parts))
    text = "\n".join([text, *_decoded(text)])
    for words in sorted((words for words in asked if len(words) > 2), key=len, reverse=True):
        for form in {words, words.strip(), _quoted(words), urlencode({"": words})[1:]}:
            if form:
                text = text.replace(form, PLACEHOLDER)
    return text


def steady(text: str) -> str:
    """Return a text without what differs between two equal answers: request ids, tokens, numbers of new calls."""
    text = re.sub(r'("request_id": ?"|, request )[0-9a-f]{16}\b', r"\1", text)
    text = re.sub(r"\b(?:C[0-9a-f]{12}|(?=\d*[a-f])[0-9a-f]{16})\b", "", text)  # never digits alone: a phone has those
    text = re.sub(r'name="csrf_token" value="[^"]*"', "", text)
    return re.sub(r'<meta name="csrf-token" content="[^"]*"', "", text)


def _body_text(answer: TestResponse) -> str:
    if "spreadsheetml" in answer.mimetype:
        book = openpyxl.load_workbook(io.BytesIO(answer.data), read_only=True)
        cells = [cell for sheet in book.worksheets for row in sheet.iter_rows(values_only=True) for cell in row]
        return "\n".join([*book.sheetnames, *(str(cell) for cell in cells if cell is not None)])
    text = answer.get_data(as_text=True)
    if answer.mimetype.endswith("json"):
        return json.dumps(answer.get_json(), ensure_ascii=False, indent=0)
    if answer.mimetype == "text/html":
        figures = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', text, re.DOTALL)
        plain = [json.dumps(json.loads(figure), ensure_ascii=False) for figure in figures if figure.strip()]
        return "\n".join([html.unescape(text), *plain])
    return text


def _decoded(text: str) -> Iterator[str]:
    """Yield what signed tokens and base64 arrays in a text say in clear."""
    for token in re.findall(r"[A-Za-z0-9_+/=-]{16,}", text):
        try:
            padded = token.replace("-", "+").replace("_", "/").split(".")[0]
            yield base64.b64decode(padded + "=" * (-len(padded) % 4)).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            continue
