"""File formats, and what Snowflake reads from CSV, JSON and Parquet files by their options."""

import gzip
import json
import re

from pyarrow import parquet
from snowflake.connector.errors import ProgrammingError

from .names import FLAGS

TEXT = r"'(?:[^'\\]|''|\\.)*'"
BRACKETS = rf"\((?:[^()']|{TEXT}|\((?:[^()']|{TEXT})*\))*\)"
OPTION = rf"(\w+)\s*=\s*({BRACKETS}|{TEXT}|[\w.\"]+)"

# Options of file formats by type, and what the emulator does with them: "act", or, where it reads
# in one way only, the values that it takes for this way. Any other option or value is refused.
COMPRESSION = {"AUTO", "GZIP", "NONE"}
FORMAT_OPTIONS = {
    "CSV": {
        "COMPRESSION": COMPRESSION,
        "RECORD_DELIMITER": "act",
        "FIELD_DELIMITER": "act",
        "MULTI_LINE": {"TRUE"},
        "PARSE_HEADER": "act",
        "SKIP_HEADER": "act",
        "SKIP_BLANK_LINES": "act",
        "ESCAPE": {"NONE"},
        "ESCAPE_UNENCLOSED_FIELD": {"NONE"},
        "TRIM_SPACE": "act",
        "FIELD_OPTIONALLY_ENCLOSED_BY": "act",
        "NULL_IF": "act",
        "ERROR_ON_COLUMN_COUNT_MISMATCH": "act",
        "REPLACE_INVALID_CHARACTERS": "act",
        "EMPTY_FIELD_AS_NULL": "act",
        "SKIP_BYTE_ORDER_MARK": "act",
        "ENCODING": "act",
    },
    "JSON": {
        "COMPRESSION": COMPRESSION,
        "MULTI_LINE": {"TRUE"},
        "STRIP_OUTER_ARRAY": "act",
        "REPLACE_INVALID_CHARACTERS": "act",
        "SKIP_BYTE_ORDER_MARK": "act",
    },
    "PARQUET": {
        "COMPRESSION": {"AUTO", "SNAPPY", "NONE"},
        "BINARY_AS_TEXT": "act",
        "USE_LOGICAL_TYPE": "act",
        "USE_VECTORIZED_SCANNER": {"FALSE"},
    },
}
# Snowflake's character sets that Python has, under Python's names.
ENCODINGS = {
    "BIG5": "big5", "EUCJP": "euc_jp", "EUCKR": "euc_kr", "GB18030": "gb18030",
    "ISO2022JP": "iso2022_jp", "ISO2022KR": "iso2022_kr", "KOI8R": "koi8_r",
    "SHIFTJIS": "shift_jis", "UTF8": "utf-8", "UTF16": "utf-16",
    "UTF16BE": "utf-16-be", "UTF16LE": "utf-16-le",
    "UTF32": "utf-32", "UTF32BE": "utf-32-be", "UTF32LE": "utf-32-le",
    "WINDOWS874": "cp874", "WINDOWS949": "cp949",
} | {
    f"ISO8859{part}": f"iso8859_{part}" for part in (1, 2, 5, 6, 7, 8, 9, 15)
} | {
    f"WINDOWS{page}": f"cp{page}" for page in range(1250, 1257)
}  # fmt: skip
REJECTED = [
    "ERROR", "FILE", "LINE", "CHARACTER", "BYTE_OFFSET", "CATEGORY", "CODE", "SQL_STATE",
    "COLUMN_NAME", "ROW_NUMBER", "ROW_START_LINE", "REJECTED_RECORD",
]  # fmt: skip


def error(message, errno=1003, sqlstate="42000"):
    """Make a compilation error."""
    return ProgrammingError(
        msg=f"SQL compilation error:\n{message}", errno=errno, sqlstate=sqlstate
    )


def text_of(written):
    r"""Return the text of a literal in quotes, in which a quote is `''` or `\'`."""
    escapes = {"n": "\n", "r": "\r", "t": "\t"}
    return re.sub(
        r"''|\\(.)",
        lambda match: escapes.get(match[1], match[1]) if match[1] else "'",
        written[1:-1],
        flags=re.DOTALL,
    )


def texts_of(written):
    """Return the texts of a list in brackets."""
    return [text_of(one) for one in re.findall(TEXT, written, re.DOTALL)]


def options_of(text, known):
    """Return the `NAME = value` options of a text, names in upper case, values without quotes.

    Raises
    ------
    snowflake.connector.errors.ProgrammingError
        Names an option that is not known.
    """
    options = {}
    for name, value in re.findall(OPTION, text, FLAGS):
        if known and name.upper() not in known:
            raise error(f"The emulator does not know the option {name.upper()}.")
        options[name.upper()] = text_of(value) if value.startswith("'") else value
    return options


def is_true(options, option, default="FALSE"):
    """Tell whether an option is set."""
    return options.get(option, default).upper() == "TRUE"


