"""What templates may call: names of codes, local times, numbers, links that keep the rest of the address."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

from flask import Flask, request
from flask_babel import LazyString, format_date, format_decimal
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from cis_power.core.jobs.declaration import ALWAYS
from cis_power.core.time import iso
from reports.model import Column, Figure, Table
from reports.renderers.words import shown_value
from web.cause_names import cause_name
from web.labels import label, severity
from web.said import said
from web.shell import shell, viewer_or_none
from web.words import gettext

_SECTIONS: tuple[tuple[str, LazyString, tuple[str, ...]], ...] = (
    ("/", _l("Now"), ("session:self:use",)),
    ("/customers", _l("Customers"), ("customers:record:read",)),
    ("/outages", _l("Outages"), ("outages:outage:read",)),
    ("/calls", _l("Calls"), ("outages:call:read",)),
    ("/network", _l("Network"), ("network:model:read",)),
    ("/substations", _l("Substations"), ("network:model:read",)),
    ("/transformers", _l("Transformers"), ("network:model:read",)),
    ("/points", _l("Points"), ("telemetry:point:read",)),
    ("/events", _l("Events"), ("telemetry:point:read",)),
    ("/reports", _l("Reports"), (
        "reports:load:read", "reports:voltage:read", "reports:reliability:read", "reports:outage:read",
        "reports:business:read", "reports:marketing:read",
    )),
    ("/billing", _l("Exchange"), ("exchange:batch:read",)),
    ("/admin/sources", _l("Sources"), ("system:source:read",)),
    ("/admin/jobs", _l("Jobs"), ("system:job:read",)),
    ("/admin/users", _l("Users"), ("access:user:read",)),
    ("/admin/keys", _l("Machine keys"), ("access:key:read",)),
    ("/admin/audit", _l("Audit trail"), ("access:audit:read",)),
)  # fmt: skip


# `g` and then this letter goes to a section.
_LETTERS = {
    "/": "h", "/customers": "c", "/outages": "o", "/calls": "t", "/network": "n", "/substations": "s",
    "/transformers": "x", "/points": "p", "/events": "e", "/sources": "u", "/reports": "r", "/billing": "b",
    "/admin/sources": "u", "/admin/jobs": "j", "/admin/users": "a", "/admin/keys": "y", "/admin/audit": "l",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Section:
    """An entry of the main navigation; `key` is the letter that goes there after `g`, or empty."""

    path: str
    label: LazyString
    current: bool
    key: str


def navigation() -> list[Section]:
    """The sections that the viewer's role opens."""
    asking = viewer_or_none()
    if asking is None:
        return []
    opened = [(path, name) for path, name, permissions in _SECTIONS if asking.may_any(permissions)]
    here = max((path for path, _ in opened if f"{request.path}/".startswith(f"{path}/")), key=len, default=None)
    return [Section(path, name, path == here, _LETTERS.get(path, "")) for path, name in opened]


def with_language(code: str) -> str:
    """This page in another language."""
    return _address(lang=code)


def next_page(cursor: str) -> str:
    """This list from a cursor on."""
    return _address(cursor=cursor)


def file_path(path: str, file_format: str) -> str:
    """A list with its present filters in another form."""
    kept = {name: value for name, value in request.args.items() if name not in ("cursor", "lang", "limit")}
    return f"{path}.{file_format}" + (f"?{urlencode(kept)}" if kept else "")


def segment(value: object) -> str:
    """A text as one segment of a path."""
    return quote(str(value), safe="")


def _address(**changes: str) -> str:
    return f"{request.path}?{urlencode({**request.args.to_dict(), **changes})}"


def local(moment: datetime) -> str:
    """An instant as people of the utility say it: their zone, to the second only if it has any."""
    there = moment.astimezone(shell().settings.zone)
    return there.strftime("%Y-%m-%d %H:%M:%S" if there.second else "%Y-%m-%d %H:%M")


def job_period(period: str) -> str:
    """The period of a job's run: the instant at which it was due; a continuous job has none."""
    return gettext("all the time") if period == ALWAYS else local(datetime.fromisoformat(period))


def brief(moment: datetime) -> str:
    """An instant for a crowded table: the time of today, the day and time of another day of this year."""
    zone = shell().settings.zone
    there, today = moment.astimezone(zone), shell().clock().astimezone(zone)
    if there.date() == today.date():
        return there.strftime("%H:%M:%S" if there.second else "%H:%M")
    return there.strftime("%m-%d %H:%M" if there.year == today.year else "%Y-%m-%d")


def clock_time(moment: datetime, now: datetime) -> str:
    """An instant as one says it aloud: the time, with the day if it is not today."""
    zone = shell().settings.zone
    there = moment.astimezone(zone)
    spoken = there.strftime("%H:%M")
    if there.date() == now.astimezone(zone).date():
        return spoken
    return gettext("%(time)s on %(day)s", time=spoken, day=format_date(there.date(), "long"))


