"""Values as programs write them: dates, amounts, ids and orders in staging, on both targets."""

import json

import duckdb
import pytest
from snowflake_account import make_account

from conftest import Shop
from snowflake_emulator import Emulator

# What to_utc makes of a text, by the settings of the mapping; None is unreadable.
ISO = {
    "2026-03-01": "2026-03-01 00:00:00",
    "2026-3-1": "2026-03-01 00:00:00",
    " 2026-03-01\t": "2026-03-01 00:00:00",
    "2026-03-01 19:48": "2026-03-01 19:48:00",
    "2026-03-01T9:48:56": "2026-03-01 09:48:56",
    "2026-03-01 19:48:56": "2026-03-01 19:48:56",
    " 2026-03-01 19:48:56 ": "2026-03-01 19:48:56",
    "2026-03-01 19:48:56.": "2026-03-01 19:48:56",
    "2026-03-01 19:48:56.5": "2026-03-01 19:48:56.5",
    "2026-03-01 19:48:56,123456789": "2026-03-01 19:48:56.123456",
    "2026-03-01T19:48:56.123Z": "2026-03-01 19:48:56.123",
    "2026-03-01 19:48:56 UTC": "2026-03-01 19:48:56",
    "2026-03-01 19:48 GMT": "2026-03-01 19:48:00",
    "2026-03-01 19:48:56 -0500": "2026-03-02 00:48:56",
    "2026-03-01 19:48:56-05": "2026-03-02 00:48:56",
    "2026-03-01 19:48:56+02": "2026-03-01 17:48:56",
    "2026-03-01T19:48:56+0200": "2026-03-01 17:48:56",
    "2026-03-01T19:48:56.25+02:00": "2026-03-01 17:48:56.25",
    "2026-03-01 19:48:56 +05:30": "2026-03-01 14:18:56",
    "2026-03-01 00:15:00-03:30": "2026-03-01 03:45:00",
    "2026-2-9 23:30 -1000": "2026-02-10 09:30:00",
    "0001-01-01 00:00:00": "0001-01-01 00:00:00",
    "": None,
    "NULL": None,
    "infinity": None,
    "epoch": None,
    "20260301": None,
    "1772394536": None,
    "46082": None,
    "01-Mar-26": None,
    "01-MAR-2026": None,
    "03/01/2026": None,
    "2026/03/01": None,
    "2026/03/01 10:00:00": None,
    "01.03.2026": None,
    "2026-02-29": None,
    "2026-13-01": None,
    "0000-00-00 00:00:00": None,
    "2026-03-01 19": None,
    "2026-03-01 11:30 PM": None,
    "2026-03-01 24:00:00": None,
    "2026-03-01 19:60:00": None,
    "2026-03-01 19:48:60": None,
    "2026-03-01 19:48:56 CET": None,
    "2026-03-01 19:48:56 +2": None,
    "2026-03-01 19:48:56 +15:00": None,
    "2026-03-01Z": None,
    "2026-03-01 19:48:56 and more": None,
}
# A shop in Berlin, where 2026-03-29 has no 02:30 and 2026-10-25 has two.
LOCAL = {
    "2026-01-15": "2026-01-14 23:00:00",
    "2026-07-15 10:00": "2026-07-15 08:00:00",
    "2026-07-15 10:00:00.5": "2026-07-15 08:00:00.5",
    "2026-07-15 10:00:00Z": "2026-07-15 10:00:00",
    "2026-07-15 10:00:00 -0500": "2026-07-15 15:00:00",
    "2026-03-29 01:59:59": "2026-03-29 00:59:59",
    "2026-03-29 02:30:00": "2026-03-29 01:30:00",
    "2026-03-29 03:00:00": "2026-03-29 01:00:00",
    "2026-10-25 01:59:59": "2026-10-24 23:59:59",
    "2026-10-25 02:30:00": "2026-10-25 00:30:00",
    "2026-10-25 03:00:00": "2026-10-25 02:00:00",
    "2026-02-30": None,
}
# The same shop, whose table names its forms: %d.%m.%Y, %d.%m.%y %H:%M and %d %b %Y %I:%M:%S %p.
FORMATS = ["%d.%m.%Y", "%d.%m.%y %H:%M", "%d %b %Y %I:%M:%S %p"]
IN_FORMATS = {
    "31.12.2024": "2024-12-30 23:00:00",
    " 1.7.2024 ": "2024-06-30 22:00:00",
    "01.07.24 9:05": "2024-07-01 07:05:00",
    "01.07.68 09:05": "2068-07-01 07:05:00",
    "29.02.24 00:00": "2024-02-28 23:00:00",
    "1 Mar 2024 12:05:09 AM": "2024-02-29 23:05:09",
    "31 DEC 2024 03:00:00 pm": "2024-12-31 14:00:00",
    "2024-12-31T10:00:00Z": "2024-12-31 10:00:00",
    "2024-12-31": "2024-12-30 23:00:00",
    "31.02.2024": None,
    "12.31.2024": None,
    "31.12.24": None,
    "31.12.2024 10:00": None,
    "31/12/2024": None,
    "x31.12.2024": None,
}
AMOUNTS = {
    "": {
        "12.5": 12.5, " 12.50 ": 12.5, "1.000": 1, "-3": -3,
        "1,5": None, "1,000": None, "$1": None, "1000000000": None,
    },
    ",": {
        "1.234,56": 1234.56, "1234,56": 1234.56, "1.234.567,8": 1234567.8, "1.000": 1000,
        "12": 12, "-0,5": -0.5,
        "1 234,56": 1234.56, "1'234,56": 1234.56, "1\u202f234,56": 1234.56, " 3,50 ": 3.5,
        "1234.56": None, "1.23,4": None, "1,234.56": None, "12.5": None, "3,50 EUR": None, "": None,
    },
    ".": {"1,234.56": 1234.56, "1234.56": 1234.56, "1,000": 1000, "1.234,56": None, "12,5": None},
}  # fmt: skip
IDS = {
    "17850.0": "17850", "17850.000": "17850", "-1.0": "-1", "17850": "17850", "00042": "00042",
    "00042.0": "00042", "10": "10", "0": "0", "a-10": "A-10", "v1.0": "V1.0", "1.10": "1.10",
    "1.5": "1.5", "10.10": "10.10", '="00042"': "00042", "'00042": "00042", "'00042'": "00042",
    '="17850.0"': "17850", '=""': None, " c 1 ": "C 1", "\u00a0": None, "\uff23\uff11": "C1",
    "ann@example.com": "ANN@EXAMPLE.COM", "O'Hara": "O'HARA", 'TV 32"': 'TV 32"', "#1001": "#1001",
    "gid://shop/Order/10": "GID://SHOP/ORDER/10", "": None,
}  # fmt: skip


