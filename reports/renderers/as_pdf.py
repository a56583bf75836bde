"""A report as PDF, with a TrueType font of the system that has Chinese."""

import io
import os
from datetime import tzinfo
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.platypus import Flowable, LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

from cis_power.core.errors import Unavailable
from reports.model import Report, Table
from reports.renderers.words import MOST_ROWS_TO_READ, parameter_lines, quality_lines, shown_value

FONT = "CisReport"
FONT_SETTING = "CIS_PDF_FONT"
_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts", "/Library/Fonts")
_FILES = (
    "wqy-microhei.ttc", "wqy-zenhei.ttc", "DroidSansFallbackFull.ttf", "DroidSansFallback.ttf", "uming.ttc", "ukai.ttc",
    "NotoSansSC-Regular.ttf", "NotoSansSC[wght].ttf", "simsun.ttc", "msyh.ttc", "Arial Unicode.ttf",
)  # fmt: skip


def render_pdf(report: Report, zone: tzinfo) -> bytes:
    """The document. Raises Unavailable when the system has no font with Chinese; says what to install."""
    _use_font()
    plain = ParagraphStyle("plain", fontName=FONT, fontSize=8, leading=11)
    small = ParagraphStyle("small", parent=plain, fontSize=6.5, leading=8)
    title = ParagraphStyle("title", parent=plain, fontSize=16, leading=22)
    head = ParagraphStyle("head", parent=plain, fontSize=11, leading=18, spaceBefore=8)
    file = io.BytesIO()
    document = SimpleDocTemplate(file, pagesize=landscape(A4), title=report.title, margins=36, invariant=1)
    story: list[Flowable] = [Paragraph(escape(report.title), title)]
    story += [Paragraph(escape(line), plain) for line in (*parameter_lines(report, zone), *quality_lines(report))]
    for table in report.tables:
        story.append(Paragraph(escape(table.title), head))
        story.append(_table(table, zone, small, document.width))
        more = len(table.rows) - MOST_ROWS_TO_READ
        if more > 0:
            story.append(Paragraph(f"{more} more rows are in the xlsx, csv and json formats.", small))
    story.append(Spacer(1, 12))
    story += [Paragraph(escape(note), plain) for note in report.notes]
    document.build(story)
    return file.getvalue()


def _table(table: Table, zone: tzinfo, style: ParagraphStyle, width: float) -> Flowable:
    heads = [f"{column.name}<br/>{column.unit}" if column.unit else column.name for column in table.columns]
    rows = [[Paragraph(text, style) for text in heads]]
    rows += [
        [Paragraph(escape(shown_value(value, zone)), style) for value in row] for row in table.rows[:MOST_ROWS_TO_READ]
    ]
    drawn = LongTable(rows, colWidths=[width / len(table.columns)] * len(table.columns), repeatRows=1)
    drawn.setStyle(
        TableStyle([
            ("LINEBELOW", (0, 0), (-1, -1), 0.25, colors.lightgrey),
            ("BACKGROUND", (0, 0), (-1, 0), colors.whitesmoke),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ])
    )  # fmt: skip
    return drawn


@cache
def _use_font() -> None:
    for path in _font_files():
        try:
            pdfmetrics.registerFont(TTFont(FONT, str(path)))
        except TTFError:
            continue  # a font with PostScript outlines, which cannot be embedded here: the next one
        return
    raise Unavailable(
        "no TrueType font with Chinese was found for the PDF: install one (Debian: fonts-wqy-microhei) "
        f"or name its file in {FONT_SETTING}"
    )


def _font_files() -> list[Path]:
    named = os.environ.get(FONT_SETTING)
    if named:
        return [Path(named)]
    found: dict[str, Path] = {}
    for folder in _FOLDERS:
        for path in Path(folder).expanduser().rglob("*.tt[cf]"):
            found.setdefault(path.name, path)
    return [found[name] for name in _FILES if name in found]
