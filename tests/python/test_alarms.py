"""Alarms: each is raised by what it is for, and silent on a shop that gives no reason."""

import shutil
from datetime import date, timedelta

import pytest
from snowflake_account import MODELS_ONLY, make_account

from conftest import WITHOUT_TRAINING, assert_same_tables
from snowflake_emulator import Emulator
from snowflake_emulator.parity import first_difference

ALARMS = ("--select", "+data_quality_alarms")
CUSTOMERS = [f"c{number}" for number in range(1, 11)]
PRODUCTS = ["p1", "p2", "p3"]


def write(shop, **tables):
    """Write raw tables as CSV, each a list of rows, the header first; None removes one."""
    for name, rows in tables.items():
        path = shop.raw / f"{name}.csv"
        path.unlink(missing_ok=True)
        if rows is not None:
            path.write_text("".join(",".join(map(str, row)) + "\n" for row in rows))
    return shop


def orders(first_day="2024-01-01", count=40, prefix="o"):
    """Order lines of a quiet shop: one order a day."""
    return [
        [
            f"{prefix}{number}",
            CUSTOMERS[number % 10],
            PRODUCTS[number % 3],
            1,
            date.fromisoformat(first_day) + timedelta(days=number),
            "10.00",
            "completed",
        ]
        for number in range(count)
    ]


HEADER = [
    "order_id", "customer_id", "product_id", "quantity", "order_date", "unit_price", "order_status"
]  # fmt: skip


@pytest.fixture
def quiet(make_shop):
    """Make a shop that gives no reason for an alarm."""

    def make(name="quiet"):
        return write(
            make_shop(name, files=[]),
            orders=[HEADER, *orders()],
            customers=[["customer_id", "name"], *([customer, "A"] for customer in CUSTOMERS)],
            products=[["product_id", "price"], *([product, 10] for product in PRODUCTS)],
            inventory=[["product_id", "warehouse_id", "stock_quantity"], ["p1", "w1", 5]],
            returns=[
                ["return_id", "order_id", "product_id", "quantity", "return_date"],
                ["r1", "o1", "p2", 1, "2024-02-01"],
            ],
        )

    return make


def alarms(shop, severity="warn"):
    """Return the alarms of the mart by name: table, detail, records and amount of each."""
    rows = shop.query(
        f"""
        select alarm, entity, detail, record_count, amount::double
        from monitoring.data_quality_alarms where severity = '{severity}' order by all
        """
    )
    return {alarm: [row[1:] for row in rows if row[0] == alarm] for alarm, *_ in rows}


def make_loud(shop):
    """Give a quiet shop a reason for every alarm that needs no build before."""
    line = orders()[0]

    def other(**values):
        return [values.get(column, value) for column, value in zip(HEADER, line, strict=True)]

    return write(
        shop,
        orders=[
            [*HEADER, "discount", "gift_wrap", "order_status"],
            *(
                [*row, "", "", row[-1]]
                for row in [
                    *orders(),
                    line,
                    other(order_id="twice"),
                    other(order_id="twice", customer_id="c2", product_id="p2"),
                    other(order_id="visitor", customer_id="NULL"),
                    other(order_id="odd", order_status="teleported"),
                    other(order_id="late", order_date="2025-06-01"),
                    other(order_id="early", order_date="2019-01-01"),
                    other(order_id="slip", unit_price="5000"),
                    other(order_id="free", product_id="p4", unit_price=""),
                    *([f"x{i}", "x1", "x1", 1, "2024-01-09", 10, "paid"] for i in range(20))
                ]
            ),
        ],
        inventory=[
            ["product_id", "warehouse_id", "stock_quantity", "last_updated"],
            *(
                [product, "w1", stock, "2024-01-01"]
                for product, stock in [("p1", 5), ("p2", -1), ("p3", "many")]
            ),
        ],
        returns=[
            ["return_id", "order_id", "product_id", "quantity", "return_date", "refund_amount"],
            ["r1", "o1", "p2", 1, "2024-02-01", 12.5],
            ["r2", "o2", "p3", 1, "2025-06-02", 4],
        ],
    )  # fmt: skip