def literal(value):
    """Return SQL of a text or number."""
    if value is None:
        return "null"
    return (
        "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
        if isinstance(value, str)
        else str(value)
    )


def wrong(cases, macro, kind, written="null"):
    """Select the cases of which a macro makes something else than they say."""
    rows = " union all ".join(
        f"select {literal(text)} as raw_text, cast({literal(value)} as {kind}) as expected"
        for text, value in cases.items()
    )
    return f"""
        select raw_text, cast({macro} as varchar) as found
        from (select *, {written} as written_at from ({rows}) as cases) as cases
        where {macro} is distinct from expected
    """


def moment(entity):
    """Return how a table's dates are read, in two steps."""
    return (
        f"{{{{ to_utc('raw_text', '{entity}', 'written_at') }}}}",
        "timestamp",
        f"{{{{ written_time('raw_text', '{entity}') }}}}",
    )


BERLIN = {
    "shop": {
        "time_zone": "Europe/Berlin",
        "orders": {"date_format": FORMATS, "decimal_mark": ","},
        "products": {"decimal_mark": "."},
    }
}
TABLES = [
    (None, [
        wrong(ISO, *moment("orders")),
        wrong(AMOUNTS[""], "{{ to_amount('raw_text', 'orders') }}", "decimal(18, 4)"),
        wrong(IDS, "{{ clean_id('raw_text') }}", "varchar"),
    ]),
    (BERLIN, [
        wrong(LOCAL, *moment("returns")),
        wrong(IN_FORMATS, *moment("orders")),
        wrong(AMOUNTS[","], "{{ to_amount('raw_text', 'orders') }}", "decimal(18, 4)"),
        wrong(AMOUNTS["."], "{{ to_amount('raw_text', 'products') }}", "decimal(18, 4)"),
    ]),
]  # fmt: skip


