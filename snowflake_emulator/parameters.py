"""Session parameters that change what SQL means; an account may have others than a new one."""

import re

from snowflake.connector.errors import ProgrammingError
from sqlglot import exp

from .names import FLAGS

# Snowflake's own defaults, except that times are UTC.
DEFAULTS = {
    "QUERY_TAG": "",
    "TIMEZONE": "UTC",
    "TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_NTZ",
    "DATE_INPUT_FORMAT": "AUTO",
    "TIMESTAMP_INPUT_FORMAT": "AUTO",
    "DATE_OUTPUT_FORMAT": "YYYY-MM-DD",
    "TIMESTAMP_NTZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF3",
    "TIMESTAMP_TZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM",
    "TIMESTAMP_LTZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM",
    "WEEK_START": "0",
    "QUOTED_IDENTIFIERS_IGNORE_CASE": "FALSE",
}
# An account where nothing is as in a new one, to prove that a build depends on nothing of it.
UNUSUAL = {
    "TIMEZONE": "America/Los_Angeles",
    "TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_LTZ",
    "DATE_INPUT_FORMAT": "DD.MM.YYYY",
    "TIMESTAMP_INPUT_FORMAT": "DD.MM.YYYY HH24:MI:SS",
    "DATE_OUTPUT_FORMAT": "DD/MM/YYYY",
    "TIMESTAMP_NTZ_OUTPUT_FORMAT": "DD/MM/YYYY HH24:MI:SS",
    "WEEK_START": "7",
    "QUOTED_IDENTIFIERS_IGNORE_CASE": "TRUE",
}
# Elements of Snowflake's formats, longest first, and DuckDB's.
ELEMENTS = {
    "YYYY": "%Y", "HH24": "%H", "TZHTZM": "%z", "FF3": "%g", "FF6": "%f",
    "MM": "%m", "DD": "%d", "MI": "%M", "SS": "%S",
}  # fmt: skip
# Between DuckDB's types and text, in its own SQL: `a` is the value, `b` the format.
MACROS = {
    "_EMULATOR_DATE_OF": "(a, b) as case when typeof(a) = 'VARCHAR'"
    " then cast(strptime(cast(a as varchar), b) as date) else cast(a as date) end",
    "_EMULATOR_TIMESTAMP_OF": "(a, b) as case when typeof(a) = 'VARCHAR'"
    " then strptime(cast(a as varchar), b) else cast(a as timestamp) end",
    "_EMULATOR_TEXT_OF": "(a, b, c) as case typeof(a)"
    " when 'DATE' then strftime(cast(cast(a as varchar) as timestamp), b)"
    " when 'TIMESTAMP' then strftime(cast(cast(a as varchar) as timestamp), c)"
    " else cast(a as varchar) end",
}
MACROS |= {
    name.replace("_OF", "_TRIED"): body.replace("strptime", "try_strptime").replace(
        "cast", "try_cast"
    )
    for name, body in MACROS.items()
}
# Read text by TIMESTAMP_INPUT_FORMAT, and give null for what they cannot read.
TRIED = ("TRY_TO_TIMESTAMP", "TRY_TO_TIMESTAMP_NTZ", "TRY_TO_TIMESTAMP_TZ", "TRY_TO_TIMESTAMP_LTZ")


def set_session(cursor, match, sql):
    """ALTER SESSION SET or UNSET of one or more parameters.

    Raises
    ------
    snowflake.connector.errors.ProgrammingError
        Names a parameter that the emulator does not know.
    """
    session = cursor.session
    for name, value in re.findall(r"(\w+)(?:\s*=\s*('(?:[^']|'')*'|[\w.-]+))?", match["rest"]):
        if name.upper() not in DEFAULTS:
            raise ProgrammingError(
                msg=f"SQL compilation error:\ninvalid parameter '{name.upper()}'",
                errno=1008,
                sqlstate="22023",
            )
        value = value[1:-1].replace("''", "'") if value.startswith("'") else value.upper()
        set_parameter(session, name.upper(), value or DEFAULTS[name.upper()])
    cursor.succeed()


def set_parameter(session, name, value):
    """Give a session's parameter a value from now on."""
    session.parameters[name] = value
    if name == "TIMEZONE":
        session._duck_conn.execute(f"set session TimeZone = '{value}'")


def show(cursor, match, sql):
    """SHOW PARAMETERS, of the session."""
    pattern = (match["pattern"] or "%").upper().replace("_", ".").replace("%", ".*")
    cursor.answer(
        ["key", "value", "default", "level", "description", "type"],
        [
            [name, value, DEFAULTS[name], "SESSION", "", "STRING"]
            for name, value in cursor.session.parameters.items()
            if re.fullmatch(pattern, name)
        ],
    )


def duckdb_format(text):
    """Return a format of DuckDB's that reads and writes what Snowflake's does."""
    return re.sub("|".join(ELEMENTS), lambda element: ELEMENTS[element[0]], text)


def rewrite(expression, parameters):
    """Make casts and names in a statement mean what the session's parameters say."""
    if parameters["QUOTED_IDENTIFIERS_IGNORE_CASE"] == "TRUE":
        for name in expression.find_all(exp.Identifier):
            if name.quoted:
                name.set("this", name.name.upper())
    if parameters["TIMESTAMP_TYPE_MAPPING"] != "TIMESTAMP_NTZ":
        for kind in expression.find_all(exp.DataType):
            if kind.this == exp.DataType.Type.TIMESTAMP:
                kind.set("this", exp.DataType.Type.TIMESTAMPTZ)
    changed = {name for name, value in DEFAULTS.items() if parameters[name] != value}
    if not any(name.endswith("_FORMAT") for name in changed):
        return
    for node in reversed(list(expression.find_all(exp.Cast, exp.TsOrDsToDate, exp.Anonymous))):
        formats, value = None, node.this
        if isinstance(node, exp.Anonymous):
            if node.name.upper() in TRIED and len(node.expressions) == 1:
                name, formats = "_EMULATOR_TIMESTAMP_TRIED", ["TIMESTAMP_INPUT_FORMAT"]
                value = node.expressions[0]
        elif isinstance(node, exp.TsOrDsToDate) or node.to.is_type("date"):
            name, formats = "_EMULATOR_DATE_OF", ["DATE_INPUT_FORMAT"]
        elif node.to.is_type("timestamp", "timestampntz", "datetime"):
            name, formats = "_EMULATOR_TIMESTAMP_OF", ["TIMESTAMP_INPUT_FORMAT"]
        elif node.to.is_type(*exp.DataType.TEXT_TYPES):
            name = "_EMULATOR_TEXT_OF"
            formats = ["DATE_OUTPUT_FORMAT", "TIMESTAMP_NTZ_OUTPUT_FORMAT"]
        if formats and changed.intersection(formats):
            texts = [exp.Literal.string(duckdb_format(parameters[one])) for one in formats]
            if isinstance(node, exp.TryCast) or node.args.get("safe"):
                name = name.replace("_OF", "_TRIED")
            node.replace(exp.Anonymous(this=name, expressions=[value.copy(), *texts]))


HANDLERS = [
    (re.compile(pattern, FLAGS), handler)
    for pattern, handler in [
        (r"alter\s+session\s+(?:un)?set\s+(?P<rest>.*)", set_session),
        (r"show\s+parameters(?:\s+like\s+'(?P<pattern>[^']*)')?(?:\s+in\s+session)?", show),
    ]
]
