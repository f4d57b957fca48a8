"""What DuckDB cannot do with a shop's raw files: a plugin of dbt-duckdb (profiles/profiles.yml).

It finds the files of a table, reads their headers, and writes files in another encoding, or JSON
that is not one object a line, anew as UTF-8 lines. Its functions give JSON to the macros that call
them; where a file cannot be read, `problem` is the rest of a sentence that begins with its name.
"""

import codecs
import csv
import glob
import gzip
import io
import json
import os
import re
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin

FORMATS = {"csv": "csv", "json": "json", "jsonl": "json", "ndjson": "json", "parquet": "parquet"}
ENDINGS = [f".{name}" for name in FORMATS] + [
    f".{name}.gz" for name in FORMATS if name != "parquet"
]
# Stands for a byte that is not of a file's encoding: Unicode keeps it for use inside programs, so
# no text holds it. The macros take a line that does for malformed.
UNREADABLE = "\ufdd0"
HEAD_BYTES = 1 << 20


def format_of(path: str) -> str | None:
    """Format by a file's ending; none for what is no raw file, such as a hidden one."""
    if os.path.basename(path).startswith(".") or not os.path.isfile(path):
        return None
    ending = next((ending for ending in ENDINGS if path.lower().endswith(ending)), None)
    return ending and FORMATS[ending.split(".")[1]]


def find_files(folder: str, name: str) -> dict:
    """Find the files that a relation's name stands for: one file, those of a folder, or of a glob.

    Parameters
    ----------
    folder : str
        The folder of raw files.
    name : str
        A file's name, with or without its ending, a folder, or a glob such as `orders/2024-*.csv`.

    Returns
    -------
    dict
        `files`, sorted; their `format` (csv, json or parquet); or a `problem`.
    """
    base = os.path.join(folder, name)
    if glob.has_magic(name):
        claims = {base: glob.glob(os.path.join(glob.escape(folder), name), recursive=True)}
    else:
        stem = glob.escape(base)
        claims = {path: [path] for path in [base, *glob.glob(f"{stem}.*")]}
        for path in [base, f"{base}.parquet"]:
            claims[path] = claims.get(path, []) + glob.glob(f"{glob.escape(path)}/*")
        # `orders.csv`, not `orders.old.csv`.
        endings = ["", *ENDINGS]
        claims = {
            path: files for path, files in claims.items() if path[len(base) :].lower() in endings
        }
    claims = {path: sorted(filter(format_of, files)) for path, files in claims.items()}
    claims = {path: files for path, files in sorted(claims.items()) if files}
    if not claims:
        others = sorted(os.path.basename(path) for path in glob.glob(f"{glob.escape(base)}*"))
        return {"files": [], "others": others}
    if len(claims) > 1:
        return {"problem": f"{' and '.join(claims)} both claim to be it; keep one of them"}
    (files,) = claims.values()
    formats = sorted({format_of(file) for file in files})
    if len(formats) > 1:
        return {
            "problem": f"{base} holds files of several formats ({', '.join(formats)}); "
            "keep those of one"
        }
    return {"files": files, "format": formats[0]}


def other_files(folder: str, files: list[str]) -> list[str]:
    """List the raw files of a folder and of the folders in it that are none of those given."""
    found = glob.glob(f"{glob.escape(folder)}/*") + glob.glob(f"{glob.escape(folder)}/*/*")
    return sorted(
        os.path.relpath(path, folder) for path in found if format_of(path) and path not in files
    )


def decoder_of(encoding: str) -> tuple[codecs.CodecInfo, str] | None:
    """Python's codec of an encoding and how it takes a byte that it lacks; none if unknown."""
    try:
        b" ".decode(encoding, "ignore")
    except LookupError:
        return None
    codec = codecs.lookup(encoding)
    if codec.name == "utf-8":
        codec = codecs.lookup("utf-8-sig")
    if codec.name == "iso8859-1":
        # What programs call latin-1 is what Windows writes, and so the web's standard reads it.
        return codecs.lookup("cp1252"), "control_character"
    return codec, "unreadable"


codecs.register_error("unreadable", lambda error: (UNREADABLE, error.end))
codecs.register_error(
    "control_character", lambda error: (chr(error.object[error.start]), error.start + 1)
)


