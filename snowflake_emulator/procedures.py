"""Python stored procedures: run in the server with a real Snowpark session on the same server."""

import contextlib
import dis
import importlib.metadata
import re
import shutil
import sys
import tempfile
import threading
import traceback
import types
from pathlib import Path

from snowflake.connector.errors import ProgrammingError
from snowflake.snowpark import Session

from .access import PACKAGES

FLAGS = re.IGNORECASE | re.DOTALL
RUNTIMES = ["3.9", "3.10", "3.11", "3.12", "3.13"]
# Procedures share the server's modules: one at a time loads what it imports.
LOADING = threading.Lock()


def call_anonymous(cursor, match, sql):
    """WITH name AS PROCEDURE () ... CALL name()."""
    run(cursor, match["name"], match["header"], match["code"])


def create(cursor, match, sql):
    """CREATE PROCEDURE."""
    check_packages(match["header"], match["code"], imported_files(cursor, match["header"]))
    cursor.session.account.procedures[match["name"].upper()] = (match["header"], match["code"])
    cursor.succeed(f"Function {match['name']} successfully created.")


def call(cursor, match, sql):
    """CALL of a created procedure."""
    procedure = cursor.session.account.procedures.get(match[1].upper())
    if procedure is None:
        raise ProgrammingError(
            msg=f"SQL compilation error:\nUnknown procedure {match[1]}",
            errno=2140,
            sqlstate="42601",
        )
    run(cursor, match[1], *procedure)


def imported_files(cursor, header):
    """Return the files of a procedure's IMPORTS by name; refuse it for one that is missing."""
    listed = re.search(r"\bimports\s*=\s*\(([^)]*)\)", header, FLAGS)
    files = {}
    for place in re.findall(r"'([^']+)'", listed[1]) if listed else []:
        stage, _, path = place.removeprefix("@").partition("/")
        known = cursor.session.account.stages.get(cursor.name(stage))
        # Asked for its files, a stage has what clients have sent it.
        file = known and known.files(path).get(path)
        if not file:
            raise refused(f"Remote file '{place}' was not found.")
        if file.name in files:
            raise refused(f"IMPORTS has two files of the name {file.name}.")
        files[file.name] = file
    return files


def check_packages(header, code, files):
    """Refuse a procedure whose packages are not pinned, or that imports what it does not list.

    The modules in its IMPORTS, as far as it reaches them, are held to the same.

    Raises
    ------
    snowflake.connector.errors.ProgrammingError
        Names the package.
    """
    listed = re.search(r"\bpackages\s*=\s*\(([^)]*)\)", header, FLAGS)
    version = re.search(r"\bruntime_version\s*=\s*'([^']*)'", header, FLAGS)
    if version is None or version[1] not in RUNTIMES:
        raise refused(f"RUNTIME_VERSION must be one of {', '.join(RUNTIMES)}.")
    packages = re.findall(r"'([^']+)'", listed[1]) if listed else []
    names = {re.split(r"[=<>!~\[]", package)[0].lower() for package in packages}
    for package in packages:
        # dbt adds the package of its own accord, without a version.
        if "==" not in package and package != "snowflake-snowpark-python":
            raise refused(f"Package '{package}' is not pinned: write {package}==<version>.")
        if "==" in package and package.lower().split("==") not in PACKAGES:
            raise refused(
                "Cannot create a Python function with the specified packages. Please check your "
                f"packages specification and try again: no source shows {package} in the channel."
            )
    # What a package needs is installed with it, as far as what is installed here tells.
    for name in list(names):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            needed = importlib.metadata.requires(name) or []
            names |= {
                re.split(r"[^\w.-]", one)[0].lower() for one in needed if "extra ==" not in one
            }
    distributions = importlib.metadata.packages_distributions()
    codes, reached = [code], set()
    while codes:
        for module in imported_modules(codes.pop()):
            top, *parts = module.split(".")
            if f"{top}.py" in files:
                for part in {top, *parts} - reached:
                    reached.add(part)
                    if f"{part}.py" in files:
                        codes.append(files[f"{part}.py"].read_text())
                continue
            provided = {name.lower() for name in distributions.get(top, [top])}
            if top not in sys.stdlib_module_names and not provided & names:
                raise refused(f"ModuleNotFoundError: '{top}' is imported but not in PACKAGES.")


def imported_modules(code):
    """Return the names of the modules that a code imports.

    From the bytecode: syntax trees that are made in several threads at once fail now and then on
    Python 3.11 (cpython issue 106905).
    """
    blocks, modules = [compile(code, "procedure", "exec")], set()
    while blocks:
        block = blocks.pop()
        blocks += [constant for constant in block.co_consts if isinstance(constant, types.CodeType)]
        modules |= {
            instruction.argval
            for instruction in dis.get_instructions(block)
            if instruction.opname == "IMPORT_NAME"
        }
    return sorted(modules - {""})


def refused(message):
    """Make the error of a procedure that cannot be created."""
    return ProgrammingError(
        msg=f"SQL compilation error:\n{message}", errno=391546, sqlstate="42601"
    )


def run(cursor, name, header, code):
    """Run a procedure's handler with a Snowpark session of its own."""
    files = imported_files(cursor, header)
    check_packages(header, code, files)
    session = cursor.session
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
        result = getattr(load(name, code, files), handler)(snowpark)
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


def execute_block(cursor, match, sql):
    """EXECUTE IMMEDIATE of a block that runs one statement and returns its error, or nothing."""
    try:
        cursor.execute(match[1])
        message = ""
    except ProgrammingError as error:
        message = error.raw_msg or str(error)
    cursor.answer(["anonymous block"], [[message]])


def load(name, code, files):
    """Return a procedure's code as a module, what it imports taken from its files alone.

    As on Snowflake the files lie side by side in one folder, whatever folders they had on their
    stages, and the folder is where Python looks first.
    """
    module = types.ModuleType(name)
    # A package is a file with a `__path__` to the folder; its parts are loaded from there.
    owned = {file.removesuffix(".py") for file in files}
    with tempfile.TemporaryDirectory() as folder, LOADING:
        for file, source in files.items():
            shutil.copy(source, Path(folder) / file)
        before = {
            one: sys.modules.pop(one) for one in list(sys.modules) if one.split(".")[0] in owned
        }
        sys.path.insert(0, folder)
        sys._xoptions.setdefault("snowflake_partner_attribution", [])
        sys._xoptions["snowflake_import_directory"] = folder
        try:
            exec(compile(code, f"<procedure {name}>", "exec"), module.__dict__)
        finally:
            sys.path.remove(folder)
            # A list, since another procedure may import something meanwhile.
            for one in [one for one in list(sys.modules) if one.split(".")[0] in owned]:
                del sys.modules[one]
            sys.modules.update(before)
    return module


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
        (
            r"execute\s+immediate\s+\$\$\s*begin\s+(.+?);\s*return\s+'';\s*exception\s+when\s+other\s+then"
            r"\s+return\s+sqlerrm;\s*end\s*\$\$",
            execute_block,
        ),
    ]
]
