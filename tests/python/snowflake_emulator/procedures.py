"""Python stored procedures: run in the server with a real Snowpark session on the same server."""

import re
import sys
import traceback
import types

from snowflake.connector.errors import ProgrammingError
from snowflake.snowpark import Session

FLAGS = re.IGNORECASE | re.DOTALL
PROCEDURE = (
    r'\s+procedure\s+(?P<header>.*?)\bas\s*(?P<quote>\$\$|\')(?P<code>.*?)(?P=quote)'
)


def call_anonymous(cursor, match, sql):
    """WITH name AS PROCEDURE () ... CALL name()."""
    run(cursor, match["name"], match["header"], match["code"])


def create(cursor, match, sql):
    """CREATE PROCEDURE."""
    cursor.session.account.procedures[match["name"].upper()] = (match["header"], match["code"])
    cursor.succeed(f"Function {match['name']} successfully created.")


def call(cursor, match, sql):
    """CALL of a created procedure."""
    procedure = cursor.session.account.procedures.get(match[1].upper())
    if procedure is None:
        raise ProgrammingError(
            msg=f"SQL compilation error:\nUnknown procedure {match[1]}", errno=2140, sqlstate="42601"
        )
    run(cursor, match[1], *procedure)


def run(cursor, name, header, code):
    """Run a procedure's handler with a Snowpark session of its own."""
    session = cursor.session
    module = types.ModuleType(name)
    sys._xoptions.setdefault("snowflake_partner_attribution", [])
    handler = re.search(r"handler\s*=\s*'(\w+)'", header, FLAGS)[1]
    session.account.callers[str(session.session_id)] = session
    snowpark = Session.builder.configs(
        session.account.url
        | {
            "database": session.database,
            "schema": session.schema,
            "role": session.role,
            "warehouse": session.warehouse,
            "session_parameters": {"EMULATOR_CALLER": str(session.session_id)},
        }
    ).create()
    try:
        exec(compile(code, f"<procedure {name}>", "exec"), module.__dict__)
        result = getattr(module, handler)(snowpark)
    except Exception as error:
        raise ProgrammingError(
            msg=f"Python Interpreter Error:\n{traceback.format_exc()} in function {name}",
            errno=100357,
            sqlstate="P0000",
        ) from error
    finally:
        snowpark.close()
        del session.account.callers[str(session.session_id)]
    cursor.answer([name.upper()], [[result]])


HANDLERS = [
    (re.compile(pattern, FLAGS), handler)
    for pattern, handler in [
        (
            r"with\s+(?P<name>\w+)\s+as\s+procedure\s*\(\s*\)(?P<header>.*?)\bas\s*\$\$(?P<code>.*?)\$\$\s*;?\s*call\s",
            call_anonymous,
        ),
        (
            r"create\s+(?:or\s+replace\s+)?procedure\s+(?P<name>[\w.\"]+)\s*\(\s*\)(?P<header>.*?)\bas\s*\$\$(?P<code>.*?)\$\$",
            create,
        ),
        (r"call\s+([\w.\"]+)\s*\(\s*\)", call),
    ]
]