def open_text(path: str, encoding: str) -> TextIO:
    """Open a file, compressed or not, as text; line ends stay as they are."""
    codec, errors = decoder_of(encoding)
    opener = gzip.open if path.lower().endswith(".gz") else open
    return opener(path, "rt", encoding=codec.name, errors=errors, newline="")


def write_utf8(folder: str, path: str, chunks: Iterator[str]) -> str:
    """Write text as UTF-8 to a file of its own; returns its path."""
    handle, copy = tempfile.mkstemp(dir=folder, suffix=f"_{Path(path).name.split('.')[0]}")
    # A surrogate of UTF-16 without its other half is no character.
    with open(handle, "w", encoding="utf-8", errors="replace", newline="") as file:
        file.writelines(chunks)
    return copy


def as_utf8(folder: str, path: str, encoding: str) -> str:
    """Write a text file anew as UTF-8, what is unreadable marked; returns its path."""
    with open_text(path, encoding) as file:
        return write_utf8(folder, path, iter(lambda: file.read(HEAD_BYTES), ""))


def read_header(head: str, delimiter: str) -> dict:
    """Read the header of a delimited file.

    Parameters
    ----------
    head : str
        The file's beginning.
    delimiter : str
        The delimiter as the mapping has it.

    Returns
    -------
    dict
        `names` as they stand, without blanks around them; `header_lines`, the lines up to its end;
        `delimiter`, which Excel's line `sep=;` may set; `line_end` of the first line; or a
        `problem`.
    """
    lines = io.StringIO(head, newline="")
    first = lines.readline()
    line_end = first[len(first.rstrip("\r\n")) :]
    skipped = 1
    if re.fullmatch(r"sep=.[\r\n]*", first, re.IGNORECASE):
        delimiter = first[4]
    else:
        lines.seek(0)
        skipped = 0
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    names = next((record for record in reader if any(map(str.strip, record))), None)
    number = skipped + reader.line_num
    if names is None:
        return {"problem": "is empty; it needs a header line with the columns' names"}
    names = [name.strip() for name in names]
    lines.seek(0)
    if sum(lines.readline().count('"') for _ in range(number)) % 2:
        return {
            "problem": f"has a header (line {number}) with a quote that is never closed; close it"
        }
    others = [other for other in [",", ";", "\t", "|"] if other != delimiter and other in names[0]]
    if len(names) == 1 and others:
        shown = "\\t" if others[0] == "\t" else others[0]
        return {
            "problem": f"has one column in its header (line {number}), `{names[0][:200]}`, when "
            f"cut at `{delimiter}`; its delimiter seems to be another: "
            f'say `delimiter: "{shown}"` in the table\'s mapping'
        }
    if UNREADABLE in "".join(names):
        return {
            "problem": f"has a header (line {number}) with bytes that are not of its encoding; "
            "name the right one in the table's mapping (`encoding: cp1252` for what Excel on "
            "Windows saves)"
        }
    if 2 * sum(not re.search(r"[^\W\d_]", name) for name in names) > len(names):
        return {
            "problem": f"has no header: line {number} holds values "
            f"(`{delimiter.join(names)[:200]}`), not the columns' names; put them above it"
        }
    return {
        "names": names,
        "header_lines": number,
        "delimiter": delimiter,
        "line_end": line_end,
    }


def json_documents(text: str) -> Iterator[str]:
    """Give each element of an array, or each of several values, as its text on one line.

    Raises
    ------
    json.JSONDecodeError
        Where the text is no such JSON.
    """
    decode = json.JSONDecoder().raw_decode
    blank = re.compile(r"[ \t\r\n\ufeff]*")
    separator = re.compile(r"[ \t\r\n]*,[ \t\r\n]*")
    position = blank.match(text).end()
    is_array = text[position : position + 1] == "["
    if is_array:
        position = blank.match(text, position + 1).end()
    end = len(text.rstrip())
    while position < end and not (is_array and text[position] == "]"):
        try:
            _, stop = decode(text, position)
        except RecursionError:
            raise json.JSONDecodeError("it is nested too deep", text, position) from None
        # Inside a value a line can only end between its parts.
        yield re.sub(r"[\r\n]+", " ", text[position:stop])
        position = blank.match(text, stop).end()
        if is_array and text[position : position + 1] != "]":
            comma = separator.match(text, stop)
            if not comma:
                raise json.JSONDecodeError("',' or ']' is missing", text, stop)
            position = comma.end()
    if is_array and (position >= end or text[position + 1 :].strip()):
        raise json.JSONDecodeError("the array does not end where the file does", text, position)


