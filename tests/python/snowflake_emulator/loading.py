"""Stages, file formats, PUT, COPY INTO and the table functions INFER_SCHEMA and VALIDATE."""

import hashlib
import re
import shutil
import tempfile
from pathlib import Path

import sqlglot
from fakesnow.statement_type import COPY
from snowflake.connector.errors import ProgrammingError

from .names import (
    FLAGS,
    MARK,
    NAME,
    in_full,
    literal,
    quoted,
    snowflake_type,
    with_bindings,
    with_identifiers,
)

STAGE = rf"'?@(?P<stage>{NAME})(?P<path>/[^\s')]*)?'?"
TEMPORARY = r"(?:(?:scoped\s+|local\s+)?(?P<temporary>temp|temporary|volatile)\s+)?"
OPTION = r"(\w+)\s*=\s*(\((?:[^()']|'(?:[^']|'')*')*\)|'(?:[^']|'')*'|[\w.\"]+)"

# Options of a file format that change how a file is read here; the others in IGNORED do not matter.
FORMAT_OPTIONS = {
    "TYPE", "FIELD_DELIMITER", "SKIP_HEADER", "PARSE_HEADER", "FIELD_OPTIONALLY_ENCLOSED_BY",
    "ENCODING", "ERROR_ON_COLUMN_COUNT_MISMATCH", "FORMAT_NAME",
}  # fmt: skip
IGNORED = {
    "COMPRESSION", "RECORD_DELIMITER", "SKIP_BLANK_LINES", "NULL_IF",
    "EMPTY_FIELD_AS_NULL", "TRIM_SPACE",
    "ESCAPE", "ESCAPE_UNENCLOSED_FIELD", "REPLACE_INVALID_CHARACTERS", "BINARY_AS_TEXT",
    "USE_VECTORIZED_SCANNER", "USE_LOGICAL_TYPE", "STRIP_OUTER_ARRAY", "COMMENT",
}  # fmt: skip
ENCODINGS = {"UTF8": "utf-8", "UTF16": "utf-16", "ISO88591": "latin-1"}
REJECTED = [
    "ERROR", "FILE", "LINE", "CHARACTER", "BYTE_OFFSET", "CATEGORY", "CODE", "SQL_STATE",
    "COLUMN_NAME", "ROW_NUMBER", "ROW_START_LINE", "REJECTED_RECORD",
]  # fmt: skip


def error(message, errno=1003, sqlstate="42000"):
    """Make a compilation error."""
    return ProgrammingError(
        msg=f"SQL compilation error:\n{message}", errno=errno, sqlstate=sqlstate
    )


def options_of(text):
    """Return the `NAME = value` options of a text, names in upper case, values without quotes."""
    options = {}
    for name, value in re.findall(OPTION, text, FLAGS):
        if value.startswith("'"):
            value = value[1:-1].replace("''", "'")
        options[name.upper()] = value
    return options


def format_of(cursor, text):
    """Return the options of a file format: its name, or its options in brackets."""
    text = text.strip()
    named = {"FORMAT_NAME": text.strip("'")}
    options = options_of(text[1:-1]) if text.startswith("(") else named
    if name := options.pop("FORMAT_NAME", None):
        named = cursor.session.account.formats.get(cursor.name(name))
        if named is None:
            raise error(f"File format '{name}' does not exist or not authorized.", 2003, "02000")
        options = named | options
    for option in options:
        if option not in FORMAT_OPTIONS | IGNORED:
            raise error(f"The emulator does not know the file format option {option}.")
    return {"TYPE": "CSV"} | options


class Stage:
    """An internal stage: a folder of files."""

    def __init__(self, name):
        self.name = name
        self.folder = Path(tempfile.mkdtemp(prefix="snowflake_stage_"))

    def files(self, path=""):
        """Files whose path in the stage begins with a path."""
        path = (path or "").strip("/")
        return sorted(
            file
            for file in self.folder.rglob("*")
            if file.is_file() and str(file.relative_to(self.folder)).startswith(path)
        )


def stage_of(cursor, match):
    """Return the stage that a statement names."""
    name = cursor.name(match["stage"])
    if name not in cursor.session.account.stages:
        raise error(f"Stage '{'.'.join(name)}' does not exist or not authorized.", 2003, "02000")
    return cursor.session.account.stages[name]


def create_stage(cursor, match, sql):
    """CREATE STAGE: a folder on this machine."""
    match = re.match(
        rf"create\s+(or\s+replace\s+)?{TEMPORARY}stage\s+(?P<exists>if\s+not\s+exists\s+)?(?P<name>{NAME})(?P<rest>.*)",
        with_identifiers(sql),
        FLAGS,
    )
    name = cursor.name(match["name"])
    if re.search(r"\burl\s*=", match["rest"], FLAGS):
        raise error("The emulator has internal stages only.")
    stages = cursor.session.account.stages
    if not (match["exists"] and name in stages):
        stages[name] = Stage(name[-1])
    if match["temporary"]:
        cursor.session.temporary_stages.add(name)
    cursor.succeed(f"Stage area {name[-1]} successfully created.")