def test_each_alarm_is_raised_by_what_it_is_for(quiet):
    shop = make_loud(quiet("loud"))
    build = shop.dbt("build", "--exclude-resource-type", "unit_test", *ALARMS)
    assert build.returncode == 0, build.stdout[-5000:]
    assert alarms(shop) == {
        "conflicting_order": [("orders", "TWICE|P1", 2, 20.0)],
        "high_rejection": [("inventory", "invalid_stock_quantity", 2, None)],
        "identical_lines": [("orders", "order_line_id", 1, 10.0)],
        "late_return": [("returns", "return_date", 1, 4.0)],
        "lone_first_order": [("orders", "2019-01-01", 1, 10.0)],
        "lone_last_order": [("orders", "2025-06-01", 1, 10.0)],
        "missing_price": [("orders", "P4", 1, None)],
        "outlier_amount": [("orders", "order SLIP, product P1", 1, 5000.0)],
        "placeholder_id": [("orders", "customer_id", 1, 10.0)],
        "refund_cut": [("returns", "R1", 1, 2.5)],
        "repeated_column": [("orders", "order_status", 1, None)],
        "sold_beyond_count": [("inventory", "P1", 1, None)],
        "unknown_customer": [("orders", "X1", 20, 200.0)],
        "unknown_product": [("orders", "P4", 21, 200.0)],
        "unknown_status": [("orders", "teleported", 1, 10.0)],
        "unused_column": [("orders", "discount, near discount_amount", 1, None)],
    }
    assert alarms(shop, "info") == {"unused_column": [("orders", "gift_wrap", 1, None)]}
    # The end of the build says so, with the remedy; what is only listed is not said.
    assert "WARN=16 ERROR=0" in build.stdout
    for words in [
        "unknown_status in orders: teleported | 1 records | amount 10.00 | 0.2% | Add 'teleported'",
        "unused_column in orders: discount, near discount_amount",
        "REJECTED 2 of 69 order lines, copies apart | amount 20.00 | 0.4% of all",
    ]:
        assert words in build.stdout
    assert "gift_wrap" not in build.stdout


def test_a_quiet_shop_stays_quiet_and_what_it_loses_is_missed(quiet):
    shop = quiet()
    build = shop.dbt("build", "--exclude-resource-type", "unit_test", *ALARMS)
    assert "WARN=0 ERROR=0" in build.stdout, build.stdout[-5000:]
    assert "ALARM" not in build.stdout and "REJECTED" not in build.stdout
    assert alarms(shop) == {}

    # A past day is looked at from the same rows.
    shop.build(*ALARMS, shop_vars={"as_of_date": "2024-01-15"})
    assert alarms(shop) == {}

    # An export that rolls on is no other shop, but it is shorter; a table and a column are gone.
    write(
        shop,
        orders=[row[:-1] for row in [HEADER, *orders("2024-02-10", count=20, prefix="n")]],
        returns=None,
    )
    shop.build(*ALARMS)
    assert alarms(shop) == {
        "missing_column": [("orders", "order_status", 20, None)],
        "missing_table": [("returns", "0 rows, 1 at the last build", 1, None)],
        "shrunk_table": [("orders", "20 rows, 40 at the last build", 20, None)],
    }
    shop.build(*ALARMS)
    assert alarms(shop) == {}


