"""Sentences that the wings below write, collected out of their source for the catalogues (`python -m web.messages`).

Those wings know no language: a problem, an error, a reason or a job's report is an English sentence made where it
happens. Its pattern, with `{0}` for each value, is the message; `web.said` puts a finished sentence into the reader's
language by these patterns.
"""

import ast
import re
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

_WINGS = ("cis_power", "scada_bridge", "billing_bridge", "reports", "web")
# What speaks only at the command line, or to nobody.
_PASSED_OVER = re.compile(
    r"/(demo|migrations|simulator|importers|reliability|renderers)/|commands\.py$|core/(config|supervisor|locks)\.py$"
    r"|reports/load/|network/(checks|storing)\.py$|scada_bridge/(sources|published|control)\.py$|web/(metrics|serve)\.py$"
)
# In these, every sentence can reach a page: reasons of sources and points, reports of jobs.
_REASONS = re.compile(
    r"scada_bridge/(frames|modbus|decode|reader|loader)\.py$|telemetry/quality\.py$|/jobs(/jobs|/records)?\.py$"
    r"|core/(time|phases)\.py$|reports/parameters\.py$"
)
_ERRORS = frozenset({"CisError", "InvalidInput", "NotFound", "Forbidden", "Unauthenticated", "Conflict", "Unavailable"})
_CODE = re.compile(r"[a-z]+(_[a-z]+)*")
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def sentences() -> dict[str, str]:
    """Every pattern of a sentence, with the file in which it is made."""
    found: dict[str, str] = {}
    for name, text in _sources():
        for pattern in _said_in(ast.parse(text), everything=bool(_REASONS.search(name))):
            found.setdefault(pattern, name)
    return found


def _sources() -> Iterator[tuple[str, str]]:
    for wing in _WINGS:
        spec = find_spec(wing)
        folder = Path(next(iter(spec.submodule_search_locations or ()))) if spec else Path()
        for file in sorted(folder.rglob("*.py")):
            name = f"{wing}/{file.relative_to(folder).as_posix()}"
            if not _PASSED_OVER.search(name):
                yield name, file.read_text(encoding="utf-8")


def _said_in(tree: ast.Module, *, everything: bool) -> Iterator[str]:
    for node, function in _nodes(tree, tree):
        candidates: list[ast.expr] = []
        if isinstance(node, ast.Call):
            candidates += _behind_codes(node.args)
            if getattr(node.func, "id", "") in _ERRORS:
                candidates += node.args[:1]
        elif isinstance(node, ast.Tuple):
            candidates += _behind_codes(node.elts)
        if everything and isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp):
            candidates.append(node)
        for candidate in candidates:
            yield from (text for text in _patterns(candidate, function) if _is_sentence(text, titles=everything))


def _nodes(node: ast.AST, function: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Every node with the function it stands in; not what is logged, nor docstrings, nor parts of f-strings."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call) and "log" in ast.unparse(child.func).lower():
            continue
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        yield child, function
        if isinstance(child, ast.BinOp) and isinstance(child.op, ast.Add):
            for part in _parts(child):
                yield from _nodes(part, function)
        elif not isinstance(child, ast.JoinedStr):
            yield from _nodes(child, child if isinstance(child, _Function) else function)


def _behind_codes(values: list[ast.expr]) -> list[ast.expr]:
    """What stands right behind a code, as in `Problem("unknown_meter", message)`."""
    return [
        later
        for earlier, later in pairwise(values)
        if isinstance(earlier, ast.Constant) and isinstance(earlier.value, str) and _CODE.fullmatch(earlier.value)
    ]


def _patterns(value: ast.expr, function: ast.AST) -> Iterator[str]:
    """The texts that an expression can be; a name stands for what its function gives it."""
    match value:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr() | ast.BinOp(op=ast.Add()):
            yield _pattern(list(_parts(value)))
        case ast.IfExp(body=first, orelse=second):
            yield from _patterns(first, function)
            yield from _patterns(second, function)
        case ast.BoolOp(values=either):
            for one in either:
                yield from _patterns(one, function)
        case ast.Name(id=name):
            for node in ast.walk(function):
                if isinstance(node, ast.Assign) and any(
                    isinstance(to, ast.Name) and to.id == name for to in node.targets
                ):
                    yield from _patterns(node.value, function)


def _parts(value: ast.expr) -> Iterator[ast.expr]:
    """The pieces of an f-string or of a sum of texts, in order."""
    if isinstance(value, ast.JoinedStr):
        yield from value.values
    elif isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        yield from _parts(value.left)
        yield from _parts(value.right)
    else:
        yield value


def _pattern(parts: list[ast.expr]) -> str:
    words, values = "", 0
    for part in parts:
        if isinstance(part, ast.Constant):
            words += str(part.value)
        else:
            words += f"{{{values}}}"
            values += 1
    return words


def _is_sentence(text: str, *, titles: bool) -> bool:
    """Words of ours, in lower case where titles and documents of columns stand beside them."""
    plain = re.sub(r"\{\d+\}", "", text).strip()
    document = plain[:1].isupper() or plain.endswith(".")
    return " " in text.strip() and bool(re.search(r"[a-z]{2}", plain)) and (titles or not document)