def create_format(cursor, match, sql):
    """CREATE FILE FORMAT."""
    match = re.match(
        rf"create\s+(?:or\s+replace\s+)?{TEMPORARY}file\s+format\s+(?:if\s+not\s+exists\s+)?(?P<name>{NAME})(?P<rest>.*)",
        with_identifiers(sql),
        FLAGS,
    )
    name = cursor.name(match["name"])
    cursor.session.account.formats[name] = format_of(cursor, f"({match['rest']})")
    cursor.succeed(f"File format {name[-1]} successfully created.")


def drop(cursor, match, sql):
    """DROP STAGE or FILE FORMAT."""
    match = re.match(
        rf"drop\s+(?P<kind>stage|file\s+format)\s+(?:if\s+exists\s+)?(?P<name>{NAME})",
        with_identifiers(sql),
        FLAGS,
    )
    account = cursor.session.account
    name = cursor.name(match["name"])
    if match["kind"].lower() == "stage":
        forget_stage(account, name)
    else:
        account.formats.pop(name, None)
    cursor.succeed(f"{name[-1]} successfully dropped.")


def forget_stage(account, name):
    """Remove a stage and its files."""
    if stage := account.stages.pop(name, None):
        shutil.rmtree(stage.folder, ignore_errors=True)


def put(cursor, match, sql):
    """PUT: tells the client to copy its files into the stage's folder."""
    match = re.match(
        rf"put\s+'?file://(?P<source>[^']+?)'?\s+{STAGE}(?P<rest>.*)", with_identifiers(sql), FLAGS
    )
    stage = stage_of(cursor, match)
    options = options_of(match["rest"])
    folder = stage.folder / (match["path"] or "").strip("/")
    folder.mkdir(parents=True, exist_ok=True)
    cursor.succeed()
    cursor.upload = {
        "command": "UPLOAD",
        "stageInfo": {"locationType": "LOCAL_FS", "location": f"{folder}/", "creds": {}},
        "src_locations": [match["source"]],
        "parallel": 4,
        "autoCompress": options.get("AUTO_COMPRESS", "TRUE").upper() == "TRUE",
        "sourceCompression": options.get("SOURCE_COMPRESSION", "AUTO_DETECT").lower(),
        "overwrite": options.get("OVERWRITE", "FALSE").upper() == "TRUE",
    }


def list_files(cursor, match, sql):
    """LIST: the files of a stage."""
    match = re.match(rf"(?:list|ls)\s+{STAGE}", sql, FLAGS)
    stage = stage_of(cursor, match)
    rows = [
        [
            f"{stage.name.lower()}/{file.relative_to(stage.folder)}",
            file.stat().st_size,
            hashlib.md5(file.read_bytes()).hexdigest(),
            "Thu, 1 Jan 1970 00:00:00 GMT",
        ]
        for file in stage.files(match["path"])
    ]
    cursor.answer(["name", "size", "md5", "last_modified"], rows)


def remove_files(cursor, match, sql):
    """REMOVE: files of a stage."""
    match = re.match(rf"(?:remove|rm)\s+{STAGE}", sql, FLAGS)
    stage = stage_of(cursor, match)
    files = stage.files(match["path"])
    for file in files:
        file.unlink()
    cursor.answer(["name", "result"], [[file.name, "removed"] for file in files])


