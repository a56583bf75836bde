"""Writes the layouts into docs/interfaces.md from their declarations: `python -m docs.interfaces`."""

from pathlib import Path

from cis_power.core.layouts import layouts, markdown

FILE = Path(__file__).parent / "interfaces.md"
BEGIN = "<!-- layouts: written by `python -m docs.interfaces`; do not edit -->"
END = "<!-- end of layouts -->"


def layouts_text() -> str:
    """Every registered layout, as the document has it."""
    return "\n".join(markdown(layout) for layout in layouts().values())


def with_layouts(text: str) -> str:
    """The document with the layouts as they are declared now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{layouts_text()}\n{END}{after}"


if __name__ == "__main__":
    FILE.write_text(with_layouts(FILE.read_text(encoding="utf-8")), encoding="utf-8")
