"""COPY INTO a stage: the rows of a query as files."""

import csv
import io
import json
import re

import pyarrow.compute
from pyarrow import parquet

from .files import TEXT, error, is_true, options_of
from .loading import LOCATION, location_of
from .names import FLAGS, MARK, with_identifiers

OPTIONS = {"FILE_FORMAT", "HEADER", "SINGLE", "OVERWRITE"}
# Options of file formats that are known, and the values that are; None: any.
FORMAT_OPTIONS = {
    "TYPE": {"CSV", "JSON", "PARQUET"},
    "COMPRESSION": {"NONE"},
    "FIELD_DELIMITER": {"NONE", ","},
    "RECORD_DELIMITER": {"NONE", "\n"},
    "FIELD_OPTIONALLY_ENCLOSED_BY": {'"'},
    "EMPTY_FIELD_AS_NULL": {"FALSE"},
    "NULL_IF": {"()"},
}


def bracketed(sql):
    """Split a text that begins with a bracket into what stands in it and what follows."""
    depth = 0
    for match in re.finditer(rf"{TEXT}|[()]", sql, re.DOTALL):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0:
            return sql[1 : match.start()], sql[match.end() :].strip()
    raise error("A bracket is not closed.")


def unload(cursor, match, sql):
    """COPY INTO a stage: one file, or one in each folder that PARTITION BY names."""
    match = re.match(
        rf"copy\s+into\s+{LOCATION}\s*from\s*(?P<rest>\(.*)", with_identifiers(sql), FLAGS
    )
    if match is None:
        raise error("The emulator unloads the rows of a query in brackets only.")
    stage, path = location_of(cursor, match)
    query, rest = bracketed(match["rest"])
    partition = None
    if starts := re.match(r"partition\s+by\s*(?=\()", rest, FLAGS):
        partition, rest = bracketed(rest[starts.end() :])
        query = f"select *, {partition} as partition_folder from ({query})"
    options = options_of(rest, OPTIONS)
    file_format = options_of(options.get("FILE_FORMAT", "(TYPE = CSV)")[1:-1], FORMAT_OPTIONS)
    for name, value in file_format.items():
        if value.upper() not in FORMAT_OPTIONS[name]:
            raise error(f"The emulator does not unload with {name} = {value}.")
    kind = file_format.get("TYPE", "CSV").upper()
    if kind != "PARQUET" and file_format.get("COMPRESSION", "").upper() != "NONE":
        raise error("The emulator unloads text with COMPRESSION = NONE only.")
    # The rows as objects: fakesnow knows OBJECT_CONSTRUCT of named columns only.
    if objects := re.match(r"select\s+object_construct\(\*\)\s+from\s*(?=\()", query, FLAGS):
        query, _ = bracketed(query[objects.end() :])
    elif kind == "JSON":
        raise error("The emulator unloads JSON of OBJECT_CONSTRUCT(*) only.")
    cursor.run(query, None)
    rows = cursor._arrow_table
    rows = rows.rename_columns([name.replace(MARK, "") for name in rows.column_names])
    folder = stage.folder / path.strip("/")
    written = {}
    if partition:
        names = rows["PARTITION_FOLDER"]
        for name in sorted(set(names.to_pylist())):
            part = rows.filter(pyarrow.compute.equal(names, name)).drop(["PARTITION_FOLDER"])
            written[folder / name / f"data_0_0_0.{kind.lower()}"] = part
    elif is_true(options, "SINGLE"):
        written[folder] = rows
    else:
        written[folder / f"data_0_0_0.{kind.lower()}"] = rows
    for file in written:
        if file.exists() and not is_true(options, "OVERWRITE"):
            raise error("Files already existing at the unload destination.", 1030, "22000")
    for file, part in written.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        if kind == "PARQUET":
            parquet.write_table(part, file)
        elif kind == "JSON":
            # OBJECT_CONSTRUCT leaves nulls out.
            objects = ({k: v for k, v in row.items() if v is not None} for row in part.to_pylist())
            file.write_text("".join(f"{json.dumps(row, default=str)}\n" for row in objects))
        else:
            file.write_text(delimited(part, file_format, is_true(options, "HEADER")))
    sizes = sum(file.stat().st_size for file in written)
    cursor.answer(["rows_unloaded", "input_bytes", "output_bytes"], [[len(rows), sizes, sizes]])


def delimited(rows, file_format, has_header):
    """Return rows as delimited text; null is an empty field."""
    if file_format.get("RECORD_DELIMITER", "").upper() == "NONE":
        return "".join(str(value) for value in rows.column(0).to_pylist())
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if has_header:
        writer.writerow(rows.column_names)
    writer.writerows(zip(*(column.to_pylist() for column in rows.columns), strict=True))
    return text.getvalue()


HANDLERS = [(re.compile(r"copy\s+into\s+'?@", FLAGS), unload)]
