"""Names of causes in the reader's language, out of the utility's own table of codes; read once a request."""

from flask import g
from sqlalchemy import select

from cis_power.core.models import Code
from web.language import choose_language
from web.shell import reading


def cause_name(code: str | None) -> str:
    """The name of a cause; a text that is no code stands for itself, because a cause may be any text."""
    if not code:
        return ""
    if "cause_names" not in g:
        with reading() as session:
            rows = session.execute(select(Code.code, Code.label_en, Code.label_zh).where(Code.kind == "cause"))
            g.cause_names = {row.code: (row.label_en, row.label_zh) for row in rows}
    english, chinese = g.cause_names.get(code, ("", ""))
    return (chinese if choose_language() == "zh_CN" else english) or code