def copy_into(cursor, match, sql):
    """COPY INTO a table from files of a stage."""
    sql = with_identifiers(sql)
    inner = STAGE.replace("<stage>", "<stage1>").replace("<path>", "<path1>")
    match = re.match(
        rf"copy\s+into\s+(?P<table>{NAME})\s*(?:\((?P<columns>[^()]*)\)\s*)?from\s+"
        rf"(?:\(\s*select\s+(?P<select>.*?)\s+from\s+{inner}\s*(?:as\s+)?\w*\s*\)|{STAGE})"
        r"(?P<rest>.*)",
        sql,
        FLAGS,
    )
    if match is None:
        raise error("The emulator does not know this form of COPY INTO.")
    groups = match.groupdict()
    stage = stage_of(cursor, {"stage": groups["stage"] or groups["stage1"]})
    options = options_of(match["rest"])
    for option in options:
        if option not in {"FILE_FORMAT", "ON_ERROR", "PURGE", "FORCE", "MATCH_BY_COLUMN_NAME"}:
            raise error(f"The emulator does not know the copy option {option}.")
    file_format = format_of(cursor, options.get("FILE_FORMAT", "(TYPE = CSV)"))
    files = stage.files(groups["path"] or groups["path1"])
    target = cursor.name(match["table"])
    table = in_full(target)
    connection = cursor._duck_conn
    with cursor.session.account.lock:
        all_columns = [
            row[0].replace(MARK, "") for row in connection.execute(f"describe {table}").fetchall()
        ]
        columns = [
            name[1:-1] if name.startswith('"') else name.upper()
            for name in map(str.strip, (groups["columns"] or "").split(","))
            if name
        ] or all_columns
        rows, rejected = [], []
        for file in files:
            faulty = reject_lines(connection, file, file_format, columns)
            if faulty and options.get("ON_ERROR", "").upper() != "CONTINUE":
                raise ProgrammingError(
                    msg=f"{faulty[0][0]}\n  File '{file.name}', line {faulty[0][2]}",
                    errno=100080,
                    sqlstate="22000",
                )
            source = source_of(file, file_format, columns)
            if file_format["TYPE"].upper() == "CSV" and not groups["select"]:
                select = f"select * from {source}"
            elif groups["select"]:
                select = select_of(groups["select"], source, file_format)
            elif "MATCH_BY_COLUMN_NAME" in options:
                present = {
                    row[0].upper(): row[0]
                    for row in connection.execute(f"describe select * from {source}").fetchall()
                }
                columns = [column for column in columns if column.upper() in present]
                chosen = ", ".join(f'"{present[column.upper()]}"' for column in columns)
                select = f"select {chosen} from {source}"
            else:
                select = f"select to_json(record) from {source} as record"
            names = ", ".join(map(quoted, columns))
            count = connection.execute(f"insert into {table} ({names}) {select}").fetchone()[0]
            rejected += faulty
            status = "PARTIALLY_LOADED" if faulty else "LOADED"
            first = faulty[0] if faulty else [None] * len(REJECTED)
            rows.append(
                [f"{stage.name.lower()}/{file.relative_to(stage.folder)}", status]
                + [count + len(faulty), count, 1, len(faulty), first[0], first[2], None, first[8]]
            )
            if options.get("PURGE", "").upper() == "TRUE":
                file.unlink()
    cursor.session.last_copy[target] = rejected
    if not rows:
        cursor.succeed("Copy executed with 0 files processed.")
        return
    cursor.answer(
        ["file", "status", "rows_parsed", "rows_loaded", "error_limit", "errors_seen"]
        + ["first_error", "first_error_line", "first_error_character", "first_error_column_name"],
        rows,
    )
    cursor.statement_type = COPY


def source_of(file, file_format, columns, store=None):
    """Return the DuckDB table function that reads a file by a file format."""
    kind = file_format["TYPE"].upper()
    if kind == "PARQUET":
        return f"read_parquet({literal(file)})"
    if kind == "JSON":
        return f"read_json({literal(file)}, format = 'newline_delimited', ignore_errors = true)"
    if kind != "CSV":
        raise error(f"The emulator does not read files of type {kind}.")
    delimiter = file_format.get("FIELD_DELIMITER", ",")
    quote = file_format.get("FIELD_OPTIONALLY_ENCLOSED_BY", "NONE")
    quote = "" if quote.upper() == "NONE" else quote
    encoding = ENCODINGS[file_format.get("ENCODING", "UTF8").upper().replace("-", "")]
    header = file_format.get("SKIP_HEADER", "0") != "0" or is_true(file_format, "PARSE_HEADER")
    types = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in columns)
    strict = is_true(file_format, "ERROR_ON_COLUMN_COUNT_MISMATCH", "TRUE")
    return (
        f"read_csv({literal(file)}, auto_detect = false, header = {str(header).lower()}"
        f", delim = {literal(chr(1) if delimiter.upper() == 'NONE' else delimiter)}"
        f", quote = {literal(quote)}, escape = {literal(quote)}, encoding = {literal(encoding)}"
        f", columns = {{{types}}}, store_rejects = true"
        + (f", rejects_table = '{store}', rejects_scan = '{store}_scan'" if store else "")
        + ("" if strict else ", null_padding = true, strict_mode = false")
        + ")"
    )


def is_true(file_format, option, default="FALSE"):
    """Tell whether an option of a file format is set."""
    return file_format.get(option, default).upper() == "TRUE"


