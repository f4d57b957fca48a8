"""Raw files as programs write them: each record is read or rejected by itself, none guessed."""

import csv
import gzip
import io
import json
import random
from pathlib import Path

import duckdb
import pytest

from conftest import Shop
from plugins.raw_files import as_utf8, find_files, open_file

ORDERS = "order_id,customer_id,product_id,quantity,order_date,shipping_address\n"
FILES = {
    "orders.csv": ORDERS + "O1,C1,P1,1,2024-01-01,Main St\n",
    "customers.json": '{"customer_id": "C1"}\n',
    "products.csv": "product_id,name,category\nP1,Cup,Home\n",
    "inventory.csv": "product_id,warehouse_id,stock_quantity\nP1,W1,5\n",
    "returns.csv": "return_id,order_id,product_id,quantity,return_date,reason\n",
    "events.csv": "event_id,customer_id,event_type,event_at\n",
}


@pytest.fixture
def land(tmp_path):
    """Make a shop of the given files (none: not there) and look at them as the build does."""

    def make(files, shop_vars=None):
        raw = tmp_path / "raw files"
        for name, content in (FILES | files).items():
            if content is not None:
                path = raw / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
        shop = Shop(raw, tmp_path / "shop.duckdb")
        shop.process = shop.dbt("run-operation", "create_raw_views", shop_vars=shop_vars)
        return shop

    return make


def landed(shop, table, *columns):
    """Give the values of a raw table's columns, and the texts of its malformed records, sorted."""
    assert shop.process.returncode == 0, shop.process.stdout[-3000:]
    records = shop.query(
        f"select {', '.join(columns)} from raw.{table} where landing_record is null order by all"
    )
    malformed = shop.query(
        f"select landing_record from raw.{table} where landing_record is not null order by all"
    )
    return records, [text for (text,) in malformed]


def test_a_stray_quote_costs_its_own_record_alone(land):
    many = [f"O{number},C1,P1,1,2024-01-01,Street {number}" for number in range(30_000)]
    many[20_999] = 'O20999,C1,P1,1,2024-01-01,"Street'
    shop = land(
        {
            "orders.csv": ORDERS + "\n".join(many) + "\n",
            # In the first line; right before a record of several lines; quotes of a stray pair.
            "products.csv": 'product_id,name,category\nP0,"Cup,Home\nP1,Pot,Home\n'
            'P2,12" pipe,Home\nP3,"open,Home\nP4,"of\n\n two ""lines""",Home\nP5,close",Home\n',
            # In the last line, which does not end.
            "inventory.csv": FILES["inventory.csv"] + 'P2,W1,5\nP3,W1,"5',
            # An inner line that looks like a record, and one whose bounds lie too far apart.
            "returns.csv": FILES["returns.csv"]
            + 'R1,O1,P1,1,2024-01-01,"a\nb,c,d,e,f,g\nh"\nR2,O1,P1,1,2024-01-01,"a\n'
            + "".join(f"R{number},O1,P1,1,2024-01-01,\n" for number in range(3, 20))
            + 'R20,O1,P1,1,2024-01-01,b"\n',
            # Too few and too many fields, in one line and in two; an empty line.
            "events.csv": FILES["events.csv"]
            + 'E1,C1,view,2024-01-01\n\nE2,C1\nE3,C1,view,2024-01-01,\nE4,"C\n1",view\n',
        }
    )
    records, malformed = landed(shop, "orders", "order_id")
    assert len(records) == 29_999 and malformed == [many[20_999]]
    assert landed(shop, "products", "product_id", "name") == (
        [("P1", "Pot"), ("P2", '12" pipe'), ("P4", 'of\n\n two "lines"'), ("P5", 'close"')],
        ['P0,"Cup,Home', 'P3,"open,Home'],
    )
    assert landed(shop, "inventory", "product_id") == ([("P1",), ("P2",)], ['P3,W1,"5'])
    records, malformed = landed(shop, "returns", "return_id", "reason")
    assert len(records) == 19 and records[0] == ("R1", "a\nb,c,d,e,f,g\nh") and len(malformed) == 1
    assert records[-1] == ("R9", None) and ("R20", 'b"') in records
    assert landed(shop, "events", "event_id") == (
        [("E1",)],
        ["E2,C1", "E3,C1,view,2024-01-01,", 'E4,"C\n1",view'],
    )