def shown(result):
    """Rows that `dbt show` printed as JSON."""
    assert result.returncode == 0, result.stdout[-5000:]
    return json.loads(result.stdout[result.stdout.index("{") :])["show"]


def show(queries):
    """Arguments of `dbt show` for the rows of several queries."""
    return [
        "--quiet",
        "show",
        "--output",
        "json",
        "--limit",
        "500",
        "--inline",
        " union all ".join(queries),
    ]


@pytest.mark.parametrize(("shop_vars", "queries"), TABLES, ids=["plain", "berlin"])
def test_texts_are_read_alike_by_duckdb(make_shop, shop_vars, queries):
    assert shown(make_shop().dbt(*show(queries), shop_vars=shop_vars)) == []


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    """Start an emulated account without a shop."""
    with Emulator(tmp_path_factory.mktemp("values")) as emulator:
        yield emulator


@pytest.mark.parametrize(("shop_vars", "queries"), TABLES, ids=["plain", "berlin"])
def test_texts_are_read_alike_by_snowflake(emulator, tmp_path, shop_vars, queries):
    account = make_account(emulator, tmp_path, tmp_path, shop_vars=shop_vars)
    assert shown(account.dbt(*show(queries))) == []


HEADER = (
    "order_id,order_line_id,customer_id,product_id,quantity,order_date,updated_at,"
    "unit_price,discount_amount,line_total,currency,order_status"
)
ORDERS = """
K1,1,c1,p1,1,2024-01-05,2024-01-05,10.00,,,,completed
K1,2,c1,p1,1,2024-01-05,2024-01-05,10.00,,,,completed
K1,1,c1,p1,1,2024-01-05,2024-01-05,10.00,,,,completed
K2,1,c1,p1,1,2024-01-06,2024-01-06,10.00,,,,pending
K2,1,c1,p1,2,2024-01-06,2024-01-08,10.00,,,,completed
K2,1,c1,p1,9,2024-01-06,soon,10.00,,,,completed
K2,1,c1,p2,7,2024-01-06,2024-01-07,10.00,,,,completed
K3,1,c1,p1,3,2024-01-06,,10.00,,,,completed
K3,1,c1,p1,0,2024-01-06,2024-01-09,10.00,,,,completed
L1,,c1,p1,1,2024-01-05,,10.00,,,,completed
L1,,c1,p1,1,2024-01-05,,10.00,,,,completed
L1,,c1,p1,1,2024-01-05,,10.00,,,,completed
L1,,c1,p1,2,2024-01-05,,10.00,,,,completed
L2,,c1,p1,-1,2024-01-05,,10.00,,,,completed
L2,,c1,p1,-1,2024-01-05,,10.00,,,,completed
C1,1,c1,p1,1,2024-01-05,,10.00,,,,completed
C1,2,c2,p1,1,2024-01-05,,10.00,,,,completed
C2,1,c1,p1,1,2024-01-05,,10.00,,,,completed
C2,2,c1,p1,1,2024-02-06,,10.00,,,,completed
C3,1,c1,p1,1,2024-01-05,,10.00,,,,completed
C3,2,c1,p1,1,2024-02-05,,10.00,,,,completed
C4,1,c1,p1,1,2024-01-05,2024-01-05,10.00,,,,completed
C4,1,c2,p1,1,2024-01-05,2024-01-06,10.00,,,,completed
C5,1,c1,p1,1,2024-01-05,,10.00,,,,completed
C5,2,c2,p1,0,2024-01-05,,10.00,,,,completed
C5,3,c1,p1,1,1924-01-05,,10.00,,,,completed
F1,1,c3,p1,1,2024-01-05 10:00,,10.00,,,EUR,voided
F1,2,,p2,1,,,20.00,,,,
F2,1,NULL,p1,1,2024-01-05,,10.00,,,,paid
F2,2,c3,p1,1,2024-01-05,,10.00,,,,refunded
F2,3,,p1,1,2024-01-05,,10.00,,,,
F3,1,c3,p1,x,2024-01-05,,10.00,,,,shipped
F3,2,,p1,1,,,10.00,,,,
F4,1,0,p1,1,2024-01-05,,10.00,,,,paid
F4,2,nan,p1,1,,,10.00,,,,
D1,1,c4,p1,1,2024-01-05,,10.00,20.00,,,paid
D1,2,c4,p2,2,2024-01-05,,35.00,,,,
D2,1,c4,p1,1,2024-01-05,,10.00,80.02,,,paid
D2,2,c4,p2,2,2024-01-05,,35.00,,,,paid
D3,1,c4,p1,1,2024-01-05,,0.01,0.05,,,paid
D3,2,c4,p2,1,2024-01-05,,0.02,,,,paid
D3,3,c4,p3,1,2024-01-05,,0.03,,,,paid
D4,1,c4,p1,1,2024-01-05,,1.00,5.00,,,paid
D4,2,c4,p2,1,2024-01-05,,5.00,1.00,,,paid
D5,1,c4,p1,1,2024-01-05,,1.00,1.02,,,paid
D6,1,c4,p1,1,2024-01-05,,1.00,5.00,,,paid
D6,2,c4,p2,1,2024-01-05,,,,,,paid
M1,1,c4,screw,100000,2024-01-05,,0.004567,,,,paid
M2,1,c4,resistor,50000,2024-01-05,,0.00004,,,,paid
M3,1,c4,p1,3000,2024-01-05,,0.0333333,,,,paid
M4,1,c4,p1,3,2024-01-05,,99,1.00,7.00,,paid
M5,1,c4,p1,3,2024-01-05,,,,-7.00,,paid
M6,1,c4,p1,2,2024-01-05,,1650,150,,jpy,paid
M6,2,c4,p2,1,2024-01-05,,,,1000,,paid
M7,1,c4,p1,2,2024-01-05,,10,,,USD,paid
"""
LINES = {
    # order, line: customer, quantity, status, money of the line
    ("K1", "1"): ("C1", 1, "completed", 10), ("K1", "2"): ("C1", 1, "completed", 10),
    ("K2", "1"): ("C1", 2, "completed", 20), ("K3", "1"): ("C1", 3, "completed", 30),
    ("C3", "1"): ("C1", 1, "completed", 10), ("C3", "2"): ("C1", 1, "completed", 10),
    ("C4", "1"): ("C2", 1, "completed", 10), ("C5", "1"): ("C1", 1, "completed", 10),
    ("F1", "1"): ("C3", 1, "voided", 10), ("F1", "2"): ("C3", 1, "voided", 20),
    ("F2", "1"): ("C3", 1, "paid", 10), ("F2", "2"): ("C3", 1, "refunded", 10),
    ("F2", "3"): ("C3", 1, None, 10), ("F3", "2"): ("C3", 1, "shipped", 10),
    ("F4", "1"): (None, 1, "paid", 10), ("F4", "2"): (None, 1, "paid", 10),
    ("D1", "1"): ("C4", 1, "paid", 7.5), ("D1", "2"): ("C4", 2, "paid", 52.5),
    ("D2", "2"): ("C4", 2, "paid", 70),
    ("D3", "1"): ("C4", 1, "paid", 0), ("D3", "2"): ("C4", 1, "paid", 0.01),
    ("D3", "3"): ("C4", 1, "paid", 0),
    ("D4", "1"): ("C4", 1, "paid", 0), ("D4", "2"): ("C4", 1, "paid", 0),
    ("D6", "2"): ("C4", 1, "paid", None),
    ("M1", "1"): ("C4", 100000, "paid", 456.7), ("M2", "1"): ("C4", 50000, "paid", 2),
    ("M3", "1"): ("C4", 3000, "paid", 100), ("M4", "1"): ("C4", 3, "paid", 7),
    ("M6", "1"): ("C4", 2, "paid", 18.9), ("M6", "2"): ("C4", 1, "paid", 6),
    ("M7", "1"): ("C4", 2, "paid", 20),
}  # fmt: skip
REJECTED = {
    ("K1", "exact_duplicate"): 1, ("L1", "exact_duplicate"): 2,
    ("K2", "superseded"): 3, ("C4", "superseded"): 1,
    ("C1", "conflicting_order"): 2, ("C2", "conflicting_order"): 2,
    ("K3", "invalid_quantity"): 1, ("L2", "invalid_quantity"): 2,
    ("C5", "invalid_quantity"): 1, ("F3", "invalid_quantity"): 1,
    ("C5", "order_date_before_1990"): 1, ("M5", "invalid_line_total"): 1,
    ("D2", "invalid_discount_amount"): 1, ("D5", "invalid_discount_amount"): 1,
    ("D6", "invalid_discount_amount"): 1,
}  # fmt: skip
CUSTOMERS = [
    {"customer_id": "c1", "email": "Ann@X.com", "registration_date": "2023-02-02"}
    | {"accepts_marketing": True},
    {"customer_id": "c2", "email": "ann@x.com ", "registration_date": "2023-02-01"}
    | {"accepts_marketing": "no"},
    {"customer_id": "c3", "email": "ann@x.com", "accepts_marketing": "subscribed"},
    {"customer_id": "c4", "email": "dan@example.com", "accepts_marketing": "perhaps"},
    {"customer_id": "c4", "email": "dan@example.com", "accepts_marketing": "perhaps"},
    {"customer_id": "NULL", "email": "nobody@example.com"},
    *({"customer_id": f"s{number}", "email": "info@example.com"} for number in range(11)),
]  # fmt: skip
RETURNS = """
return_id,order_id,customer_id,product_id,quantity,return_date,refund_amount
R1,K1,c1,p1,1,2024-01-07,
R2,K1,c1,,,2024-01-07,5.00
R3,0,c3,p1,,2024-01-07,5.00
R4,K1,c1,,1,2024-01-07,
R5,K1,c1,p1,,2024-01-07,
R6,K1,c1,p1,0,2024-01-07,5.00
R7,K1,c1,p1,1,2024-01-07,-5.00
R8,K1,c1,p1,1,2024-01-07,all
R9,K1,c1,p1,1,2024-01-07,
R9,K1,c1,p1,1,2024-01-07,
R9,K1,c1,p1,1,2024-01-06,
"""
STAGING = [
    "--select",
    "+stg_shop__orders",
    "+stg_shop__customers",
    "+stg_shop__returns",
    "+stg_shop__customer_master",
]
STAGING += ["+rejected_rows", "+data_quality_summary", "--exclude-resource-type", "seed"]


