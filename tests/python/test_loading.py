"""load_raw on the Snowflake emulator: what lands of a shop's files, and what a second load does."""

import gzip
import os
import shutil
from datetime import UTC, date, datetime, time
from decimal import Decimal

import duckdb
import pyarrow
import pytest
import yaml
from dbt.cli.main import dbtRunner
from dbt_process import run_dbt
from pyarrow import parquet

from conftest import PROJECT
from snowflake_emulator import Emulator

SETUP = (PROJECT / "profiles" / "setup_snowflake.sql").read_text()
# The smallest files of the tables that a shop must have.
SMALL = {
    "orders.csv": "order_id,customer_id,product_id,quantity,order_date\nO1,C1,P1,1,2025-01-01\n",
    "customers.csv": "customer_id\nC1\n",
    "products.csv": "product_id\nP1\n",
    "inventory.csv": "product_id,warehouse_id,stock_quantity\nP1,W1,5\n",
}


class Loader:
    """An emulated account, and a small project with the macros and the raw contract alone.

    dbt runs in this process, on a project that it has parsed once.
    """

    def __init__(self, emulator, project):
        self.emulator = emulator
        self.project = project
        (project / "models").mkdir(parents=True)
        shutil.copy(PROJECT / "models/staging/shop/_shop__sources.yml", project / "models")
        (project / "plugins").symlink_to(PROJECT / "plugins")
        settings = {"name": "clientele", "profile": "clientele"}
        settings |= {"macro-paths": [str(PROJECT / "macros")]}
        settings |= {"vars": yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]}
        (project / "dbt_project.yml").write_text(yaml.safe_dump(settings))
        self.options = ["--target", "snowflake", "--profiles-dir", str(PROJECT / "profiles")]
        self.options += ["--project-dir", str(project), "--quiet"]
        self.options += ["--no-send-anonymous-usage-stats"]
        parsed = dbtRunner().invoke(["parse", *self.options])
        assert parsed.success, parsed.exception
        self.manifest = parsed.result

    def run(self, raw, mapping, arguments, operation="load_raw"):
        """Load a folder; returns whether that ended green, and what dbt said, as one line."""
        os.environ["CLIENTELE_RAW_DIR"] = str(raw)
        said = []
        runner = dbtRunner(self.manifest, callbacks=[lambda event: said.append(event.info.msg)])
        command = ["run-operation", operation, "--args", yaml.safe_dump(arguments)]
        command += ["--vars", yaml.safe_dump({"shop": mapping})]
        result = runner.invoke([*command, *self.options])
        shown = [text for text in said if text and not text.startswith(("On ", "Traceback", "SQL"))]
        return result.success, " ".join(" ".join(shown).split())

    def load(self, raw, mapping=None, **arguments):
        """Load a folder, which must end green; returns what dbt said."""
        is_green, said = self.run(raw, mapping, arguments)
        assert is_green, said
        return said

    def refusal(self, raw, mapping=None, **arguments):
        """Load a folder, which must fail; returns what dbt said."""
        is_green, said = self.run(raw, mapping, arguments)
        assert not is_green, said
        return said

    def views(self, raw, mapping):
        """Rows of the views over raw tables that a build begins with, on both targets, by table."""
        is_green, said = self.run(raw, mapping, {}, "create_raw_views")
        assert is_green, said
        process = run_dbt(
            ["run-operation", "create_raw_views"]
            + ["--vars", yaml.safe_dump({"shop": mapping}), "--target", "duckdb"]
            + ["--profiles-dir", PROJECT / "profiles", "--target-path", "target_duckdb"],
            cwd=self.project,
            env=os.environ | {"CLIENTELE_RAW_DIR": str(raw), "CLIENTELE_DUCKDB": "shop.duckdb"},
        )
        assert process.returncode == 0, process.stdout[-3000:]
        with duckdb.connect(str(self.project / "shop.duckdb"), read_only=True) as connection:
            found = connection.execute(
                """
                select table_name,
                    string_agg('"' || column_name || '"', ', ' order by ordinal_position)
                from information_schema.columns where table_schema = 'raw' and table_name in
                ('orders', 'customers', 'products', 'inventory', 'returns', 'events',
                'campaign_contacts') group by 1
                """
            ).fetchall()
            queries = {table: f"select {columns} from raw.{table}" for table, columns in found}
            here = {
                table: sorted(connection.execute(query).fetchall(), key=str)
                for table, query in queries.items()
            }
        there = {
            table: sorted(
                self.emulator.query(query.replace("raw.", "analytics.raw.").upper()), key=str
            )
            for table, query in queries.items()
        }
        return here, there

    def rows(self, table, columns):
        """Rows of a raw table, sorted; `columns` are names as its file has them."""
        chosen = ", ".join(f'"{column}"' for column in columns.split(", "))
        rows = self.emulator.query(f'select {chosen} from raw.shop."{table.upper()}"')
        return sorted(rows, key=str)

    def malformed(self, table):
        """Texts of the malformed lines of a raw table, sorted."""
        query = f"select landing_record from raw.shop.{table} where landing_record is not null"
        return sorted(text for (text,) in self.emulator.query(query))