@pytest.mark.parametrize(
    ("stray", "signs"),
    [
        # Where quotes stand beside commas a line within a text may look like a record: copied too.
        pytest.param("", ["ab ", 'ab "\n'], id="read_in_place"),
        pytest.param('P,"\n', ['ab ,"\n'], id="copied"),
    ],
)
def test_well_formed_text_is_read_as_python_reads_it(land, stray, signs):
    draw = random.Random(7)
    records = [
        [
            f"P{number}",
            *("".join(draw.choices(draw.choice(signs), k=draw.randint(0, 7))) for _ in range(2)),
        ]
        for number in range(2_000)
    ]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([["product_id", "name", "category"], *records])
    shop = land({"products.csv": text.getvalue() + stray})
    found, malformed = landed(shop, "products", "product_id", "name", "category")
    expected = [tuple(value or None for value in record) for record in records]
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert malformed == ([stray.strip()] if stray else [])
    copied = shop.query("select 1 from duckdb_tables() where table_name = 'products_lines'")
    assert bool(copied) == bool(stray)


def test_a_field_of_megabytes_costs_its_own_record_alone(land):
    shop = land(
        {
            "orders.csv": ORDERS
            + "O1,C1,P1,1,2024-01-01,"
            + "x" * 3_000_000
            + '\nO2,C1,P1,1,2024-01-01,"'
            + "x\n" * 1_500_000
            + '"\nO3,C1,P1,1,2024-01-01,Main St\n',
            "events.csv": FILES["events.csv"] + 'E1,C1,"' + "x\n" * 1_500_000 + '",2024-01-01\n',
        }
    )
    records, malformed = landed(shop, "orders", "order_id")
    assert ("O3",) in records and ("O2",) not in records
    assert len(malformed) >= 1
    assert landed(shop, "events", "event_id")[0] == []


@pytest.mark.parametrize("stray", ["", 'P,"\n'], ids=["read_in_place", "copied"])
def test_a_quote_within_a_field_is_a_sign_like_any_other(land, stray):
    shop = land(
        {
            "products.csv": 'product_id,name\nP1,5" pipe\nP2,close"\nP3, 2"x4" \nP4,"5"" pipe"\n'
            + stray
        }
    )
    found, malformed = landed(shop, "products", "product_id", "name")
    assert found == [("P1", '5" pipe'), ("P2", 'close"'), ("P3", ' 2"x4" '), ("P4", '5" pipe')]
    assert malformed == ([stray.strip()] if stray else [])


def test_files_are_read_as_programs_write_them(land, tmp_path):
    duckdb.sql(
        f"""
        copy (
            select
                unnest([17850.0, null, 1e15, 0.5]) as customer_id,
                'Zo\\xC3\\xAB'::blob as name,
                '2024-03-31 01:30:00+00'::timestamptz as registration_date,
                12.50::decimal(10, 2) as city,
                2e0::float as country,
                {{'a': [1]}} as loyalty_tier,
                '\\xFF'::blob as email
        ) to '{tmp_path}/customers.parquet'
        """
    )
    shop = land(
        {
            # Files of a folder, each with a header of its own, one compressed; a hidden one.
            "orders.csv": None,
            "orders/1.csv": "order_id,CUSTOMER_ID,product_id,quantity,order_date\nO1,C1,P1,1,1\n",
            "orders/2.csv.gz": gzip.compress((ORDERS + "O2,C2,P1,1,1,Main St\n").encode()),
            "orders/3.csv": "order_date,order_id,order_id,\n1,O3,twice,\n",
            "orders/.4.csv": "hidden",
            "customers.json": None,
            "customers.parquet": (tmp_path / "customers.parquet").read_bytes(),
            # Keys of later lines; no object; numbers, nested values and odd keys as they stand.
            "products.csv": None,
            "products.ndjson.gz": gzip.compress(
                b'{"product_id": "P1", "name": {"a": [1, "\xc3\xa9"]}}\n\n'
                + b'["P2"]\n{"product_id": "P3"\n'
                + b'{"product_id": 4}\n' * 2_000
                + b'{"product_id": 17850.0, "PRICE": 1e2, "Brand": "x"}\n'
            ),
            # A BOM, mixed line ends, an empty line, blanks around names and quoted fields.
            "inventory.csv": b"\xef\xbb\xbfproduct_id, warehouse_id , stock_quantity\r\n"
            b'P1, "W, 1" ,5\nP2,"a\r\nb",6\r\n\r\nP3,W,7\n',
            "returns.csv": None,
            "returns.json": json.dumps(
                [
                    {"return_id": "R1", "return_date": "2024-01-01"},
                    {"return_id": "R2", "quantity": 1, "reason": "[a,\n{b", "order_id": None},
                ],
                indent=2,
            ),
            # A broken array: what stands on a line of its own is read.
            "events.csv": None,
            "events.json": '[{"event_id": "E1"},\n'
            '{"event_id": "E2", "event_at": 1, "event_type": 1},\n'
            '{"event_id": "E3\n,\n{"event_id": "E4"}]\n',
        }
    )
    assert landed(shop, "orders", "order_id", "customer_id", "quantity", "shipping_address") == (
        [("O1", "C1", "1", None), ("O2", "C2", "1", "Main St"), ("O3", None, None, None)],
        [],
    )
    columns = ("customer_id", "name", "registration_date", "city", "country", "loyalty_tier")
    rest = ("Zoë", "2024-03-31 01:30:00+00", "12.50", "2", '{"a":[1]}')
    assert landed(shop, "customers", *columns)[0] == [
        (number, *rest) for number in ("0.5", "1000000000000000", "17850", None)
    ]
    records, malformed = landed(shop, "products", "product_id", "name", "price")
    assert len(records) == 2_002 and malformed == ['["P2"]', '{"product_id": "P3"']
    assert ("P1", '{"a":[1,"é"]}', None) in records
    assert ("17850.0", None, "100.0") in records
    assert landed(shop, "inventory", "product_id", "warehouse_id") == (
        [("P1", "W, 1"), ("P2", "a\nb"), ("P3", "W")],
        [],
    )
    assert landed(shop, "returns", "return_id", "reason") == (
        [("R1", None), ("R2", "[a,\n{b")],
        [],
    )
    assert landed(shop, "events", "event_id") == (
        [("E1",), ("E2",), ("E4",)],
        ['{"event_id": "E3'],
    )


