"""Stages, PUT, COPY INTO with its load history, and the functions INFER_SCHEMA and VALIDATE."""

import hashlib
import re
import shutil
import tempfile
import threading
from pathlib import Path

import pyarrow
import sqlglot
from fakesnow.statement_type import COPY
from snowflake.connector.errors import ProgrammingError
from sqlglot import exp

from .files import (
    BRACKETS,
    REJECTED,
    TEXT,
    csv_records,
    error,
    format_of,
    is_true,
    options_of,
    parquet_columns,
    quoted_in_file,
    read_csv,
    read_json,
    text_of,
    texts_of,
)
from .names import (
    FLAGS,
    MARK,
    NAME,
    in_full,
    literal,
    quoted,
    with_bindings,
    with_identifiers,
)

LOCATION = (
    rf"(?:'@(?P<quoted_stage>{NAME})(?P<quoted_path>/(?:[^']|'')*)?'"
    rf"|@(?P<stage>{NAME})(?P<path>/[^\s')]*)?)"
)
TEMPORARY = r"(?:(?:scoped\s+|local\s+)?(?P<temporary>temp|temporary|volatile)\s+)?"
COPY_OPTIONS = {
    "FILE_FORMAT", "FILES", "PATTERN", "ON_ERROR", "PURGE", "FORCE", "MATCH_BY_COLUMN_NAME",
}  # fmt: skip
PUT_OPTIONS = {"PARALLEL", "AUTO_COMPRESS", "SOURCE_COMPRESSION", "OVERWRITE"}


# Snowflake's types that DuckDB calls otherwise.
TYPES = {
    "TIMESTAMP_NTZ": "timestamp", "TIMESTAMP_LTZ": "timestamptz", "TIMESTAMP_TZ": "timestamptz",
    "REAL": "double", "VARIANT": "json", "BINARY": "blob", "NUMBER": "decimal",
}  # fmt: skip


class Stage:
    """An internal stage: a folder of files.

    By default the client encrypts what it sends with a random key, so that a file sent again looks
    changed; with SNOWFLAKE_SSE it does not.
    """

    def __init__(self, name, encryption):
        self.name = name
        self.folder = Path(tempfile.mkdtemp(prefix="snowflake_stage_"))
        self.is_encrypted_by_client = encryption == "SNOWFLAKE_FULL"
        self.sent = []
        # Models that train at once ask for their imports at once.
        self.taking_in = threading.Lock()

    def receive(self, path, overwrite):
        """Return the folder that a client sends files to, for a folder of the stage.

        The client looks whether a file is there already, but not in a folder of this machine.
        """
        folder = Path(tempfile.mkdtemp(prefix="snowflake_put_"))
        self.sent.append((folder, self.folder / path.strip("/"), overwrite))
        return folder

    def files(self, path=""):
        """Files whose path in the stage begins with a path, by their path."""
        with self.taking_in:
            for folder, target, overwrite in self.sent:
                target.mkdir(parents=True, exist_ok=True)
                for file in folder.iterdir():
                    if overwrite or not (target / file.name).exists():
                        shutil.move(file, target / file.name)
                shutil.rmtree(folder)
            self.sent = []
        path = (path or "").lstrip("/")
        found = ((self.path(file), file) for file in self.folder.rglob("*") if file.is_file())
        return dict(sorted(pair for pair in found if pair[0].startswith(path)))

    def path(self, file):
        """Return the path of a file in the stage."""
        return str(file.relative_to(self.folder))

    def tag(self, file):
        """Return the hash by which Snowflake tells that a file has changed."""
        sent = str(file.stat().st_mtime_ns).encode() if self.is_encrypted_by_client else b""
        return hashlib.md5(file.read_bytes() + sent).hexdigest()


def location_of(cursor, match):
    """Return the stage and the path in it that a statement names."""
    groups = match.groupdict()
    written = groups["quoted_stage"] or groups["stage"]
    path = (groups["quoted_path"] or "").replace("''", "'") or groups["path"] or ""
    name = cursor.name(written)
    if name not in cursor.session.account.stages:
        raise error(f"Stage '{'.'.join(name)}' does not exist or not authorized.", 2003, "02000")
    return cursor.session.account.stages[name], path