@pytest.fixture(scope="module")
def loader(tmp_path_factory):
    """Start an emulator, set its account up and parse the small project."""
    work = tmp_path_factory.mktemp("loading")
    with Emulator(work / "data") as emulator, pytest.MonkeyPatch.context() as patch:
        emulator.run_script(SETUP)
        settings = {"SNOWFLAKE_ROLE": "LOADER", "SNOWFLAKE_WAREHOUSE": "LOADING"}
        settings |= {"CLIENTELE_RAW_DIR": "", "CLIENTELE_THREADS": "1"}
        for name, value in (emulator.environment | settings).items():
            patch.setenv(name, value)
        yield Loader(emulator, work / "project")


@pytest.fixture
def raw(tmp_path):
    """Make a folder of the smallest raw files, with blanks and a quote in its path."""
    folder = tmp_path / "raw files of Anna's shop"
    folder.mkdir()
    for name, text in SMALL.items():
        (folder / name).write_text(text)
    return folder


def test_delimited_files_as_programs_write_them(loader, raw):
    """One quirk a file or a record; none costs another record."""
    head = b"order_id;customer_id;product_id;quantity;order_date;shipping_address\n"
    plain = b"".join(b"O%d;C1;P1;1;2025-01-01;\n" % number for number in range(10, 25))
    (raw / "orders.csv").write_bytes(
        b"\xef\xbb\xbf" + head.replace(b"\n", b"\r\n")
        + b'O1;C1;P1;1;2025-01-01;"12 Long Road\n\nFlat ""2"""\r\n'
        + b'O2;C1;P1;1;2025-01-01;"never closed\n'
        + b"O3;C1;P1;1;2025-01-01; blanks \r\n\nO4;C1;P1\nO5;C1;P1;1;2025-01-01;a;b\n"
        + b"O6;C1;P1;1;2025-01-01;M\xfcnchen\nO7;C1;P1;1;2025-01-01;M\xef\xbf\xbdnchen\n"
        + b'O8;C1;P1;1;2025-01-01;\\N\nO9;C1;P1;1;2025-01-01;"a\\";\n' + plain
    )  # fmt: skip
    (raw / "customers.csv").unlink()
    names = 'customer_id,name,email,email\nC1,"Müller – Łuk",a@b.c,d@e.f\n'
    (raw / "customers.csv.gz").write_bytes(gzip.compress(names.encode("utf-16")))
    (raw / "products.csv").write_bytes("sep=|\nproduct_id|name|\nP1|€ – “x”|\n".encode("cp1252"))
    (raw / "inventory.csv").write_text("\n\nproduct_id , warehouse_id,stock_quantity\nP1,W1,5")
    (raw / "campaign_contacts.csv").write_text(
        "customer_id,group,contacted_at,campaign\nC1,control,2025-01-01,May\nC2,treatment,,May\n"
    )
    mapping = {
        "orders": {"delimiter": ";"},
        "customers": {"encoding": "UTF-16"},
        "products": {"encoding": "latin-1"},
    }
    loader.load(raw, mapping)
    assert loader.malformed("orders") == [
        'O2;C1;P1;1;2025-01-01;"never closed',
        "O4;C1;P1",
        "O5;C1;P1;1;2025-01-01;a;b",
        "O6;C1;P1;1;2025-01-01;M\ufffdnchen",
        'O9;C1;P1;1;2025-01-01;"a\\";',
    ]
    accepted = {row for row in loader.rows("orders", "order_id, shipping_address") if row[0]}
    assert accepted == {
        ("O1", '12 Long Road\n\nFlat "2"'),
        ("O3", " blanks "),
        ("O7", "M\ufffdnchen"),
        ("O8", "\\N"),
        *((f"O{number}", None) for number in range(10, 25)),
    }
    assert loader.rows("customers", "customer_id, name, email, email (2)") == [
        ("C1", "Müller – Łuk", "a@b.c", "d@e.f")
    ]
    assert loader.rows("products", "product_id, name") == [("P1", "€ – “x”")]
    assert loader.rows("inventory", "product_id, warehouse_id, stock_quantity") == [
        ("P1", "W1", "5")
    ]


