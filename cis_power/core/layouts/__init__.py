"""Layouts of files: one declaration gives parser, checks, template and docs."""

from cis_power.core.layouts.declaration import Column, Kind, Layout, Trailer
from cis_power.core.layouts.documents import markdown, template
from cis_power.core.layouts.parsing import parse
from cis_power.core.layouts.registry import find_layout, layouts
from cis_power.core.layouts.rows import Parsed, Row, Rows
from cis_power.core.layouts.source import Limits

__all__ = [
    "Column",
    "Kind",
    "Layout",
    "Limits",
    "Parsed",
    "Row",
    "Rows",
    "Trailer",
    "find_layout",
    "layouts",
    "markdown",
    "parse",
    "template",
]