def number(value: float | None, digits: int = 1) -> str:
    """A number in the reader's language, without needless zeros."""
    if value is None:
        return "–"
    pattern = "#,##0." + "#" * digits if digits else "#,##0"
    return str(format_decimal(value, pattern))


def money(amount: Decimal | None) -> str:
    """An amount to the cent in the reader's language, without its currency."""
    return "–" if amount is None else str(format_decimal(amount, "#,##0.00"))


def duration(seconds: float | None) -> str:
    """A span in the two largest units that it has."""
    if seconds is None:
        return "–"
    whole = max(0, round(seconds))
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, left = divmod(rest, 60)
    if days:
        return gettext("%(days)s d %(hours)s h", days=days, hours=hours)
    if hours:
        return gettext("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes)
    if minutes:
        return gettext("%(minutes)s min", minutes=minutes)
    return gettext("%(seconds)s s", seconds=left)


_WORD_COLUMNS = frozenset({"basis", "unit", "kind", "class", "case", "base", "quantity", "status", "sub_kind"})


def shown(value: Any, column: str) -> str:
    """A value of a report: six significant digits, local times, words of ours translated, a dash for the unknown."""
    if isinstance(value, str) and value and column in _WORD_COLUMNS:
        return gettext(value).replace("_", " ")
    if isinstance(value, str) and column == "cause":
        return cause_name(value)
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    return shown_value(value, shell().settings.zone)


def heading(column: Column) -> str:
    """What a column of a report is called: in English its name without what the unit beside it says already."""
    words = gettext(column.name)
    if words != column.name:
        return words
    return (
        words.removesuffix(f"_{column.unit.lower()}")
        .removesuffix("_minutes" if column.unit == "min" else "")
        .replace("_", " ")
    )


_CAUSE_OF_KIND = re.compile(r"^(?P<cause>.+) \((?P<kind>planned|unplanned)\)$")


def worded_figure(figure: Figure) -> dict[str, Any]:
    """A figure of a report with the titles of its axes, and its causes, in the reader's language."""
    layout = dict(figure.layout)
    for name, axis in layout.items():
        if isinstance(axis, dict) and "title" in axis:
            said_there = axis["title"]["text"]
            layout[name] = axis | {"title": {"text": gettext(said_there)}}
    return {"data": [_worded_trace(dict(trace)) for trace in figure.data], "layout": layout}


def _worded_trace(trace: dict[str, Any]) -> dict[str, Any]:
    names = trace.get("y", ())
    if len(names) and all(isinstance(name, str) for name in names):
        trace["y"] = [_CAUSE_OF_KIND.sub(_named_cause, name) for name in names]
    return trace


def _named_cause(found: re.Match[str]) -> str:
    return f"{cause_name(found['cause'])} ({label('outage_kind', found['kind'])})"


def numeric_columns(table: Table) -> frozenset[int]:
    """Places of the columns that hold numbers, to be set to the right."""
    return frozenset(
        place
        for place in range(len(table.columns))
        if any(isinstance(row[place], int | float) and not isinstance(row[place], bool) for row in table.rows)
    )


_MOVED = re.compile(r"(?P<device>.+) (?P<position>open|closed)(?: \(point (?P<point>.*)\))?(?:, by (?P<who>.+))?")
_CALLED = re.compile(r"call (?P<call>\S+)(?: (?P<code>\S+))?")


def evidence_text(detail: str) -> str:
    """A piece of evidence in the reader's language; one of another form stays as it is."""
    moved, called = _MOVED.fullmatch(detail), _CALLED.fullmatch(detail)
    if moved:
        position = label("position", moved["position"])
        more = [moved["point"], gettext("by %(who)s", who=moved["who"]) if moved["who"] else None]
        return " · ".join([f"{moved['device']} {position}", *filter(None, more)])
    if called:
        return " · ".join(filter(None, [called["call"], str(label("trouble_code", called["code"]))]))
    return detail


def figure_json(figure: Mapping[str, Any]) -> Markup:
    """JSON that may stand in a script element: no text in it can end the element."""
    text = json.dumps(figure, ensure_ascii=True, allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704


def install_presentation(app: Flask) -> None:
    """Give templates their words and filters."""
    app.jinja_env.globals.update(
        label=label,
        severity=severity,
        navigation=navigation,
        with_language=with_language,
        next_page=next_page,
        file_path=file_path,
    )
    app.jinja_env.filters.update(
        local=local,
        brief=brief,
        job_period=job_period,
        iso=iso,
        number=number,
        money=money,
        duration=duration,
        segment=segment,
        figure_json=figure_json,
        evidence_text=evidence_text,
        said=said,
        cause_name=cause_name,
        shown=shown,
        heading=heading,
        worded_figure=worded_figure,
        numeric_columns=numeric_columns,
    )