def test_json_in_any_layout(loader, raw):
    for name in SMALL:
        (raw / name).unlink()
    (raw / "orders.json").write_text(
        '[{"order_id": "O1"},{"order_id": "O2"},\n{"order_id": "O3", "Order_ID": 7}, 5]'
    )
    (raw / "customers.ndjson").write_text(
        '{"customer_id": "C1", "tags": ["a", {"b": 1}]}\n\n{"customer_id": "C2"\n'
        '7\n{"name": "Zoë", "customer_id": null}\n'
    )
    (raw / "products.jsonl.gz").write_bytes(gzip.compress(b'{"product_id": "P1"}'))
    (raw / "inventory.json").write_text('[\n{"product_id": "P1"},\n{"product_id": "P2"},\n]\n')
    (raw / "returns.json").write_text(
        '[\n  {\n    "return_id": "R1",\n    "quantity": 1.50\n  },\n'
        '  {\n    "return_id": "R2"\n  },\n]'
    )
    loader.load(raw)
    assert loader.rows("orders", "Order_ID") == [("7",), ("O1",), ("O2",), (None,)]
    assert loader.malformed("orders") == ["5"]
    assert loader.rows("customers", "customer_id, name, tags") == [
        ("C1", None, '["a",{"b":1}]'),
        (None, "Zoë", None),
        (None, None, None),
        (None, None, None),
    ]
    assert loader.malformed("customers") == ["7", '{"customer_id": "C2"']
    assert loader.rows("products", "product_id") == [("P1",)]
    assert loader.rows("inventory", "product_id") == [("P1",), ("P2",)]
    assert loader.rows("returns", "return_id, quantity") == [("R1", "1.5"), ("R2", None)]


def test_parquet_lands_by_its_own_types(loader, raw):
    """As DuckDB's reader has them: without logical types the times would be numbers."""
    (raw / "orders.csv").unlink()
    noon = datetime(2025, 3, 30, 1, 30, 0, 500000)
    table = pyarrow.table(
        {
            "order_id": pyarrow.array([17850.0, None], pyarrow.float64()),
            "unit_price": pyarrow.array([4.25, 1e20], pyarrow.float64()),
            "amount": pyarrow.array([Decimal("1.5000"), None], pyarrow.decimal128(38, 4)),
            "quantity": pyarrow.array([3, None], pyarrow.int16()),
            "seconds": pyarrow.array([noon.replace(microsecond=0), None], pyarrow.timestamp("ms")),
            "micros": pyarrow.array([noon, None], pyarrow.timestamp("us")),
            "nanos": pyarrow.array([noon, None], pyarrow.timestamp("ns")),
            "zoned": pyarrow.array(
                [noon.replace(tzinfo=UTC), None], pyarrow.timestamp("us", "UTC")
            ),
            "day": pyarrow.array([date(2025, 3, 30), None], pyarrow.date32()),
            "hour": pyarrow.array([time(1, 30), None], pyarrow.time64("us")),
            "paid": pyarrow.array([True, None]),
            "city": pyarrow.array(["München".encode(), None], pyarrow.binary()),
            "tags": pyarrow.array([["a", "b"], None]),
        }
    )
    parquet.write_table(table, raw / "orders.parquet")
    loader.load(raw)
    assert loader.rows("orders", ", ".join(table.column_names)) == [
        ("17850", "4.25", "1.5000", "3", "2025-03-30 01:30:00", "2025-03-30 01:30:00.5")
        + ("2025-03-30 01:30:00.5", "2025-03-30 01:30:00.5+00", "2025-03-30", "01:30:00", "true")
        + ("München", '["a","b"]'),
        (None, "1e+20", *[None] * 11),
    ]