def format_of(cursor, text):
    """Return the options of a file format: its name, or its options in brackets."""
    text = text.strip()
    options = options_of(text[1:-1], None) if text.startswith("(") else {"FORMAT_NAME": text}
    if name := options.pop("FORMAT_NAME", None):
        named = cursor.session.account.formats.get(cursor.name(name.strip("'")))
        if named is None:
            raise error(f"File format '{name}' does not exist or not authorized.", 2003, "02000")
        options = named | options
    options = {"TYPE": "CSV"} | options
    kind = options["TYPE"] = options["TYPE"].upper()
    if kind not in FORMAT_OPTIONS:
        raise error(f"The emulator does not read files of type {kind}.")
    for option, value in options.items():
        if option in ("TYPE", "COMMENT"):
            continue
        known = FORMAT_OPTIONS[kind].get(option)
        if known is None:
            raise error(f"The emulator does not know the option {option} of {kind} files.")
        if known != "act" and value.upper() not in known:
            raise error(f"The emulator does not know {option} = {value} of {kind} files.")
    if kind == "CSV":
        # Its default is a backslash, which would take the ends of lines with it.
        if "ESCAPE_UNENCLOSED_FIELD" not in options:
            raise error("The emulator reads CSV with ESCAPE_UNENCLOSED_FIELD = NONE only.")
        if encoding_of(options) is None:
            raise error(f"The emulator does not know ENCODING = {options['ENCODING']}.")
        if is_true(options, "PARSE_HEADER") and "SKIP_HEADER" in options:
            raise error("SKIP_HEADER is not supported with PARSE_HEADER = TRUE.")
    return options


def encoding_of(options):
    """Return Python's name of a file format's character set."""
    return ENCODINGS.get(options.get("ENCODING", "UTF8").upper().replace("-", ""))


def newlines(text):
    """Return the lines of a text; a line ends in LF or CRLF, and the last needs no end."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def bytes_of(file):
    """Return what stands in a file, uncompressed."""
    content = file.read_bytes()
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content


def decoded(file, options, encoding="utf-8"):
    """Return a file's text; bytes that are none become U+FFFD, or surrogates: errors."""
    is_replaced = is_true(options, "REPLACE_INVALID_CHARACTERS")
    text = bytes_of(file).decode(encoding, "replace" if is_replaced else "surrogateescape")
    return text.removeprefix("\ufeff") if is_true(options, "SKIP_BYTE_ORDER_MARK", "TRUE") else text


def csv_records(file, options):
    """Yield the records of a delimited file: line, fields, what is wrong or None, text."""
    text = decoded(file, options, encoding_of(options))
    delimiter = options.get("FIELD_DELIMITER", ",")
    quote = options.get("FIELD_OPTIONALLY_ENCLOSED_BY", "NONE")
    end = options.get("RECORD_DELIMITER", "\n")
    lines = newlines(text) if end == "\n" else text.removesuffix(end).split(end)
    skipped = int(options.get("SKIP_HEADER", "0"))
    place = skipped
    while place < len(lines):
        start, line = place, lines[place]
        place += 1
        if line == "" and is_true(options, "SKIP_BLANK_LINES"):
            continue
        if re.search("[\ud800-\udfff]", line):
            shown = line.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            yield start + 1, [], f"Invalid UTF8 detected in string '{shown[:100]}'", shown
            continue
        if delimiter.upper() == "NONE" and quote.upper() == "NONE":
            yield start + 1, [line], None, line
            continue
        # An enclosed field goes on over the end of a line.
        fields, wrong = split_fields(line, delimiter, quote)
        while wrong == "open" and place < len(lines):
            line += end + lines[place]
            place += 1
            fields, wrong = split_fields(line, delimiter, quote)
        if wrong == "open":
            wrong = "End of file reached while an enclosed field is open"
        yield start + 1, fields, wrong, line


def split_fields(line, delimiter, quote):
    """Return the fields of a record, and "open", a complaint or None; enclosed ones in a list."""
    fields, place = [], 0
    while True:
        if quote.upper() != "NONE" and line[place : place + 1] == quote:
            match = re.compile(f"{quote}((?:[^{quote}]|{quote}{quote})*){quote}").match(line, place)
            if match is None:
                return fields, "open"
            fields.append([match[1].replace(2 * quote, quote)])
            place = match.end()
            if place < len(line) and not line.startswith(delimiter, place):
                return fields, f"Found character '{line[place]}' instead of field delimiter"
        else:
            end = len(line) if delimiter.upper() == "NONE" else line.find(delimiter, place)
            end = len(line) if end < 0 else end
            fields.append(line[place:end])
            place = end
        if place >= len(line):
            return fields, None
        place += len(delimiter)


def value_of(field, options):
    """Return a field's value by the options of its format."""
    if isinstance(field, list):
        value = field[0]
    else:
        value = field.strip() if is_true(options, "TRIM_SPACE") else field
        if value == "" and is_true(options, "EMPTY_FIELD_AS_NULL", "TRUE"):
            return None
    nulls = texts_of(options["NULL_IF"]) if "NULL_IF" in options else ["\\N"]
    return None if value in nulls else value


