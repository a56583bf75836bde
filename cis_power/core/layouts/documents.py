"""What people read about a layout: its template and its page in docs/interfaces.md, from the declaration."""

import csv
import io

from cis_power.core.layouts.declaration import Column, Kind, Layout

_DOUBLES = {
    False: "A second row of the same key in one file is an error.",
    True: "A second row of the same key in one file is an error, unless it says the same; then it is a warning.",
}
_MEANING = {
    Kind.IDENTIFIER: "text (identifier)",
    Kind.TEXT: "text",
    Kind.FLAG: "true or false",
    Kind.INTEGER: "whole number",
    Kind.NUMBER: "number",
    Kind.MONEY: "amount, to the cent",
    Kind.DATE: "date",
    Kind.INSTANT: "time",
    Kind.PHASES: "phases, e.g. `A` or `ABC`",
}


def template(layout: Layout) -> str:
    """A small file of this layout to start from: the header, and an example row where the columns give one."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.name for column in layout.columns])
    examples = [column.example for column in layout.columns]
    filled = any(examples)
    if filled:
        writer.writerow(examples)
    if layout.trailer:
        total = layout.column(layout.trailer.total_column).example or "0.00"
        writer.writerow(["#TRAILER", int(filled), total if filled else "0.00"])
    return out.getvalue()


def markdown(layout: Layout) -> str:
    """The layout's section for docs/interfaces.md."""
    lines = [f"### `{layout.name}`", "", layout.description, "", "| column | type | required | unit | meaning |"]
    lines.append("|---|---|---|---|---|")
    lines.extend(_line(column) for column in layout.columns)
    lines.append("")
    if layout.key:
        names = ", ".join(f"`{name}`" for name in layout.key)
        where = f" where `{layout.key_needs}` is filled" if layout.key_needs else ""
        lines.append(f"Key{where}: {names}. {_DOUBLES[layout.doubles_pass]}")
    for group in layout.one_of:
        lines.append(f"One of {', '.join(f'`{name}`' for name in group)} must be filled in every row.")
    if layout.trailer:
        lines.append(f"Last line: `#TRAILER,rows,total`; total is the sum of `{layout.trailer.total_column}`.")
    lines.extend(layout.notes)
    return "\n".join(lines).rstrip() + "\n"


def _line(column: Column) -> str:
    if column.kind is Kind.CHOICE:
        meaning = "one of " + ", ".join(f"`{choice}`" for choice in column.choices)
    else:
        meaning = _MEANING[column.kind]
    required = "yes" if column.required else "column" if column.required_header else ""
    default = f" Default: {column.default}." if column.default is not None else ""
    return f"| `{column.name}` | {meaning} | {required} | {column.unit} | {column.description}{default} |"