def create_stage(cursor, match, sql):
    """CREATE STAGE: a folder on this machine."""
    match = re.match(
        rf"create\s+(?P<replace>or\s+replace\s+)?{TEMPORARY}stage\s+(?P<exists>if\s+not\s+exists\s+)?"
        rf"(?P<name>{NAME})(?P<rest>.*)",
        with_identifiers(sql),
        FLAGS,
    )
    name = cursor.name(match["name"])
    # The client's write_pandas names a format here, and the same again where it copies.
    options = options_of(match["rest"], {"ENCRYPTION", "COMMENT", "FILE_FORMAT"})
    encryption = options_of(options.get("ENCRYPTION", "")[1:-1], {"TYPE"})
    encryption = encryption.get("TYPE", "SNOWFLAKE_FULL").upper()
    if encryption not in ("SNOWFLAKE_FULL", "SNOWFLAKE_SSE"):
        raise error(f"An internal stage has no encryption {encryption}.")
    stages = cursor.session.account.stages
    if name in stages and not (match["exists"] or match["replace"]):
        raise error(f"Object '{'.'.join(name)}' already exists.", 2002, "42710")
    if not (match["exists"] and name in stages):
        forget_stage(cursor.session.account, name)
        stages[name] = Stage(name[-1], encryption)
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


def forget_loads(cursor, expression):
    """Forget which files were loaded into a table that is made anew, dropped or truncated."""
    replaces = isinstance(expression, exp.Create) and expression.args.get("replace")
    if replaces or isinstance(expression, exp.Drop | exp.TruncateTable):
        for table in expression.find_all(exp.Table):
            cursor.session.account.loaded.pop(cursor.full_name(table), None)


def put(cursor, match, sql):
    """PUT: tells the client to copy its files into the stage's folder."""
    match = re.match(
        rf"put\s+(?P<source>{TEXT}|[^\s']+)\s+{LOCATION}(?P<rest>.*)", with_identifiers(sql), FLAGS
    )
    if match is None:
        raise error("The emulator does not know this form of PUT.")
    source = text_of(match["source"]) if match["source"].startswith("'") else match["source"]
    if not source.startswith("file:///"):
        raise error(f"PUT needs an absolute path, file:///folder/file: '{source}'.")
    source = source.removeprefix("file://")
    if wildcard := re.search(r"[\[\]]|[*?].*/", source):
        raise error(f"PUT documents * and ? in a file's name only: '{wildcard[0]}' in '{source}'.")
    stage, path = location_of(cursor, match)
    options = options_of(match["rest"], PUT_OPTIONS)
    parallel = int(options.get("PARALLEL", "4"))
    if not 1 <= parallel <= 99:
        raise error("PARALLEL must be between 1 and 99.")
    overwrite = is_true(options, "OVERWRITE")
    folder = stage.receive(path, overwrite)
    cursor.succeed()
    cursor.upload = {
        "command": "UPLOAD",
        "stageInfo": {"locationType": "LOCAL_FS", "location": f"{folder}/", "creds": {}},
        "src_locations": [source],
        "parallel": parallel,
        "autoCompress": is_true(options, "AUTO_COMPRESS", "TRUE"),
        "sourceCompression": options.get("SOURCE_COMPRESSION", "AUTO_DETECT").lower(),
        "overwrite": overwrite,
    }


def found_files(cursor, sql):
    """Return the stage, and its files by their path, that a LIST or REMOVE names."""
    match = re.match(rf"\w+\s+{LOCATION}(?P<rest>.*)", sql, FLAGS)
    stage, path = location_of(cursor, match)
    return stage, wanted_files(stage, path, options_of(match["rest"], {"PATTERN"}))


def list_files(cursor, match, sql):
    """LIST: the files of a stage."""
    stage, files = found_files(cursor, sql)
    rows = [
        [f"{stage.name.lower()}/{path}", file.stat().st_size, stage.tag(file)]
        + ["Thu, 1 Jan 1970 00:00:00 GMT"]
        for path, file in files.items()
    ]
    cursor.answer(["name", "size", "md5", "last_modified"], rows)