def test_raw_rows_are_those_of_duckdb(loader, raw):
    """What a build begins with, quirk by quirk the same on both targets."""
    for name in SMALL:
        (raw / name).unlink()
    head = "order_id;customer_id;product_id;quantity;order_date;shipping_address;;channel;channel"
    (raw / "orders.csv").write_bytes(
        b"\xef\xbb\xbf" + head.encode()
        + b'\r\nO1;C1;P1;1;2025-01-01;"12 Long Road\n\nFlat ""2""";;a;b\r\n'
        + b'O2;C1;P1;1;2025-01-01;"never closed;;;\nO3;C1;P1;1;2025-01-02; blanks ;;;\r\n\n'
        + b"O4;C1;P1\nO5;C1;P1;1;2025-01-01;M\xfcnchen;;;\n"
        + b"O6;C1;P1;1;2025-01-01;M\xef\xbf\xbdnchen;;;\nO7;C1;P1;1;2025-01-01;\\N;;;\n"
        + b"".join(b"O%d;C1;P1;1;2025-01-01;;;;\n" % number for number in range(10, 40))
    )  # fmt: skip
    (raw / "customers.json").write_text(
        '[\n {"customer_id": "C1",\n  "name": "Ann"},\n {"customer_id": "C2", "email": "a@b.c",'
        ' "Name": "Bob", "city": {"a": 1}},\n 7\n,]\n'
    )
    products = '{"product_id": "P1", "price": 1.5}\n{"product_id": "P2"\n{"product_id": 3}\n'
    (raw / "products.jsonl.gz").write_bytes(gzip.compress(products.encode()))
    (raw / "inventory.csv").write_bytes(
        'sep=|\n"product_id"| warehouse_id |stock_quantity\nP1|"W1" |5\nP2|€–|6'.encode("cp1252")
    )
    noon = datetime(2025, 3, 30, 1, 30, 0, 500000)
    columns = {
        "return_id": pyarrow.array([17850.0, None, 0.5], pyarrow.float64()),
        "return_date": pyarrow.array([noon, noon.replace(microsecond=0), None]),
        "order_id": pyarrow.array([noon.replace(tzinfo=UTC), None, None]),
        "quantity": pyarrow.array([Decimal("1.50"), None, None], pyarrow.decimal128(10, 2)),
        "reason": pyarrow.array(["München".encode(), None, b""], pyarrow.binary()),
        "customer_id": pyarrow.array([date(2025, 1, 1), None, None]),
        "product_id": pyarrow.array([["a"], None, []]),
    }
    parquet.write_table(pyarrow.table(columns), raw / "returns.parquet")
    write_orders(raw / "events" / "a.csv", "E1 E2", "event_id,event_type,event_at")
    write_orders(raw / "events" / "b.csv", "2026,E3,S1", "Event_At,event_id,session_id,event_type")
    (raw / "campaign_contacts.csv").write_text(
        "customer_id,group,contacted_at,campaign\nC1,control,2025-01-01,May\nC2,treatment,,May\n"
    )
    mapping = {
        "orders": {"delimiter": ";"},
        "inventory": {"encoding": "latin-1"},
        "events": {"relation": "events/"},
    }
    loader.load(raw, mapping)
    here, there = loader.views(raw, mapping)
    assert {table: len(rows) for table, rows in here.items()} == {
        "orders": 37, "customers": 3, "products": 3, "inventory": 2, "returns": 3, "events": 3,
        "campaign_contacts": 2,
    }  # fmt: skip
    for table, rows in here.items():
        assert there[table] == rows, table