def test_any_encoding_is_read(land):
    streets = "Müllerstraße 5 – 10 €"
    shop = land(
        {
            "orders.csv": (ORDERS + f"O1,C1,P1,1,1,{streets}\n").encode("cp1252"),
            "customers.json": json.dumps(
                {"customer_id": streets, 'a"/~b': 1}, ensure_ascii=False
            ).encode("utf-16"),
            "it's/products.2024.csv.gz": gzip.compress(
                FILES["products.csv"].encode("cp1252") + b"P2,Caf\xe9\x81,Home\n"
            ),
            "products.csv": None,
            # Some bytes that are not of the encoding, one of them in a record of two lines.
            "inventory.csv": (FILES["inventory.csv"] + "P2,W,1\n" * 40).encode()
            + b'P3,W\xfc,1\nP4,"W\n\xfc",1\n',
            "returns.csv": (FILES["returns.csv"] + "R1,O1,P1,1,1,Größe\n").encode("cp850"),
            "events.csv": None,
            "events.json": b'{"event_id": "E1", "event_at": 1, "event_type": 1}\n' * 20
            + b'{"event_id": "\xe9"}\n',
        },
        {
            "shop": {
                "orders": {"encoding": "latin-1"},
                "customers": {"encoding": "utf-16", "columns": {"name": '"a""/~b"'}},
                "products": {"relation": "it's/products.*", "encoding": "windows-1252"},
                "returns": {"encoding": "cp850"},
            }
        },
    )
    assert landed(shop, "orders", "shipping_address") == ([(streets,)], [])
    assert landed(shop, "customers", "customer_id", "name") == ([(streets, "1")], [])
    assert landed(shop, "products", "product_id")[0] == [("P1",)]
    assert landed(shop, "products", "product_id")[1] == ["P2,Café\ufffd,Home"]
    records, malformed = landed(shop, "inventory", "product_id")
    assert len(records) == 41 and malformed == ["P3,W\ufffd,1", 'P4,"W\n\ufffd",1']
    assert landed(shop, "returns", "reason") == ([("Größe",)], [])
    records, malformed = landed(shop, "events", "event_id")
    assert len(records) == 20 and malformed == ['{"event_id": "\ufffd"}']


@pytest.mark.parametrize(
    ("files", "names"),
    [
        pytest.param(
            {"orders.json": "{}"},
            ["orders.csv and", "orders.json both", "'orders'"],
            id="two_files",
        ),
        pytest.param(
            {"products.csv": FILES["products.csv"].encode() + b"P2,\xfc,\n" * 9},
            ["'products'", "products.csv is not UTF-8: line 3", "encoding: cp1252"],
            id="encoding",
        ),
        pytest.param(
            {"products.csv": FILES["products.csv"].replace(",", ";")},
            ["'products'", "products.csv has one column", "(line 1)", 'delimiter: ";"'],
            id="delimiter",
        ),
        pytest.param(
            {"customers.json": "[1, 2]"}, ["customers.json", "no JSON object"], id="no_objects"
        ),
    ],
)
def test_an_unreadable_file_is_told_in_one_sentence(land, files, names):
    process = land(files).process
    assert process.returncode != 0
    message = process.stdout.split("Compilation Error in macro")[1].split("> in macro")[0]
    assert all(name in message for name in names), message


