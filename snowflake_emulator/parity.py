"""Whether both targets hold the same marts, to the row and the value."""

import json
import math
import re
from pathlib import Path

import duckdb


def public_marts(manifest):
    """Return the public models of a dbt manifest and the columns that each is unique by.

    Parameters
    ----------
    manifest : pathlib.Path
        A `manifest.json`.

    Returns
    -------
    dict
        Key columns by relation, `schema.name`, both in lower case.
    """
    nodes = json.loads(Path(manifest).read_text())["nodes"]
    marts = {
        id_: f"{node['schema']}.{node['alias']}"
        for id_, node in nodes.items()
        if node["resource_type"] == "model"
        and node["access"] == "public"
        # It remembers the builds, which are others on the other target.
        and node["name"] != "build_history"
    }
    keys = {}
    for node in nodes.values():
        mart = marts.get(node.get("attached_node"))
        test = node.get("test_metadata") or {}
        if mart and test.get("name") in ("unique", "unique_combination"):
            columns = test["kwargs"].get("columns") or [node["column_name"]]
            keys.setdefault(mart, [column.lower() for column in columns])
    return {mart: keys[mart] for mart in sorted(marts.values())}


def normalised(kind):
    """Return a column's type under one name for both warehouses."""
    kind = kind.upper().replace(" ", "")
    if match := re.fullmatch(r"(?:NUMBER|DECIMAL|NUMERIC)\((\d+),(\d+)\)", kind):
        return "integer" if match[2] == "0" else f"decimal({match[1]},{match[2]})"
    for pattern, name in [
        ("HUGEINT|BIGINT|INTEGER|SMALLINT|TINYINT", "integer"),
        (r"VARCHAR(\(\d+\))?|TEXT", "text"),
        ("DOUBLE|FLOAT|REAL", "double"),
        (r"TIMESTAMP(_NTZ(\(\d\))?)?", "timestamp"),
    ]:
        if re.fullmatch(pattern, kind):
            return name
    return kind.lower()


def is_same(left, right, tolerance):
    """Tell whether two values are equal, doubles within a relative tolerance."""
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=tolerance, abs_tol=tolerance) or (
            math.isnan(left) and math.isnan(right)
        )
    return left == right


def first_difference(database, emulator, marts, *, tolerance=1e-9):
    """Compare marts on DuckDB and on the emulator, row by row.

    Parameters
    ----------
    database : pathlib.Path
        The DuckDB file that was built.
    emulator : Emulator
        The emulator that the same shop was built on, in its database ANALYTICS.
    marts : dict
        Key columns by relation, as `public_marts` gives them.
    tolerance : float
        Relative difference that is allowed between doubles.

    Returns
    -------
    str or None
        A sentence about the first difference: table, key, column and both values.
    """
    with duckdb.connect(str(database), read_only=True) as connection:
        for mart, key in marts.items():
            left = [row[:2] for row in connection.execute(f"describe {mart}").fetchall()]
            right = [row[:2] for row in emulator.query(f"describe table analytics.{mart}")]
            left = [(name, normalised(kind)) for name, kind in left]
            right = [(name.lower(), normalised(kind)) for name, kind in right]
            if left != right:
                pairs = [pair for pair in zip(left, right, strict=False) if pair[0] != pair[1]]
                return f"{mart}: columns differ: {pairs[:1] or (left, right)}"
            names = [name for name, _ in left]
            places = [names.index(column) for column in key]
            ours, theirs = (
                {tuple(row[place] for place in places): row for row in rows}
                for rows in (
                    connection.execute(f"select * from {mart}").fetchall(),
                    emulator.query(f"select * from analytics.{mart}"),
                )
            )
            for one, other, where in [(ours, theirs, "Snowflake"), (theirs, ours, "DuckDB")]:
                if missing := one.keys() - other.keys():
                    first = min(missing, key=repr)
                    return f"{mart}: {where} lacks {len(missing)} rows, {key} = {first}"
            for identity in sorted(ours, key=repr):
                for name, a, b in zip(names, ours[identity], theirs[identity], strict=True):
                    if not is_same(a, b, tolerance):
                        return f"{mart}: {key} = {identity}, {name}: DuckDB {a!r}, Snowflake {b!r}"
    return None