def remove_files(cursor, match, sql):
    """REMOVE: files of a stage."""
    stage, files = found_files(cursor, sql)
    for file in files.values():
        file.unlink()
    rows = [[f"{stage.name.lower()}/{path}", "removed"] for path in files]
    cursor.answer(["name", "result"], rows)


def copy_into(cursor, match, sql):
    """COPY INTO a table from files of a stage: those that its load history does not hold."""
    sql = with_identifiers(sql)
    inner = LOCATION.replace("stage>", "stage1>").replace("path>", "path1>")
    match = re.match(
        rf"copy\s+into\s+(?P<table>{NAME})\s*(?:\((?P<columns>[^()]*)\)\s*)?from\s+"
        rf"(?:\(\s*select\s+(?P<select>.*?)\s+from\s+{inner}\s*(?:as\s+)?\w*\s*\)|{LOCATION})"
        r"(?P<rest>.*)",
        sql,
        FLAGS,
    )
    if match is None:
        raise error("The emulator does not know this form of COPY INTO.")
    select = match["select"]
    place = re.match(LOCATION, re.sub(r"^.*?(?='?@)", "", match[0], count=1, flags=FLAGS), FLAGS)
    stage, path = location_of(cursor, place)
    options = options_of(match["rest"], COPY_OPTIONS)
    on_error = options.get("ON_ERROR", "ABORT_STATEMENT").upper()
    if on_error not in ("ABORT_STATEMENT", "CONTINUE", "SKIP_FILE"):
        raise error(f"The emulator does not know ON_ERROR = {on_error}.")
    file_format = format_of(cursor, options.get("FILE_FORMAT", "(TYPE = CSV)"))
    target = cursor.name(match["table"])
    with cursor.session.account.lock:
        files = wanted_files(stage, path, options, on_error)
        loaded = cursor.session.account.loaded.setdefault(target, {})
        tags = {name: (stage.folder, stage.tag(file)) for name, file in files.items()}
        if not is_true(options, "FORCE"):
            files = {name: files[name] for name in files if loaded.get(name) != tags[name]}
        described = cursor._duck_conn.execute(f"describe {in_full(target)}").fetchall()
        columns = [
            name[1:-1] if name.startswith('"') else name.upper()
            for name in map(str.strip, (match["columns"] or "").split(","))
            if name
        ] or [row[0].replace(MARK, "") for row in described]
        read = [
            load_file(cursor, name, file, file_format, columns, select, options)
            for name, file in files.items()
        ]
        for name, (_, faulty) in zip(files, read, strict=True):
            if faulty and on_error == "ABORT_STATEMENT":
                raise ProgrammingError(
                    msg=f"{faulty[0][0]}\n  File '{name}', line {faulty[0][2]}",
                    errno=100080,
                    sqlstate="22000",
                )
        rows, rejected = [], []
        for (name, file), (query, faulty) in zip(files.items(), read, strict=True):
            count = 0
            if query and not (faulty and on_error == "SKIP_FILE"):
                count = insert(cursor, target, query)
                loaded[name] = tags[name]
            first = faulty[0] if faulty else [None] * len(REJECTED)
            status = "LOADED" if not faulty else "PARTIALLY_LOADED" if count else "LOAD_FAILED"
            rows.append(
                [f"{stage.name.lower()}/{name}", status, count + len(faulty), count, 1, len(faulty)]
                + [first[0], first[2], None, first[8]]
            )
            rejected += faulty
            if is_true(options, "PURGE"):
                file.unlink()
    cursor.session.last_copy[target] = None if select else rejected
    if not rows:
        cursor.succeed("Copy executed with 0 files processed.")
        return
    cursor.answer(
        ["file", "status", "rows_parsed", "rows_loaded", "error_limit", "errors_seen"]
        + ["first_error", "first_error_line", "first_error_character", "first_error_column_name"],
        rows,
    )
    cursor.statement_type = COPY


