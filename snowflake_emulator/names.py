"""Names and literals in SQL, as the emulator's parts read and write them."""

import re

FLAGS = re.IGNORECASE | re.DOTALL
NAME = r'(?:"[^"]+"|[\w$]+)(?:\s*\.\s*(?:"[^"]+"|[\w$]+))*'
# Ends the stored names of columns that have lower-case letters.
MARK = "\u02e1"
TYPES = {
    "VARCHAR": "VARCHAR(16777216)", "DOUBLE": "FLOAT", "FLOAT": "FLOAT",
    "DATE": "DATE", "BOOLEAN": "BOOLEAN",
    "TIMESTAMP": "TIMESTAMP_NTZ", "TIMESTAMP_NS": "TIMESTAMP_NTZ",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP_TZ",
    "BLOB": "BINARY", "TIME": "TIME", '"NULL"': "TEXT",
}  # fmt: skip


def literal(value):
    """Return a value as a literal of SQL."""
    if value is None:
        return "null"
    if isinstance(value, bool | int | float):
        return str(value).lower()
    return "'" + str(value).replace("'", "''") + "'"


def stored(name):
    """Return the name that DuckDB, which ignores case, keeps a column under.

    On Snowflake `"id"` and `ID` are two columns, and `id` means the second.
    """
    return name + MARK if any(map(str.islower, name)) and not name.endswith(MARK) else name


def quoted(name):
    """Return a name in double quotes, as DuckDB keeps it."""
    return '"' + stored(name).replace('"', '""') + '"'


def in_full(parts):
    """Return the full name of a table or view."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def with_bindings(sql, params):
    """Return a statement with each `?` replaced by its value as a literal."""
    values = iter(params)
    return re.sub(r"\?", lambda _: literal(next(values)), sql)


def snowflake_type(kind):
    """Return the Snowflake type of a DuckDB type."""
    if kind.startswith("DECIMAL"):
        return kind.replace("DECIMAL", "NUMBER")
    return TYPES.get(kind, "NUMBER(38,0)" if "INT" in kind else "VARIANT")


def with_identifiers(sql):
    """Return a statement with IDENTIFIER('x') as x, without the comments of Snowpark."""
    sql = re.sub(r"/\* Python:.*?\*/", " ", sql, flags=re.DOTALL)
    return re.sub(r"\bidentifier\s*\(\s*'([^']*)'\s*\)", r"\1", sql, flags=FLAGS)