@pytest.fixture(scope="module")
def odd_shop(tmp_path_factory):
    """Build the staging of a shop with all of it, yens at a rate, one person by e-mail."""
    raw = tmp_path_factory.mktemp("odd")
    (raw / "orders.csv").write_text(HEADER + ORDERS)
    (raw / "customers.json").write_text("".join(json.dumps(row) + "\n" for row in CUSTOMERS))
    (raw / "products.csv").write_text("product_id,name,price\np1,A,10\np1,A,10\np2,B,\n0,C,\n")
    (raw / "inventory.csv").write_text(
        "product_id,warehouse_id,stock_quantity\np1,w1,3\np1,n/a,3\n"
    )
    (raw / "returns.csv").write_text(RETURNS.lstrip())
    shop = Shop(raw, raw / "shop.duckdb")
    shop_vars = {"shop": {"identity": "email"}}
    shop.succeed("seed", shop_vars=shop_vars)
    with duckdb.connect(str(shop.database)) as connection:
        connection.execute("insert into staging.exchange_rates values ('JPY', 0.006)")
    # Its dollars have no rate, which stops a build.
    return shop.build(*STAGING, "--exclude", "amounts_are_in_one_currency", shop_vars=shop_vars)


def test_orders_are_judged_as_a_whole(odd_shop):
    lines = odd_shop.query(
        """
        select order_id, order_line_id, customer_id, quantity, order_status, line_amount::double
        from staging.base_shop__orders where record_status = 'accepted' and order_id <> 'L1'
        """
    )
    assert {(order, line): tuple(rest) for order, line, *rest in lines} == LINES
    rejected = odd_shop.query(
        "select split_part(record_key, '|', 1), rule, count(*) from staging.rejected_rows "
        "where entity = 'orders' group by all"
    )
    assert {(order, rule): count for order, rule, count in rejected} == REJECTED
    assert odd_shop.query(
        "select order_line_number, quantity from staging.stg_shop__orders "
        "where order_id = 'L1' order by 1"
    ) == [(1, 1), (2, 2)]
    # An order's fields stand on all of its lines, also in the currency of the first.
    assert odd_shop.query(
        """
        select order_id, min(currency), min(ordered_at)::varchar, bool_or(is_placeholder_customer)
        from staging.base_shop__orders
        where order_id in ('F1', 'F2', 'F4', 'M6') and record_status = 'accepted'
        group by 1
        having count(distinct coalesce(currency, '')) = 1 and count(distinct ordered_at) = 1
        order by 1
        """
    ) == [
        ("F1", "EUR", "2024-01-05 10:00:00", False),
        ("F2", None, "2024-01-05 00:00:00", False),
        ("F4", None, "2024-01-05 00:00:00", True),
        ("M6", "JPY", "2024-01-05 00:00:00", False),
    ]
    records = odd_shop.query(
        "select raw_record from staging.rejected_rows "
        "where rule = 'superseded' and entity = 'orders' order by all"
    )
    assert [json.loads(record)["order_id"] for (record,) in records] == ["C4", "K2", "K2", "K2"]
    assert json.loads(records[2][0]) == {
        "order_id": "K2", "order_line_id": "1", "customer_id": "c1", "product_id": "p2",
        "quantity": "7", "order_date": "2024-01-06", "updated_at": "2024-01-07",
        "unit_price": "10.00", "order_status": "completed",
    }  # fmt: skip


