"""Write a first mapping of a folder of a shop's files, its guesses and questions in comments.

    make -s map RAW=/path/to/the/files > shops/mine.yml

It reads the first rows of every file and guesses which file is which table of the raw contract,
which column is which (names in several languages and of several programs), delimiter, encoding,
decimal mark, form of dates, currency, and which statuses the project does not know. Files of a
program that has a ready mapping are recognised. It changes nothing and sends nothing anywhere.
"""

import csv
import difflib
import gzip
import io
import json
import re
import sys
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb
import yaml

PROJECT = Path(__file__).parents[1]
SAMPLE_ROWS = 5000
SAMPLE_BYTES = 2_000_000
ENDINGS = (
    ".csv",
    ".csv.gz",
    ".txt",
    ".tsv",
    ".json",
    ".jsonl",
    ".json.gz",
    ".jsonl.gz",
    ".parquet",
)

NAMES = yaml.safe_load((PROJECT / "shops" / "map_names.yaml").read_text(encoding="utf-8"))
DATES = {
    "orders": ["order_date", "updated_at"],
    "returns": ["return_date"],
    "customers": ["registration_date"],
    "inventory": ["last_updated"],
    "events": ["event_at"],
    "campaign_contacts": ["contacted_at"],
}
AMOUNTS = ["unit_price", "discount_amount", "line_total", "price", "cost", "refund_amount"]
DAYS = [
    "%d.%m.%Y",
    "%d.%m.%y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%Y/%m/%d",
]
TIMES = ["", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p"]


@dataclass
class File:
    """The head of one file: `rows` are dicts of texts, none where a value is missing."""

    path: Path
    columns: list[str]
    rows: list[dict]
    delimiter: str | None = None
    encoding: str | None = None
    used: dict = field(default_factory=dict)

    @property
    def relation(self):
        """Name of the file without its ending."""
        return self.path.name.split(".")[0]

    def values(self, column):
        """Values of a column that are not empty."""
        return [row[column].strip() for row in self.rows if (row.get(column) or "").strip()]


def plain(name):
    """Return a name in lower case, without accents and signs."""
    text = unicodedata.normalize(
        "NFKD", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower().replace("ß", "ss")
    )
    return re.sub(r"[^a-z0-9]+", "", text)


def flat(names):
    """Return names as one list; those shared by several tables stand in a list of their own."""
    return [word for name in names for word in ([name] if isinstance(name, str) else name)]


def decode(data):
    """Return text and the name of its encoding."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace"), "utf-16"
    for cut in range(4):
        # The sample may end inside of a character.
        try:
            return data[: len(data) - cut].decode("utf-8-sig"), "utf-8"
        except UnicodeDecodeError:
            continue
    return data.decode("cp1252", errors="replace"), "cp1252"


def read(path):
    """Read the head of a file; none when it is none of a shop."""
    if path.suffix == ".parquet":
        relation = duckdb.sql(
            f"select columns(*)::varchar from read_parquet($${path}$$) limit {SAMPLE_ROWS}"
        )
        columns = relation.columns
        return File(
            path, columns, [dict(zip(columns, row, strict=True)) for row in relation.fetchall()]
        )
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        data = file.read(SAMPLE_BYTES)
    text, encoding = decode(data)
    if re.search(r"\.jsonl?(\.gz)?$", path.name):
        return read_json(path, text)
    header = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t|", key=header.count)
    if not header.count(delimiter):
        return None
    lines = text.splitlines(keepends=True)
    lines = lines if len(data) < SAMPLE_BYTES else lines[:-1]
    records = list(csv.reader(io.StringIO("".join(lines), newline=""), delimiter=delimiter))[
        : SAMPLE_ROWS + 1
    ]
    columns = [name.strip() for name in records[0]]
    rows = [
        dict(zip(columns, record, strict=False))
        for record in records[1:]
        if len(record) == len(columns)
    ]
    return File(path, columns, rows, delimiter, encoding)


def read_json(path, text):
    """Read JSON lines, or an array, as far as the sample goes."""
    records, decoder, place = [], json.JSONDecoder(), 0
    text = text.strip().removeprefix("[")
    while len(records) < SAMPLE_ROWS:
        place += len(text[place:]) - len(text[place:].lstrip(" \t\r\n,"))
        try:
            record, place = decoder.raw_decode(text, place)
        except json.JSONDecodeError:
            break
        if isinstance(record, dict):
            records.append(record)
    columns = list(dict.fromkeys(name for record in records for name in record))
    rows = [
        {
            name: None if value is None else value if isinstance(value, str) else json.dumps(value)
            for name, value in record.items()
        }
        for record in records
    ]
    return File(path, columns, rows) if columns else None


def match(file, table):
    """Match the contract's columns of a table with those of a file: {column: (name, how sure)}."""
    wanted = {
        column: [plain(column), *map(plain, flat(names))]
        for column, names in NAMES["columns"][table].items()
    }
    found, taken = {}, set()
    candidates = []
    for column, names in wanted.items():
        for name in file.columns:
            key = plain(name)
            if key in names:
                candidates.append((0, names.index(key), column, name))
            elif near := difflib.get_close_matches(key, names, n=1, cutoff=0.86):
                candidates.append((1, names.index(near[0]), column, name))
    for near, _, column, name in sorted(candidates, key=lambda item: item[:2]):
        if column not in found and name not in taken:
            found[column] = (name, not near)
            taken.add(name)
    return found


def assign(files):
    """Give each table the file that fits it best: {table: (file, columns)}."""
    scores = []
    for table in NAMES["columns"]:
        for file in files:
            found = match(file, table)
            required = [column for column in NAMES["required"][table] if column in found]
            named = re.search("|".join(NAMES["files"][table]), file.relation.lower()) is not None
            # A file without most of what a table needs is not that table.
            if len(required) * 2 > len(NAMES["required"][table]):
                share = len(required) / len(NAMES["required"][table])
                scores.append((share + named + len(found) / 20, table, file, found))
    tables, taken = {}, set()
    for _, table, file, found in sorted(scores, key=lambda item: -item[0]):
        if table not in tables and file.path not in taken:
            tables[table] = (file, found)
            taken.add(file.path)
    return tables


def date_format(values):
    """Return the forms that read nearly all dates; ISO 8601 needs none."""

    def reads(form, value):
        try:
            return bool(datetime.strptime(value, form))
        except ValueError:
            return False

    enough = 0.95 * len(values)
    if sum(bool(re.match(r"\d{4}-\d\d?-\d\d?", value)) for value in values) >= enough:
        return []
    forms = [day + time for day in DAYS for time in TIMES]
    return [form for form in forms if sum(reads(form, v) for v in values) >= enough] or [None]


def decimal_mark(values):
    """Return `,` where the amounts have decimal commas."""
    commas = sum(bool(re.search(r",\d{1,2}$|^\D*\d{1,3}(\.\d{3})+,\d+", value)) for value in values)
    return "," if values and commas * 2 > len(values) else "."


def sql(name):
    """Return a column as SQL in YAML."""
    if re.fullmatch(r"[a-z_][a-z0-9_]*", name):
        return name
    quoted = '"' + name.replace('"', '""') + '"'
    return "'" + quoted.replace("'", "''") + "'"


def table_lines(table, file, found):
    """Write a table's part of the mapping."""
    lines = [f"  {table}:"]
    if file.relation != table:
        lines.append(f"    relation: {file.relation}")
    if file.delimiter and file.delimiter != ",":
        lines.append(f"    delimiter: {json.dumps(file.delimiter)}")
    if file.encoding and file.encoding != "utf-8":
        lines.append(f"    encoding: {file.encoding}        # guessed: not UTF-8")
    amounts = [
        value for column in AMOUNTS if column in found for value in file.values(found[column][0])
    ]
    if decimal_mark(amounts) == ",":
        lines.append('    decimal_mark: ","')
    dates = [
        value
        for column in DATES.get(table, [])
        if column in found
        for value in file.values(found[column][0])
    ]
    forms = date_format(dates)
    if forms == [None]:
        lines.append(
            f"    # ? The form of dates was not recognised ({dates[0]}):"
            " see date_format in shops/README.md."
        )
    elif forms:
        lines.append(f"    date_format: '{forms[0]}'")
        if len(forms) > 1:
            lines.append(
                f"    # ? {' or '.join(forms)} would read every date of the sample: which is meant?"
            )
    columns = []
    for column in NAMES["columns"][table]:
        if column in found:
            name, sure = found[column]
            if plain(name) != plain(column) or name.lower().strip() != column:
                columns.append(
                    f"      {column}: {sql(name)}"
                    + ("" if sure else "        # ? a guess by a name that is near")
                )
        elif column in NAMES["required"][table]:
            left = [
                name for name in file.columns if name not in [name for name, _ in found.values()]
            ]
            columns.append(
                f"      # ? {column} is required and was not found;"
                f" {file.path.name} also has {', '.join(left)}"
            )
            columns.append(f"      # {column}: ")
    if columns:
        lines += ["    columns:", *columns]
        if all(line.lstrip().startswith("#") for line in columns):
            lines[lines.index("    columns:")] = "    # columns:"
    unused = [name for name in file.columns if name not in [name for name, _ in found.values()]]
    if unused:
        lines.append(f"    # not used: {', '.join(unused)}")
    if table == "orders":
        lines += order_questions(file, found)
    return lines


def order_questions(file, found):
    """Ask what no file can say, and what this one says otherwise."""
    lines = []
    if "order_line_id" not in found:
        rows = [tuple(row.items()) for row in file.rows]
        alike = len(rows) - len(set(rows))
        lines.append(
            "    # ? No column tells the lines of an order apart (order_line_id): rows alike in"
            f" every column are taken for copies; {alike} of the first {len(rows)} are."
        )
    if "order_status" in found:
        with (PROJECT / "seeds" / "order_statuses.csv").open(encoding="utf-8") as seed:
            known = {row[0].strip().lower() for row in csv.reader(seed)}
        statuses = sorted(
            {value.lower() for value in file.values(found["order_status"][0])} - known
        )
        if statuses:
            lines.append(
                "    # ? Statuses that seeds/order_statuses.csv does not know, so they count as"
                f" sales: {', '.join(statuses[:20])}"
            )
    else:
        lines.append("    # ? No status found: cancelled orders, if the file has any, would count.")
    if not {"unit_price", "line_total"} & set(found):
        lines.append("    # ? No price found: lines take the product's price.")
    if "currency" in found:
        currencies = sorted(set(file.values(found["currency"][0])))
        if len(currencies) > 1:
            lines.append(
                f"    # ? Several currencies ({', '.join(currencies)}):"
                " see seeds/exchange_rates.csv."
            )
    return lines


def derived_lines(table, column, orders, found):
    """Write a master that is derived from the orders, or that the shop has none."""
    if column not in found:
        return [f"  {table}:", "    relation:        # none found"]
    name = found[column][0]
    quoted = sql(name) if sql(name) == name else sql(name)[1:-1]
    lines = [
        f"  {table}:        # no file of its own: one row per {column} of the orders",
        f"    relation: {orders.relation}",
    ]
    if orders.delimiter and orders.delimiter != ",":
        lines.append(f"    delimiter: {json.dumps(orders.delimiter)}")
    if orders.encoding and orders.encoding != "utf-8":
        lines.append(f"    encoding: {orders.encoding}")
    lines += [
        f"    filter: {yaml.safe_dump(quoted + ' is not null', width=1000).splitlines()[0]}",
        "    distinct: true",
    ]
    lines += ["    columns:", f"      {column}: {sql(name)}"]
    # What a file of orders says of an order is not said of a person or a thing.
    for other in NAMES["columns"][table]:
        if other != column and other in [name.lower().strip() for name in orders.columns]:
            lines.append(f"      {other}: 'null'")
    return lines


def ready_mapping(files):
    """Return the names of ready mappings whose files these are."""
    headers = [{plain(name) for name in file.columns} for file in files]
    return [
        name
        for name, columns in NAMES["ready"].items()
        if any({plain(column) for column in columns} <= header for header in headers)
    ]


def how_to_go_on(folder):
    """Say what to do with the mapping."""
    return [
        f"# Check it, in seconds:   make check SHOP=<this file> CLIENTELE_RAW_DIR={folder}",
        f"# Build it:               make build SHOP=<this file> CLIENTELE_RAW_DIR={folder}"
        " CLIENTELE_DUCKDB=<a file of its own>",
        "#",
    ]


def write_mapping(folder):
    """Return the mapping's text."""
    if not folder.is_dir():
        sys.exit(f"There is no folder {folder}: name the one that holds the shop's files in RAW.")
    paths = sorted(
        path
        for path in folder.iterdir()
        if path.name.lower().endswith(ENDINGS) and path.stat().st_size
    )
    files = [file for file in map(read, paths) if file]
    if not files:
        sys.exit(f"There is no CSV, JSON or Parquet file in {folder}.")
    lines = [
        f"# A first mapping of {folder}, by `make map`.",
        "# Lines with a ? are questions: answer them, then delete them.",
    ]
    for name in ready_mapping(files):
        text = (PROJECT / "shops" / f"{name}.yml").read_text(encoding="utf-8")
        lines += [
            f"# These files look like those of the ready mapping shops/{name}.yml, which knows",
            "# their quirks: name the files as it does.",
        ]
        if "orders" in yaml.safe_load(text)["shop"]:
            lines[:2] = [f"# The mapping of {folder}, by `make map`: a copy of shops/{name}.yml."]
            return "\n".join([*lines, *how_to_go_on(folder), text])
    tables = assign(files)
    lines += [
        *how_to_go_on(folder),
        "shop:",
        "  # ? The shop's time zone, such as Europe/Berlin: its days are counted in it.",
        "  time_zone: UTC",
    ]
    if "orders" in tables:
        orders, found = tables["orders"]
        currencies = sorted(set(orders.values(found["currency"][0]))) if "currency" in found else []
        lines.append(
            f"  currency: {currencies[0].upper()}"
            if len(currencies) == 1 and re.fullmatch("[A-Za-z]{3}", currencies[0])
            else "  # currency: EUR        # ? the shop's own"
        )
        for table in NAMES["columns"]:
            if table in tables:
                lines += table_lines(table, *tables[table])
            elif table in ("customers", "products"):
                lines += derived_lines(table, table[:-1] + "_id", orders, found)
            elif table == "inventory":
                lines += ["  inventory:", "    relation:        # none found"]
    else:
        lines.append(
            "  # ? No file looks like orders: it needs columns for "
            + ", ".join(NAMES["required"]["orders"])
            + "."
        )
    others = [
        file.path.name
        for file in files
        if file.path not in [file.path for file, _ in tables.values()]
    ]
    if others:
        lines.append(
            f"# ? Not used: {', '.join(others)}. What is in there? A table that is known by other"
            " column names is mapped by hand; where an order is spread over several files, write a"
            " query (shops/README.md)."
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(write_mapping(Path(sys.argv[1])))