def reject_lines(connection, file, file_format, columns):
    """Return the lines of a file that are no records, as VALIDATE shows them."""
    if file_format["TYPE"].upper() != "CSV":
        return []
    store = "emulator_rejects"
    connection.execute(f"drop table if exists temp.{store}; drop table if exists temp.{store}_scan")
    source = source_of(file, file_format, columns, store)
    connection.execute(f"select count(*) from {source}").fetchall()
    rows = connection.execute(
        f"""
        select line, min(error_message), min(column_name), min(coalesce(csv_line, error_message))
        from temp.{store} group by line order by line
        """
    ).fetchall()
    connection.execute(f"drop table if exists temp.{store}; drop table if exists temp.{store}_scan")
    return [
        [message.split("\n")[0], file.name, line, 1, None, "parsing", 100080, "22000"]
        + [column, line, line, record]
        for line, message, column, record in rows
    ]


def select_of(text, source, file_format):
    """Return the select of a COPY transformation as DuckDB's: `$1:"name"::type` reads a column."""
    if file_format["TYPE"].upper() == "CSV":
        raise error("The emulator transforms JSON and Parquet in COPY INTO, not CSV.")
    text = re.sub(r'\$1\s*:\s*("(?:[^"]|"")+"|\w+)', r"\1", text)
    select = sqlglot.transpile(f"select {text}", read="snowflake", write="duckdb")[0]
    return f"{select} from {source}"


def infer_schema(cursor, arguments):
    """INFER_SCHEMA: names and types of the columns of files in a stage."""
    match = re.match(STAGE, arguments["LOCATION"], FLAGS)
    files = stage_of(cursor, match).files(match["path"])
    file_format = format_of(cursor, arguments["FILE_FORMAT"])
    columns = {}
    with cursor.session.account.lock:
        for file in files:
            if file_format["TYPE"].upper() == "CSV":
                source = source_of(file, file_format, ["line"])
                source = re.sub(
                    r"auto_detect = false", "auto_detect = true, all_varchar = true", source
                )
                source = re.sub(r", columns = \{.*?\}, store_rejects = true", "", source)
            else:
                source = source_of(file, file_format, None)
            for row in cursor._duck_conn.execute(f"describe select * from {source}").fetchall():
                columns.setdefault(row[0], row[1])
    upper = arguments.get("IGNORE_CASE", "").upper() == "TRUE"
    names = ["COLUMN_NAME", "TYPE", "NULLABLE", "EXPRESSION", "FILENAMES", "ORDER_ID"]
    return names, [
        [column.upper() if upper else column, snowflake_type(kind), True]
        + [f'$1:"{column}"::{snowflake_type(kind)}', ", ".join(file.name for file in files), place]
        for place, (column, kind) in enumerate(columns.items())
    ]


def validate(cursor, arguments):
    """VALIDATE: the lines that the last COPY INTO of this session rejected."""
    if arguments.get("JOB_ID") != "_last":
        raise error("The emulator knows VALIDATE with job_id => '_last' only.")
    target = cursor.name(arguments["TABLE"])
    if target not in cursor.session.last_copy:
        raise error(f"No COPY INTO {'.'.join(target)} ran in this session.")
    return REJECTED, cursor.session.last_copy[target]


TABLE_FUNCTIONS = {"INFER_SCHEMA": infer_schema, "VALIDATE": validate}


def with_table_functions(cursor, sql, params):
    """Replace the loading's table functions in a query by the rows that they give."""
    if not re.search(r"\btable\s*\(\s*(infer_schema|validate)\b", sql, FLAGS):
        return sql
    if params:
        sql = with_bindings(sql, params)

    def rows_of(match):
        arguments = dict(
            (name.upper(), value.strip("'"))
            for name, value in re.findall(r"(\w+)\s*=>\s*('(?:[^']|'')*'|\w+)", match[2])
        )
        if table := re.match(rf"\s*({NAME})\s*,", match[2], FLAGS):
            arguments["TABLE"] = table[1]
        names, rows = TABLE_FUNCTIONS[match[1].upper()](cursor, arguments)
        if not rows:
            nulls = ", ".join(f"cast(null as varchar) as {name}" for name in names)
            return f"(select {nulls} where false)"
        values = ", ".join(f"({', '.join(map(literal, row))})" for row in rows)
        return f"(select * from values {values} as given({', '.join(names)}))"

    return re.sub(
        r"\btable\s*\(\s*(infer_schema|validate)\s*\(((?:[^()']|'(?:[^']|'')*')*)\)\s*\)",
        rows_of,
        sql,
        flags=FLAGS,
    )


HANDLERS = [
    (re.compile(pattern, FLAGS), handler)
    for pattern, handler in [
        (rf"create\s+(or\s+replace\s+)?{TEMPORARY}stage\b", create_stage),
        (rf"create\s+(or\s+replace\s+)?{TEMPORARY}file\s+format\b", create_format),
        (r"drop\s+(stage|file\s+format)\b", drop),
        (r"put\b", put),
        (r"(list|ls)\s", list_files),
        (r"(remove|rm)\s", remove_files),
        (r"copy\s+into\b", copy_into),
    ]
]