def test_copies_and_placeholders_of_other_tables_are_rejected(odd_shop):
    assert odd_shop.query(
        "select entity, rule, record_key, copy_number from staging.rejected_rows "
        "where entity <> 'orders' order by all"
    ) == [
        ("customers", "exact_duplicate", "C4", 2),
        ("customers", "missing_customer_id", "", 1),
        ("customers", "same_person", "C1", 1),
        ("customers", "same_person", "C3", 1),
        ("inventory", "missing_warehouse_id", "P1|", 1),
        ("products", "exact_duplicate", "P1", 2),
        ("products", "missing_product_id", "", 1),
        ("returns", "exact_duplicate", "R9", 2),
        ("returns", "invalid_quantity", "R5", 1),
        ("returns", "invalid_refund_amount", "R7", 1),
        ("returns", "invalid_refund_amount", "R8", 1),
        ("returns", "missing_product_id", "R4", 1),
        ("returns", "superseded", "R9", 1),
    ]
    assert odd_shop.query(
        "select return_id, order_id, customer_id, product_id, quantity, refund_amount::double "
        "from staging.stg_shop__returns order by 1"
    ) == [
        ("R1", "K1", "C2", "P1", 1, None),
        ("R2", "K1", "C2", None, None, 5),
        ("R3", None, "C2", "P1", None, 5),
        # Paid back, and nothing came back.
        ("R6", "K1", "C2", "P1", None, 5),
        ("R9", "K1", "C2", "P1", 1, None),
    ]


