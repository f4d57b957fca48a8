"""Names that Snowflake reserves, looked for in the SQL that dbt compiled for DuckDB.

The emulator refuses them in all that a build runs; this finds them before anything is built.
"""

import json
import sys
from pathlib import Path

import sqlglot

from .checks import RESERVED, reserved_identifiers


def reserved_names(manifest):
    """Return a sentence for each node of a compiled manifest that uses reserved words as names.

    Parameters
    ----------
    manifest : pathlib.Path
        The `manifest.json` that `dbt compile` wrote.

    Returns
    -------
    list of str
        File and names.
    """
    manifest = json.loads(Path(manifest).read_text())
    faults = []
    for node in [*manifest["nodes"].values(), *manifest["sources"].values()]:
        names = {column for column in node["columns"] if column.upper() in RESERVED}
        if node.get("compiled_code") and node.get("language") == "sql":
            for statement in sqlglot.parse(node["compiled_code"], read="duckdb"):
                names.update(reserved_identifiers(statement))
        if names:
            words = ", ".join(sorted(names))
            faults.append(f"{node['original_file_path']}: Snowflake reserves {words}: rename.")
    return faults


if __name__ == "__main__":
    found = reserved_names(sys.argv[1])
    print("\n".join(found) or "No name is a word that Snowflake reserves.")
    sys.exit(bool(found))