def write_orders(file, ids, columns="order_id,customer_id,product_id,quantity,order_date"):
    """Write orders of one line each."""
    blanks = "," * columns.count(",")
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join([columns, *(name + blanks for name in ids.split())]) + "\n")


def test_a_second_load_reads_what_is_new_and_replaces_what_has_changed(loader, raw):
    """A table holds what its files hold, whatever was loaded before, and no row twice."""
    (raw / "orders.csv").unlink()
    write_orders(raw / "sales" / "january.csv", "J1 J2")
    write_orders(raw / "sales" / "february.csv", "F1 F2")
    mapping = {"orders": {"relation": "sales/"}}

    def orders():
        return " ".join(name for (name,) in loader.rows("sales", "order_id"))

    def read(**arguments):
        said = loader.load(raw, mapping, **arguments)
        return said.split('SALES": ')[1].split(" Using ")[0]

    assert read() == "4 rows; read february.csv, january.csv"
    assert read() == "4 rows; read nothing, since nothing is new"
    # A file of the same name and new content, and a new one with a column of its own.
    write_orders(raw / "sales" / "february.csv", "F2 F3")
    write_orders(raw / "sales" / "march.csv", "M1", "Order_ID,channel")
    assert read() == "5 rows; read february.csv, march.csv"
    assert orders() == "F2 F3 J1 J2 M1"
    assert loader.rows("sales", "channel") == [(None,)] * 5
    # What is gone goes, unless it is to be kept.
    (raw / "sales" / "january.csv").unlink()
    assert read(keep_files=True) == "5 rows; read nothing, since nothing is new"
    assert read() == "3 rows; read nothing, since nothing is new"
    assert orders() == "F2 F3 M1"
    # To read it in another way is to read it anew; so is `full`.
    mapping["orders"]["encoding"] = "cp1252"
    assert read() == "3 rows; read february.csv, march.csv"
    assert read(full=True) == "3 rows; read february.csv, march.csv"
    # What is staged already is not sent again, so that its new content goes unnoticed.
    write_orders(raw / "sales" / "march.csv", "M1 M2")
    assert read(resend=False) == "3 rows; read nothing, since nothing is new"
    assert read() == "4 rows; read march.csv"
    assert orders() == "F2 F3 M1 M2"


def test_a_load_that_fails_changes_nothing(loader, raw):
    loader.load(raw)
    before = {name: loader.rows(name.split(".")[0], "LANDING_FILE, LANDING_KEY") for name in SMALL}
    (raw / "customers.csv").write_text("customer_id\nC1\nC2\n")
    (raw / "products.csv").write_text('product_id,"name\nP1,\n')
    assert "products.csv has a header (line 2) with a quote that is never" in loader.refusal(raw)
    after = {name: loader.rows(name.split(".")[0], "LANDING_FILE, LANDING_KEY") for name in SMALL}
    assert after == before
    (raw / "products.csv").write_text("product_id\nP1\n")
    loader.load(raw)
    assert loader.rows("customers", "customer_id") == [("C1",), ("C2",)]


def test_an_optional_table_goes_with_its_file(loader, raw):
    (raw / "returns.csv").write_text("return_id\nR1\n")
    loader.load(raw)
    assert loader.rows("returns", "return_id") == [("R1",)]
    (raw / "returns.csv").unlink()
    assert 'RAW.SHOP."RETURNS" dropped: its files are gone' in loader.load(raw)


def test_queries_and_globs_name_what_is_loaded(loader, raw):
    """Each relation of a query lands once; a table of the account needs no file."""
    (raw / "orders.csv").unlink()
    write_orders(raw / "sales" / "2025-01.csv", "J1")
    write_orders(raw / "sales" / "2025-02.csv", "F1")
    write_orders(raw / "sales" / "other.csv", "X1")
    (raw / "items.csv").write_text("order_id;sku\nJ1;P1\n")
    query = "select * from {sales/2025-*.csv} inner join {items} using (order_id)"
    mapping = {
        "orders": {"relation": query, "files": {"items": {"delimiter": ";"}}},
        "returns": {"relation": "select * from {items: lines}", "delimiter": ";"},
        "products": {"relation": "warehouse.public.products"},
    }
    loader.load(raw, mapping)
    assert loader.rows("sales_2025_csv", "order_id") == [("F1",), ("J1",)]
    assert loader.rows("items", "sku") == [("P1",)]