def wanted_files(stage, path, options, on_error="ABORT_STATEMENT"):
    """Return the files that a statement names by FILES or PATTERN, or all under its path."""
    files = stage.files(path)
    if "FILES" in options:
        names = [path.lstrip("/") + name for name in texts_of(options["FILES"])]
        if len(names) > 1000:
            raise error("FILES takes 1,000 names at most.")
        for name in names:
            if name not in files and on_error == "ABORT_STATEMENT":
                raise error(f"Remote file '{name}' was not found.", 100016, "02000")
        files = {name: files[name] for name in names if name in files}
    if "PATTERN" in options:
        files = {name: files[name] for name in files if re.fullmatch(options["PATTERN"], name)}
    return files


def load_file(cursor, name, file, file_format, columns, select, options):
    """Return what a COPY inserts of a file, as (columns, query, data), and what it rejects."""
    kind = file_format["TYPE"]
    data, rejected, wide = None, [], {"metadata$filename": literal(name)}
    if kind == "PARQUET":
        source = f"read_parquet({literal(file)}, file_row_number = true)"
        fields = parquet_columns(file, file_format)
        wide["metadata$file_row_number"] = "file_row_number + 1"
    else:
        width = None if select else len(columns)
        data, rejected = (
            read_csv(file, file_format, width) if kind == "CSV" else read_json(file, file_format)
        )
        source = "emulator_file"
        fields = {field: ("VARIANT" if kind == "JSON" else "TEXT", field) for field in data}
        wide["metadata$file_row_number"] = quoted_in_file("metadata$file_row_number")
    if select:
        chosen = selected(select, kind, fields, wide)
    elif "MATCH_BY_COLUMN_NAME" in options:
        if kind != "PARQUET":
            raise error("The emulator knows MATCH_BY_COLUMN_NAME of Parquet only.")
        present = {field.upper(): fields[field][1] for field in fields}
        columns = [column for column in columns if column.upper() in present]
        chosen = ", ".join(present[column.upper()] for column in columns)
    elif kind == "PARQUET":
        raise error("Parquet is copied by a SELECT or by MATCH_BY_COLUMN_NAME.")
    else:
        chosen = ", ".join(field for field in fields if "$" not in field)
    return (columns, f"select {chosen} from {source}", data), rejected


def selected(select, kind, fields, metadata):
    """Return the columns of a COPY transformation as DuckDB's.

    `$1:"name"::type` reads a column of a Parquet file, `$1` a field, `metadata$filename` its name.
    """

    def field(match):
        if match["metadata"]:
            if match["metadata"].lower() not in metadata:
                raise error(f"The emulator does not know {match['metadata'].upper()}.")
            return f"({metadata[match['metadata'].lower()]})"
        if kind != "PARQUET":
            name = f"c{match['place']}"
            if kind == "JSON" and match["name"]:
                raise error("The emulator takes no fields out of JSON in COPY INTO.")
            return name if name in fields else "cast(null as varchar)"
        name = match["name"].strip('"').replace('""', '"') if match["name"] else None
        if name is None:
            raise error("The emulator reads Parquet in COPY INTO by column, $1:name::type.")
        # A column that this file lacks is null.
        return f"({fields[name][1]})" if name in fields else "(null)"

    text = re.sub(
        r'(?P<metadata>metadata\$\w+)|\$(?P<place>\d+)(?:\s*:\s*(?P<name>"(?:[^"]|"")+"|\w+))?',
        field,
        select,
        flags=FLAGS,
    )
    # Types are Snowflake's; what stands in brackets is DuckDB's already.
    text = re.sub(r"::\s*(\w+)", lambda kind: "::" + TYPES.get(kind[1].upper(), kind[1]), text)
    sqlglot.parse_one(f"select {text}", read="duckdb")
    return text


def insert(cursor, target, query):
    """Insert what was read of a file; returns the number of its rows."""
    columns, select, data = query
    connection = cursor._duck_conn
    if data is not None:
        types = {name: pyarrow.int64() if "$" in name else pyarrow.string() for name in data}
        arrays = {name: pyarrow.array(data[name], types[name]) for name in data}
        connection.register("emulator_file", pyarrow.table(arrays))
    names = ", ".join(map(quoted, columns))
    count = connection.execute(f"insert into {in_full(target)} ({names}) {select}").fetchone()[0]
    if data is not None:
        connection.unregister("emulator_file")
    return count