@pytest.mark.parametrize(
    ("name", "content", "encoding", "problem"),
    [
        ("a.csv", b"", "utf-8", "is empty"),
        ("a.csv", b"\n \r\n", "utf-8", "is empty"),
        ("a.csv", b"\n\na;b\n1;2\n", "utf-8", "(line 3), `a;b`, when cut at `,`"),
        ("a.csv", b"a\tb\n", "utf-8", r'delimiter: "\t"'),
        ("a.csv", b"O1,C1,2024-01-01,10,2\n", "utf-8", "has no header: line 1"),
        ("a.csv", b'a,"b\n1,2\n', "utf-8", "a quote that is never closed"),
        ("a.csv", b"gr\xf6\xdfe,b\n", "utf-8", "not of its encoding"),
        ("a.csv", "a,b\n".encode("utf-16"), "utf-8", "is UTF-16"),
        ("a.csv", b"a,b\n", "utf-9", "no encoding `utf-9`"),
        ("a.csv.gz", b"a,b\n", "utf-8", "cannot be read"),
        ("a.csv.gz", gzip.compress(b"a,b\n" * 99, mtime=0)[:-9], "utf-8", "cannot be read"),
        ("a.json", b'{\n "a": 1\n}\n{\n "a": }\n', "utf-8", "it breaks in line 5"),
        ("a.json", b'{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}", "utf-8", "nested too deep"),
        ("a.parquet", b"PAR1 cut off", "utf-8", "no Parquet file, or was cut off"),
    ],
)
def test_a_file_that_cannot_be_read_is_described(tmp_path, name, content, encoding, problem):
    path = tmp_path / name
    path.write_bytes(content)
    assert problem in open_file(tmp_path, str(path), encoding, ",")["problem"]


def test_a_relation_names_one_file_a_folder_or_a_glob(tmp_path):
    for name in ["orders.CSV", "orders.old.csv", "orders.txt", "2024/a [1].json", "2024/b.json.gz",
                 "2024/.c.json", "mixed/a.csv", "mixed/a.parquet", "orders/notes.txt"]:  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")

    def found(name):
        return [file[len(str(tmp_path)) + 1 :] for file in find_files(str(tmp_path), name)["files"]]

    assert found("orders") == found("orders.CSV") == ["orders.CSV"]
    assert found("2024") == ["2024/a [1].json", "2024/b.json.gz"]
    assert found("2024/*.gz") == ["2024/b.json.gz"]
    assert "several formats (csv, parquet)" in find_files(str(tmp_path), "mixed")["problem"]
    (tmp_path / "orders" / "a.json").write_text("")
    assert "both claim" in find_files(str(tmp_path), "orders")["problem"]


def test_excels_own_line_sets_the_delimiter(tmp_path):
    (tmp_path / "a.csv").write_text("sep=;\r\nname;price\r\n")
    opened = open_file(tmp_path, str(tmp_path / "a.csv"), "utf-8", ",")
    assert (opened["names"], opened["delimiter"], opened["header_lines"]) == (
        ["name", "price"],
        ";",
        2,
    )


def test_a_byte_that_an_encoding_lacks_is_marked(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\x80\x81")
    copies = [as_utf8(tmp_path, str(tmp_path / "a.csv"), name) for name in ("cp1252", "latin-1")]
    assert [Path(copy).read_text(encoding="utf-8") for copy in copies] == ["€\ufdd0", "€\x81"]


def test_a_file_that_no_table_is_read_from_is_named(make_shop):
    shop = make_shop()
    (shop.raw / "returns.csv").rename(shop.raw / "return.csv")
    (shop.raw / "old").mkdir()
    (shop.raw / "old" / "orders.csv").write_text("order_id")
    (shop.raw / "notes.txt").write_text("not a table")
    said = shop.dbt("run-operation", "create_raw_views").stdout
    assert "NOT READ: old/orders.csv, return.csv in" in said and "notes.txt" not in said


@pytest.mark.parametrize("stray", ["", "{oops\n", "utf-16"], ids=["all", "malformed", "copied"])
def test_long_numbers_of_json_keep_their_digits(land, stray):
    ids = ["12345678901234567890123", "12345678901234567890124", "9223372036854775808"]
    rest = '"product_id":"P1","quantity":1,"order_date":"2024-01-01"'
    lines = [
        f'{{"order_id":{one}, "note":"a: {one}, b", "customer_id" : {one}, {rest}}}' for one in ids
    ]
    text = "\n".join(lines) + "\n"
    mapping = None
    if stray == "utf-16":
        text, mapping = text.encode("utf-16"), {"shop": {"orders": {"encoding": "utf-16"}}}
    shop = land({"orders.csv": None, "orders.json": text if mapping else text + stray}, mapping)
    records, _ = landed(shop, "orders", "order_id", "customer_id")
    assert records == sorted((one, one) for one in ids)