def test_ids_of_one_person_are_joined_by_e_mail(odd_shop):
    # The id that registered first holds; an address of eleven ids is nobody's own.
    assert odd_shop.query(
        "select customer_id, accepts_marketing from staging.stg_shop__customers "
        "where customer_id not like 'S%' order by 1"
    ) == [("C2", False), ("C4", None)]
    assert odd_shop.query("select count(*) from staging.stg_shop__customers") == [(13,)]
    assert odd_shop.query("select count(*) from staging.stg_shop__customer_master") == [(13,)]
    buyers = "select distinct customer_id from staging.stg_shop__orders order by 1"
    assert odd_shop.query(buyers) == [("C2",), ("C4",), (None,)]


def test_days_are_the_shops_and_ids_of_parquet_are_whole(make_shop):
    """A shop in New York, from pandas: ids are doubles, since a guest has none."""
    shop = make_shop(files=["inventory.csv"])
    duckdb.sql(
        f"""
        copy (
            select * from (values
                (17850::double, 85123::double, 1001::double, '2024-02-28 23:30:00', 1::smallint),
                (null, 85123, 1002, '2024-03-01 00:30:00', 1),
                (17850, 85123, 1003, '2024-03-01T04:30:00Z', 1),
                (17850, 85123, 1004, '2024-03-01T05:00:00+00:00', 1)
            ) as orders (customer_id, product_id, order_id, order_date, quantity)
        ) to '{shop.raw}/orders.parquet' (format parquet)
        """
    )
    (shop.raw / "customers.json").write_text(
        '{"customer_id": 17850, "registration_date": "2024-03-01T02:00:00Z"}\n'
    )
    (shop.raw / "products.csv").write_text("product_id,price\n85123,2.50\n")
    days = {"shop": {"time_zone": "America/New_York"}}
    build = ["--select", "+fct_orders", "+dim_customers", "+rejected_rows"]
    shop.build(*build, shop_vars=days)
    assert shop.query(
        "select order_id, customer_id, order_date::varchar, order_revenue::double "
        "from core.fct_orders order by 1"
    ) == [
        ("1001", "17850", "2024-02-28", 2.5),
        ("1002", None, "2024-03-01", 2.5),
        ("1003", "17850", "2024-02-29", 2.5),
        ("1004", "17850", "2024-03-01", 2.5),
    ]
    assert shop.query(
        "select registration_date::varchar, is_inferred, as_of_date::varchar "
        "from core.dim_customers"
    ) == [("2024-02-29", False, "2024-03-02")]
    shop.build(*build, shop_vars=days | {"as_of_date": "2024-03-01"})
    assert shop.query("select order_id from core.fct_orders order by 1") == [("1001",), ("1003",)]