def write(raw, files):
    """Write files whose content is text or bytes; none removes one."""
    for name, content in files.items():
        (raw / name).parent.mkdir(exist_ok=True)
        if content is None:
            (raw / name).unlink()
        elif isinstance(content, bytes):
            (raw / name).write_bytes(content)
        else:
            (raw / name).write_text(content)


ORDERS = "order_id;customer_id\nO1;C1\n"


@pytest.mark.parametrize(
    ("files", "mapping", "sentence"),
    [
        (
            {"orders.csv": ORDERS},
            None,
            "orders.csv has one column in its header (line 1), `order_id;customer_id`, when cut at"
            ' `,`; its delimiter seems to be another: say `delimiter: ";"` in the table\'s mapping',
        ),
        (
            {"orders.json": "{}"},
            None,
            "orders.csv and orders.json in {raw} both claim to be orders; keep one of them.",
        ),
        (
            {"orders.csv.gz": gzip.compress(b"order_id\n")},
            None,
            "orders.csv and orders.csv.gz in {raw} both claim to be orders; keep one of them.",
        ),
        (
            {"orders.csv": None},
            None,
            "There is no orders.csv, .json, .jsonl, .ndjson or .parquet in {raw}; put it there, or"
            " say `relation: orders/` if it is a folder.",
        ),
        (
            {},
            {"orders": {"delimiter": "||"}},
            "The delimiter of 'orders' in the shop's mapping must be one character such as , ; |",
        ),
        (
            {},
            {"orders": {"encoding": "mac-roman"}},
            "Snowflake does not read the encoding `mac-roman` of orders: save the file as UTF-8,",
        ),
        (
            {"orders.csv": "order_id,name\nO1,Ä\n".encode("utf-16")},
            None,
            "orders.csv is UTF-16; say `encoding: utf-16` in the table's mapping.",
        ),
        (
            {"orders.csv": "order_id,name\nO1,Ä\nO2,Ü\n".encode("cp1252")},
            None,
            "orders.csv is not utf-8: line 2 and more than a tenth of all hold bytes that are no"
            " characters of it; name the encoding in the table's mapping (`encoding: cp1252` for",
        ),
        (
            {"orders.csv": "order_id,größe\n".encode("cp1252") + 20 * b"O1,\n"},
            None,
            "orders.csv has a header (line 1) with bytes that are not of its encoding; name the",
        ),
        (
            {"orders.csv": "1,2,2025-01-01\n"},
            None,
            "orders.csv has no header: line 1 holds values (`1,2,2025-01-01`), not the columns'",
        ),
        ({"orders.csv": "\n \n"}, None, "orders.csv is empty; it needs a header line with the"),
        (
            {"customers.csv": None, "customers.json": '[\n{"a":\n1,\n2]\n'},
            None,
            "customers.json is neither one JSON object a line nor a JSON array: it breaks in line",
        ),
        (
            {"sales/a.csv": ORDERS, "sales/b.json": "{}"},
            {"orders": {"relation": "sales/"}},
            "sales/*.* has files of several formats (csv, json); keep those of one.",
        ),
        (
            {},
            {"orders": {"relation": "*/orders.csv"}},
            "names */orders.csv: Snowflake's PUT takes * and ? in a file's name only, not in a",
        ),
        (
            {},
            {"orders": {"delimiter": ";"}, "returns": {"relation": "orders"}},
            "; on Snowflake a file lands in one way: let all tables name the same.",
        ),
    ],
)
def test_what_cannot_be_loaded_is_named(loader, raw, files, mapping, sentence):
    write(raw, files)
    assert sentence.replace("{raw}", str(raw)) in loader.refusal(raw, mapping)