def infer_schema(cursor, arguments):
    """INFER_SCHEMA: names and types of the columns of files in a stage."""
    for argument in arguments:
        if argument not in (
            "LOCATION",
            "FILE_FORMAT",
            "FILES",
            "IGNORE_CASE",
            "MAX_RECORDS_PER_FILE",
        ):
            raise error(f"The emulator does not know INFER_SCHEMA's argument {argument}.")
    match = re.match(LOCATION, f"'{arguments['LOCATION']}'", FLAGS)
    stage, path = location_of(cursor, match)
    options = {"FILES": arguments["FILES"]} if "FILES" in arguments else {}
    files = wanted_files(stage, path, options)
    file_format = format_of(cursor, arguments["FILE_FORMAT"])
    if file_format["TYPE"] == "JSON":
        raise error("The emulator infers the columns of CSV and Parquet only.")
    found = {}
    for name, file in files.items():
        if file_format["TYPE"] == "PARQUET":
            columns = {name: kind for name, (kind, _) in parquet_columns(file, file_format).items()}
        else:
            header = next(csv_records(file, file_format), (1, [], None, ""))[1]
            header = [field[0] if isinstance(field, list) else field for field in header]
            if not is_true(file_format, "PARSE_HEADER"):
                header = [f"c{place}" for place in range(1, len(header) + 1)]
            columns = dict.fromkeys(header, "TEXT")
        for place, (column, kind) in enumerate(columns.items()):
            found.setdefault((column, kind), [place, []])[1].append(name)
    upper = arguments.get("IGNORE_CASE", "").upper() == "TRUE"
    names = ["COLUMN_NAME", "TYPE", "NULLABLE", "EXPRESSION", "FILENAMES", "ORDER_ID"]
    return names, [
        [
            column.upper() if upper else column,
            kind,
            True,
            f'$1:"{column}"::{kind}',
            ", ".join(held),
            place,
        ]
        for (column, kind), (place, held) in found.items()
    ]


def validate(cursor, arguments):
    """VALIDATE: the lines that the last COPY INTO of this session rejected."""
    if arguments.get("JOB_ID") != "_last":
        raise error("The emulator knows VALIDATE with job_id => '_last' only.")
    target = cursor.name(arguments["TABLE"])
    if target not in cursor.session.last_copy:
        raise error(f"No COPY INTO {'.'.join(target)} ran in this session.")
    if cursor.session.last_copy[target] is None:
        raise error("VALIDATE does not know a COPY INTO that transforms what it loads.")
    return REJECTED, cursor.session.last_copy[target]


TABLE_FUNCTIONS = {"INFER_SCHEMA": infer_schema, "VALIDATE": validate}


def with_table_functions(cursor, sql, params):
    """Replace the loading's table functions in a query by the rows that they give."""
    if not re.search(r"\btable\s*\(\s*(infer_schema|validate)\b", sql, FLAGS):
        return sql
    if params:
        sql = with_bindings(sql, params)

    def rows_of(match):
        arguments = {
            name.upper(): value
            if value.startswith("(")
            else text_of(value)
            if value.startswith("'")
            else value
            for name, value in re.findall(rf"(\w+)\s*=>\s*(\([^()]*\)|{TEXT}|\w+)", match[2])
        }
        if table := re.match(rf"\(\s*({NAME})\s*,", match[2], FLAGS):
            arguments["TABLE"] = table[1]
        names, rows = TABLE_FUNCTIONS[match[1].upper()](cursor, arguments)
        if not rows:
            nulls = ", ".join(f"cast(null as varchar) as {name}" for name in names)
            return f"(select {nulls} where false)"
        values = ", ".join(f"({', '.join(map(literal, row))})" for row in rows)
        return f"(select * from values {values} as given({', '.join(names)}))"

    return re.sub(
        rf"\btable\s*\(\s*(infer_schema|validate)\s*({BRACKETS})\s*\)",
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
