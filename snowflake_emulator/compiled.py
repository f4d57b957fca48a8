"""Checks of the SQL that dbt compiled, without running it.

The emulator refuses in what runs; these look at every branch, also over empty tables. Reserved
names are looked for in SQL for DuckDB (`make lint`); names and types, by sqlglot's `qualify` and
`annotate_types`, in SQL for Snowflake. A type that sqlglot cannot tell is not judged.
"""

import json
import sys
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from .checks import RESERVED, reserved_identifiers

KINDS = {
    "text": exp.DataType.TEXT_TYPES,
    "number": exp.DataType.NUMERIC_TYPES,
    "time": exp.DataType.TEMPORAL_TYPES,
    "boolean": {exp.DataType.Type.BOOLEAN},
}
COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.LT, exp.GTE, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)


def compiled_nodes(manifest):
    """Return the nodes of a manifest file, sources included, that have SQL or columns."""
    content = json.loads(Path(manifest).read_text())
    nodes = [*content["nodes"].values(), *content["sources"].values()]
    return [node for node in nodes if node.get("language") != "python"]


def reserved_names(manifest):
    """Return a sentence for each node that uses words which Snowflake reserves as names.

    Parameters
    ----------
    manifest : pathlib.Path
        The `manifest.json` that `dbt compile` wrote, for DuckDB.
    """
    faults = []
    for node in compiled_nodes(manifest):
        names = {
            name
            for name, column in node["columns"].items()
            if name.upper() in RESERVED and not column.get("quote")
        }
        for statement in sqlglot.parse(node.get("compiled_code") or "", read="duckdb"):
            names.update(reserved_identifiers(statement) if statement else [])
        if names:
            words = ", ".join(sorted(names))
            faults.append(f"{node['original_file_path']}: Snowflake reserves {words}: rename.")
    return faults


def wrong_types(manifest, columns):
    """Return a sentence for each expression that Snowflake refuses, or takes for something else.

    Parameters
    ----------
    manifest : pathlib.Path
        The `manifest.json` of a build on Snowflake.
    columns : list of tuple
        Database, schema, table, column and type of everything that was built.
    """
    tables = {}
    for database, schema, table, column, kind in columns:
        of_schema = tables.setdefault(database.upper(), {}).setdefault(schema.upper(), {})
        of_schema.setdefault(table.upper(), {})[column] = kind
    tables = MappingSchema(tables, dialect="snowflake")
    faults = []
    for node in compiled_nodes(manifest):
        place = node["original_file_path"]
        for statement in sqlglot.parse(node.get("compiled_code") or "", read="snowflake"):
            if not isinstance(statement, exp.Query):
                continue
            try:
                qualify(statement, schema=tables, dialect="snowflake")
            except OptimizeError as error:
                faults.append(f"{place}: {str(error).splitlines()[0]}")
                continue
            annotate_types(statement, schema=tables, dialect="snowflake")
            faults += sorted({f"{place}: {fault}" for fault in type_faults(statement)})
    return faults


def kind_of(node):
    """Return what kind of value an expression gives; none where that is not known."""
    return next((kind for kind, types in KINDS.items() if node.is_type(*types)), None)


def is_double(node):
    """Tell whether an expression is a double; sqlglot takes double x decimal for a decimal."""
    if isinstance(node, exp.Mul | exp.Add | exp.Sub | exp.Div):
        return is_double(node.this) or is_double(node.expression)
    return node.unnest().is_type("double", "float") or (
        isinstance(node, exp.Paren | exp.Neg) and is_double(node.this)
    )


def type_faults(statement):
    """Yield what is wrong with the types in a statement that has been annotated."""
    for node in statement.find_all(exp.TryCast, exp.Div, *COMPARISONS, exp.Coalesce, exp.Case):
        text = node.sql("snowflake")[:200]
        if isinstance(node, exp.TryCast):
            if kind_of(node.this) not in ("text", None):
                yield f"TRY_CAST takes text only: {text}"
        elif isinstance(node, exp.Div):
            # By 2 or 10, six places are enough.
            is_exact = node.expression.is_int and 10**6 % (node.expression.to_py() or 7) == 0
            if not (is_exact or is_double(node.this) or is_double(node.expression)):
                yield f"a quotient of exact numbers is rounded to six places: {text}"
        else:
            sides = [node.this, node.expression]
            if isinstance(node, exp.Coalesce):
                sides = [node.this, *node.expressions]
            elif isinstance(node, exp.Case):
                sides = [branch.args["true"] for branch in node.args["ifs"]]
                sides += [node.args["default"]] if node.args.get("default") else []
            # A subquery after ANY or ALL is no value.
            sides = [side for side in sides if not isinstance(side, exp.Any | exp.All)]
            kinds = {kind_of(side) for side in sides} - {None}
            if len(kinds) > 1:
                yield f"{' and '.join(sorted(kinds))} meet: {text}"


if __name__ == "__main__":
    found = reserved_names(sys.argv[1])
    print("\n".join(found) or "No name is a word that Snowflake reserves.")
    sys.exit(bool(found))