def read_csv(file, options, width):
    """Return the records of a delimited file as columns, and the rejected ones as by VALIDATE.

    `width` is the number of fields that a record must have, or none where it does not matter.
    """
    kept, numbers, rejected = [], [], []
    records = csv_records(file, options)
    if is_true(options, "PARSE_HEADER"):
        next(records, None)
    for number, (line, fields, wrong, record) in enumerate(records, 1):
        if not wrong and width and len(fields) != width:
            if is_true(options, "ERROR_ON_COLUMN_COUNT_MISMATCH", "TRUE"):
                wrong = (
                    f"Number of columns in file ({len(fields)}) does not match that of the"
                    f" corresponding table ({width})"
                )
            fields = (fields + [""] * width)[:width]
        if wrong:
            rejected.append(
                [wrong, file.name, line, 1, None, "parsing", 100080, "22000"]
                + [None, number, line, record]
            )
        else:
            kept.append([value_of(field, options) for field in fields])
            numbers.append(number)
    width = width or max(map(len, kept), default=1)
    columns = {
        f"c{place + 1}": [row[place] if place < len(row) else None for row in kept]
        for place in range(width)
    }
    return columns | {"metadata$file_row_number": numbers}, rejected


def read_json(file, options):
    """Return the values of a JSON file as one column of JSON text, and the rejected ones."""
    text, place, values, rejected = decoded(file, options), 0, [], []
    decoder = json.JSONDecoder()
    while match := re.compile(r"\s*(?=\S)").match(text, place):
        place = match.end()
        try:
            value, place = decoder.raw_decode(text, place)
        except json.JSONDecodeError as wrong:
            line = text.count("\n", 0, place) + 1
            rejected.append(
                [f"Error parsing JSON: {wrong.msg}", file.name, line, 1, None, "parsing"]
                + [100069, "22P02", None, len(values) + 1, line, text[place : place + 1000]]
            )
            break
        is_stripped = is_true(options, "STRIP_OUTER_ARRAY") and isinstance(value, list)
        values += value if is_stripped else [value]
    columns = {"c1": [json.dumps(value, ensure_ascii=False) for value in values]}
    return columns | {"metadata$file_row_number": list(range(1, len(values) + 1))}, rejected


def parquet_columns(file, options):
    """Return Snowflake's type, and DuckDB's expression, of each column of a Parquet file.

    By the tables of CREATE FILE FORMAT, under USE_VECTORIZED_SCANNER = FALSE.
    """
    schema = parquet.ParquetFile(file).schema
    names = schema.to_arrow_schema().names
    leaves = {schema.column(place).path: schema.column(place) for place in range(len(schema))}
    logical = is_true(options, "USE_LOGICAL_TYPE")
    columns = {}
    for name in names:
        column = quoted_in_file(name)
        leaf = leaves.get(name)
        columns[name] = (
            ("VARIANT", f"to_json({column})")
            if leaf is None
            else (parquet_type(leaf, column, logical, is_true(options, "BINARY_AS_TEXT", "TRUE")))
        )
    return columns


def parquet_type(leaf, column, logical, binary_as_text):
    """Return Snowflake's type, and DuckDB's expression, of one flat column of a Parquet file."""
    kind = json.loads(leaf.logical_type.to_json())
    has_converted_type = leaf.converted_type != "NONE"
    number = ("NUMBER(38,0)", column)
    match kind["Type"]:
        case "Timestamp":
            is_utc = kind["isAdjustedToUTC"]
            unit = {"milliseconds": "ms", "microseconds": "us", "nanoseconds": "ns"}
            unit = unit[kind["timeUnit"]]
            in_zone = ("TIMESTAMP_LTZ", f"{column}::timestamptz")
            without_zone = ("TIMESTAMP_NTZ", f"{column}::timestamp")
            if logical:
                return in_zone if is_utc else without_zone
            if unit == "ns" or not (is_utc or has_converted_type):
                return "NUMBER(38,0)", f"epoch_{unit}({column})"
            return without_zone if is_utc else in_zone
        case "Date":
            if logical or has_converted_type:
                return "DATE", column
            return "NUMBER(38,0)", f"({column} - date '1970-01-01')"
        case "Time":
            return "TIME", column
        case "Decimal":
            return f"NUMBER({kind['precision']},{kind['scale']})", column
        case "String" | "Enum" | "JSON" | "UUID":
            return "TEXT", f"{column}::varchar"
    match leaf.physical_type:
        case "INT96":
            return "TIMESTAMP_NTZ", f"{column}::timestamp"
        case "BOOLEAN":
            return "BOOLEAN", column
        case "FLOAT" | "DOUBLE":
            return "REAL", f"{column}::double"
        case "BYTE_ARRAY" | "FIXED_LEN_BYTE_ARRAY":
            return ("TEXT", f"decode({column})") if binary_as_text else ("BINARY", column)
    return number


def quoted_in_file(name):
    """Return a column's name in double quotes, as its file has it."""
    return '"' + name.replace('"', '""') + '"'
