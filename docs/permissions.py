"""Writes docs/permissions.md, the table permission × role, from the code: `python -m docs.permissions`."""

from pathlib import Path

from cis_power.access.permissions import PERMISSIONS, ROLES

FILE = Path(__file__).parent / "permissions.md"
HEAD = """# Permissions by role

Written from `cis_power/access/permissions.py` by `python -m docs.permissions`; do not edit. A permission lets a role
in; how much it sees then is decided by territory and by field ([access.md](access.md)).

"""


def render() -> str:
    """The whole document."""
    lines = [f"| permission | | {' | '.join(ROLES)} |", "|---|---|" + "---|" * len(ROLES)]
    for name, words in PERMISSIONS.items():
        marks = " | ".join("•" if name in granted else "" for granted in ROLES.values())
        lines.append(f"| `{name}` | {words} | {marks} |")
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
