"""Write the initial migration anew from the models: `python -m cis_power.migrations.regenerate`.

For the time before the first release only; afterwards every change of a table is a migration of its own.
"""

import subprocess
import sys
from pathlib import Path

from alembic import command

from cis_power.core.db import Database
from cis_power.migrations import _config

_END = "    # ### end Alembic commands ###\n"
_BEYOND_TABLES = (("series", "sql_function"),)

INITIAL = Path(__file__).parent / "versions" / "0001_initial.py"


def regenerate() -> None:
    INITIAL.unlink(missing_ok=True)
    database = Database("sqlite://")
    config = _config()
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.revision(config, message="All tables", autogenerate=True, rev_id="0001")
    (INITIAL.parent / "0001_all_tables.py").rename(INITIAL)
    text = INITIAL.read_text("utf-8")
    for wing, module in _BEYOND_TABLES:
        text = text.replace(
            "import cis_power.core.db\n", f"import cis_power.core.db\nfrom cis_power.{wing} import {module}\n"
        )
        text = text.replace("    # ### end Alembic commands ###\n", f"    {module}.create(op)\n{_END}", 1)
        text = text.replace("def downgrade() -> None:\n", f"def downgrade() -> None:\n    {module}.drop(op)\n")
    INITIAL.write_text(text, "utf-8")
    subprocess.run([sys.executable, "-m", "ruff", "check", "--fix", "-q", str(INITIAL)], check=False)  # noqa: S603
    subprocess.run([sys.executable, "-m", "ruff", "format", "-q", str(INITIAL)], check=True)  # noqa: S603


if __name__ == "__main__":
    regenerate()