@pytest.mark.parametrize(
    ("day", "says"),
    [
        ("2022-12-31", "the first order is of 2023-01-01: nothing had happened yet"),
        ("2099-01-01", "a day to come, and the last order is of 2025-06-30"),
        ("2025-07-05", "the days between count as days without an order"),
    ],
)
def test_an_as_of_date_outside_the_data_gets_one_sentence(make_shop, day, says):
    result = make_shop().dbt("build", "--select", "+as_of_date", shop_vars={"as_of_date": day})
    assert says in " ".join(result.stdout.split()), result.stdout[-3000:]
    assert (result.returncode == 0) == (day == "2025-07-05")


def test_lines_that_differ_in_a_column_nobody_reads_are_no_copies(make_shop):
    shop = make_shop(files=["customers.json", "products.parquet", "inventory.csv"])
    (shop.raw / "orders.csv").write_text(
        'order_id,customer_id,product_id,quantity,order_date,"Größe ""cm""",_loaded_at\n'
        "o1,c1,p1,1,2024-01-01,4,today\n"
        "o1,c1,p1,1,2024-01-01,5,today\n"
        "o1,c1,p1,1,2024-01-01,5,later\n"
    )
    shop.build("--select", "+base_shop__orders")
    rows = shop.query("select record_status, broken_rule from staging.base_shop__orders")
    assert sorted(rows) == [
        ("accepted", None),
        ("accepted", None),
        ("rejected", "exact_duplicate"),
    ]  # fmt: skip