def test_what_would_make_marts_nonsense_stops_the_build_before_a_mart_is_replaced(quiet):
    shop = quiet().build(*WITHOUT_TRAINING)
    marts = shop.tables(["core", "customers", "sales", "monitoring"])
    history = "select * from monitoring.build_history order by all"
    builds = shop.query(history)
    # Another shop under the same mapping, amounts in two currencies, and stock that cannot be read.
    write(
        shop,
        orders=[
            [*HEADER, "currency"],
            *(
                [f"z{number}", f"k{number}", f"s{number}", 1, "2024-05-01", 10, "paid", currency]
                for number, currency in enumerate(["EUR", "JPY"] * 10)
            ),
        ],
        customers=[["customer_id"], ["k1"]],
        products=[["product_id"], ["s1"]],
        inventory=[["product_id", "warehouse_id", "stock_quantity"], ["s1", "w1", "many"]],
    )
    build = shop.dbt("build", "--exclude-resource-type", "unit_test", *WITHOUT_TRAINING)
    assert build.returncode == 1 and "ERROR=3" in build.stdout, build.stdout[-5000:]
    for words in [
        "ERROR other_shop in orders: share of customers or products that the last build knew | 0",
        "ERROR several_currencies in orders: EUR | 10 records | amount 100.00 | 50.0% | Add the",
        "ERROR several_currencies in orders: JPY | 10 records",
        "ERROR nothing_accepted in inventory: invalid_stock_quantity | 1 records | 100.0% | Look",
    ]:  # fmt: skip
        assert words in build.stdout
    assert_same_tables(shop.tables(["core", "customers", "sales", "monitoring"]), marts)
    assert shop.query(history) == builds

    # With what the alarms say, it builds; the history begins anew.
    write(shop, inventory=[["product_id", "warehouse_id", "stock_quantity"], ["s1", "w1", 1]])
    variables = {"shop": {"orders": {"filter": "currency = 'EUR'"}}}
    shop.build(*ALARMS, "--full-refresh", shop_vars=variables)
    assert shop.query("select count(distinct invocation_id) from monitoring.build_history") == [
        (1,)
    ]


def test_a_build_that_fails_is_not_remembered(quiet):
    shop = quiet()
    write(shop, orders=[HEADER])
    shop.build(*ALARMS)
    history = "select * from monitoring.build_history order by all"
    builds = shop.query(history)
    # Wrong in the last of the models, when the build has been written down.
    write(shop, orders=[HEADER, *orders()])
    assert shop.dbt("build", *ALARMS, shop_vars={"shrunk_table_share": "much"}).returncode == 1
    assert shop.query(history) == builds
    # A shop without an order that gets its first is the same shop.
    shop.build(*ALARMS)
    assert alarms(shop) == {}
    # Small numbers are ids in any shop: the same ids on other days are another's.
    write(shop, orders=[HEADER, *orders("2020-03-05")])
    build = shop.dbt("build", "--exclude-resource-type", "unit_test", *ALARMS)
    assert "ERROR other_shop in orders: share of orders that kept their day | 0.0%" in build.stdout


def test_customers_that_are_numbers_do_not_hide_another_shop(quiet):
    shop = quiet().build(*ALARMS)
    lines = [[row[0], row[1], f"q{row[2]}", *row[3:]] for row in orders(prefix="n")]
    write(shop, orders=[HEADER, *lines], products=[["product_id", "price"], ["qp1", 1]])
    build = shop.dbt("build", "--exclude-resource-type", "unit_test", *ALARMS)
    assert "ERROR other_shop in orders: share of customers or products" in build.stdout
    # Other customers of the same products are what a month of new customers looks like.
    lines = [[row[0], f"new{row[1]}", *row[2:]] for row in orders(prefix="n")]
    write(shop, orders=[HEADER, *lines], products=[["product_id", "price"], ["p1", 1]])
    shop.build(*ALARMS)


def test_alarms_and_the_memory_of_builds_are_the_same_on_snowflake(quiet, tmp_path):
    shop = make_loud(quiet("loud")).build(*ALARMS)
    facts = "select entity, raw_count, sound_count, id_sketch from {} order by 1"
    # Without what DuckDB's build left there: PUT stops at a folder with a dot in its name.
    raw = tmp_path / "raw"
    raw.mkdir()
    for file in [*shop.raw.glob("*.csv"), *shop.raw.glob("*.json"), *shop.raw.glob("*.parquet")]:
        shutil.copy(file, raw)
    with Emulator(tmp_path / "data") as emulator:
        account = make_account(emulator, raw, tmp_path).build(*MODELS_ONLY, *ALARMS)
        marts = {"monitoring.data_quality_alarms": ["alarm", "severity", "entity", "detail"]}
        assert first_difference(shop.database, emulator, marts) is None
        # A second build appends, and finds the shop that it knows.
        account.succeed("test", "--select", "tag:error_alarm")
        account.build(*MODELS_ONLY, *ALARMS)
        builds = "select count(*) from analytics.monitoring.build_history"
        # Two builds, each of eight raw tables.
        assert emulator.query(builds) == [(16,)]
        assert emulator.query(facts.format("analytics.staging.build_facts")) == shop.query(
            facts.format("staging.build_facts")
        )