def json_lines(text: str) -> Iterator[str]:
    """Give the lines of a broken array, each without the array's own signs."""
    for line in text.splitlines():
        bare = line.strip(" \t\ufeff").removeprefix("[").rstrip(" \t,")
        yield bare if is_object(bare) else bare.removesuffix("]").rstrip(" \t,")


def is_object(text: str) -> bool:
    """Tell whether a text is one JSON object."""
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def open_json(folder: str, path: str, encoding: str) -> dict:
    """Look whether a JSON file has one object a line; write it so if it has not."""
    with open_text(path, encoding) as file:
        first = next((line for line in file if line.strip("\ufeff \t\r\n")), "")
        if is_object(first.strip("\ufeff \t\r\n")):
            return {}
        file.seek(0)
        text = file.read()
    if not text.strip("\ufeff \t\r\n"):
        return {}
    try:
        return {"copy": write_utf8(folder, path, (f"{one}\n" for one in json_documents(text)))}
    except json.JSONDecodeError as error:
        lines = [line for line in json_lines(text) if line]
        if 2 * sum(map(is_object, lines)) < len(lines):
            return {
                "problem": f"is neither one JSON object a line nor a JSON array: it breaks in line "
                f"{error.lineno} ({error.msg})"
            }
        return {"copy": write_utf8(folder, path, (f"{line}\n" for line in lines))}


def open_file(folder: str, path: str, encoding: str, delimiter: str) -> dict:
    """Look at a raw file before DuckDB reads it.

    Parameters
    ----------
    folder : str
        Where copies are written to.
    path, encoding, delimiter : str
        The file, and what its mapping says of it.

    Returns
    -------
    dict
        `path` to read, as a pattern that finds this file alone; `is_copy`; for a delimited file
        what `read_header` gives; or a `problem`.
    """
    opened = {}
    kind = format_of(path)
    try:
        if kind == "parquet":
            with duckdb.connect() as connection:
                connection.execute("describe from read_parquet(?)", [glob.escape(path)])
        elif decoder_of(encoding) is None:
            return {"problem": f"cannot be read: there is no encoding `{encoding}`"}
        else:
            opener = gzip.open if path.lower().endswith(".gz") else open
            with opener(path, "rb") as file:
                mark = file.read(2)
            is_utf8 = codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")
            if is_utf8 and mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                return {"problem": "is UTF-16; say `encoding: utf-16` in the table's mapping"}
            if kind == "csv":
                with open_text(path, encoding) as file:
                    opened = read_header(file.read(HEAD_BYTES), delimiter)
            else:
                opened = open_json(folder, path, encoding)
            if "problem" not in opened and "copy" not in opened and not is_utf8:
                opened["copy"] = as_utf8(folder, path, encoding)
    except duckdb.Error:
        return {"problem": "is no Parquet file, or was cut off; write it again"}
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        return {"problem": f"cannot be read ({error}); write it again"}
    copy = opened.pop("copy", None)
    return opened | {"path": glob.escape(copy or path), "is_copy": copy is not None}


class Plugin(BasePlugin):
    """Registers the functions with every connection."""

    def configure_connection(self, conn):
        """Register the functions; what they write goes with this process."""
        self.folder = tempfile.TemporaryDirectory(prefix="clientele_")

        def find_raw_files(folder: str, name: str) -> str:
            return json.dumps(find_files(folder, name))

        def open_raw_file(path: str, encoding: str, delimiter: str) -> str:
            return json.dumps(open_file(self.folder.name, path, encoding, delimiter))

        def raw_file_as_utf8(path: str) -> str:
            return json.dumps(glob.escape(as_utf8(self.folder.name, path, "utf-8")))

        def other_raw_files(folder: str, files: str) -> str:
            return json.dumps(other_files(folder, json.loads(files)))

        for function in [find_raw_files, open_raw_file, raw_file_as_utf8, other_raw_files]:
            # They read files, so the same arguments may give another result.
            conn.create_function(function.__name__, function, side_effects=True)
