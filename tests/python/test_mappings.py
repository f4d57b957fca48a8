"""Shops of other shapes: the mapping and its checks, the ready mappings, and the first guess."""

import os
import re
import shutil
import subprocess
import sys
from decimal import Decimal

import duckdb
import pytest
import raw_shops
import yaml
from dbt.cli.main import dbtRunner

from conftest import PROJECT
from snowflake_emulator import Emulator

ZONES = {
    "shopify_export": "America/New_York",
    "shopify_airbyte": "America/New_York",
    "woocommerce_airbyte": "Europe/Berlin",
    "woocommerce_export": "Europe/Berlin",
    "olist": "America/Sao_Paulo",
}
# Five tables of a shop that fit the contract after a join, and one with lines in JSON.
ITEMS = "order_id;sku;qty\n1;A;2\n1;B;1\n2;A\n3;C;5\n"
HEADS = 'order_id,buyer,"placed at"\n1,c1,2024-01-01\n2,c2,2024-01-02\n3,c1,2024-01-03\n4,c1\n'
WEB = [
    {
        "id": 7,
        "lines": [
            {"sku": "A", "price": {"amount": "12.50"}, "taxes": [{"rate": 0.1}, {"rate": 0.2}]},
            {"sku": "B", "taxes": []},
        ],
    },
    {"id": 8, "lines": []},
    {"id": 9, "lines": "broken"},
    {"id": 10},
]
JOINED = {
    "orders": {
        "relation": "select order_id, buyer as customer_id, sku as product_id, qty as quantity,"
        ' "placed at" as order_date from {items} inner join {heads} using (order_id)',
        "files": {"items": {"delimiter": ";"}},
    },
    "customers": {"relation": "heads", "distinct": True, "columns": {"customer_id": "buyer"}},
    "products": {
        "relation": "web",
        "unnest": "lines",
        "columns": {
            "product_id": "json_text(item, 'sku')",
            "price": "json_text(item, 'price.amount')",
            "name": "id || '-' || item_number",
        },
    },
    "returns": {
        "relation": "select id, item from {web: lines: taxes}",
        "columns": {
            "return_id": "id",
            "order_id": "json_text(item, 'rate')",
            "return_date": "'2024-01-01'",
        },
    },
    "inventory": {"relation": None},
    "events": {"relation": None},
    "campaign_contacts": {"relation": None},
    "api_predictions": {"relation": None},
}


def shipped(name, **keys):
    """Return a mapping of the folder shops as dbt vars, with keys of the shop set."""
    content = yaml.safe_load((PROJECT / "shops" / f"{name}.yml").read_text())
    content["shop"] |= keys
    return content


def write_joined_shop(raw):
    """Write the files that JOINED reads."""
    (raw / "items.csv").write_text(ITEMS)
    (raw / "heads.csv").write_text(HEADS)
    raw_shops.write_lines(raw / "web.jsonl", WEB)


class Macros:
    """A small project with the macros and the raw contract alone.

    dbt runs in this process, on a project that it has parsed once.
    """

    def __init__(self, project, *options):
        (project / "models").mkdir(parents=True)
        shutil.copy(PROJECT / "models/staging/shop/_shop__sources.yml", project / "models")
        settings = {"name": "clientele", "profile": "clientele"}
        settings |= {
            "macro-paths": [str(PROJECT / "macros")],
            "vars": {"shop": {}, "as_of_date": ""},
        }
        (project / "dbt_project.yml").write_text(yaml.safe_dump(settings))
        self.options = ["--profiles-dir", str(PROJECT / "profiles"), "--project-dir", str(project)]
        self.options += ["--quiet", "--no-send-anonymous-usage-stats", *options]
        parsed = dbtRunner().invoke(["parse", *self.options])
        assert parsed.success, parsed.exception
        self.manifest = parsed.result

    def run(self, raw, *command):
        """Run an operation on a folder; returns whether it ended green, and what it said."""
        os.environ["CLIENTELE_RAW_DIR"] = str(raw)
        said = []

        def listen(event):
            if event.info.level in ("info", "warn", "error"):
                said.append(event.info.msg)

        runner = dbtRunner(self.manifest, callbacks=[listen])
        result = runner.invoke(["run-operation", *command, *self.options])
        return result.success, " ".join(" ".join(filter(None, said)).split())


@pytest.fixture(scope="module")
def joined_shop(tmp_path_factory):
    """Return a folder with the files that JOINED reads."""
    raw = tmp_path_factory.mktemp("joined")
    write_joined_shop(raw)
    return raw


@pytest.fixture(scope="module")
def macros(tmp_path_factory):
    """Prepare the macros for DuckDB, with a database that stays in memory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIENTELE_DUCKDB", ":memory:")
        yield Macros(tmp_path_factory.mktemp("macros") / "project", "--target", "duckdb")


def check(macros, raw, mapping):
    """Check a mapping as shops/README.md says; returns whether it is right, and what is said."""
    return macros.run(raw, "check_shop", "--args", yaml.safe_dump({"shop": mapping}))


@pytest.mark.parametrize("name", ZONES)
def test_a_shop_by_its_ready_mapping_is_right_to_the_cent(make_shop, name):
    shop = make_shop(files=[])
    getattr(raw_shops, f"make_{name}")(shop.raw)
    shop.build(
        *("--select", "+daily_sales", "+rejected_rows"),
        shop_vars=shipped(name, time_zone=ZONES[name]),
    )
    ((revenue, net_revenue, orders, customers),) = shop.query(
        """
        select sum(order_revenue), sum(net_revenue), count(*), count(distinct customer_id)
        from core.fct_orders where not is_cancelled
        """
    )
    days = shop.query(
        """
        select order_date, revenue, net_revenue from sales.daily_sales
        where revenue != 0 or net_revenue != 0
        """
    )
    assert {
        "revenue": revenue,
        "net_revenue": net_revenue,
        "orders": orders,
        "customers": customers,
        "days": {day: (gross, net) for day, gross, net in days},
    } == getattr(raw_shops, f"read_{name}")(shop.raw)
    assert shop.query("select rule, raw_record from staging.rejected_rows") == []


def test_customers_of_hubspot_stand_beside_a_shopify_export(make_shop):
    shop = make_shop(files=[])
    raw_shops.make_shopify_export(shop.raw)
    (shop.raw / "hubspot_contacts.csv").write_text(
        "Record ID,First Name,Last Name,Email,Phone Number,Contact owner,Lead Status,City,"
        "Country/Region,Create Date,Lifecycle Stage,Unsubscribed from all email\n"
        "1,Ann,Of HubSpot,buyer1@example.com,,,,Paris,France,2023-05-06 10:11,Customer,true\n"
        "2,No,Address,,,,,Paris,France,2023-05-06 10:11,Lead,\n"
    )
    mapping = shipped("shopify_export")
    mapping["shop"] |= shipped("hubspot_contacts")["shop"]
    shop.build("--select", "+dim_customers", shop_vars=mapping)
    assert shop.query(
        """
        select customer_name, city, country, registration_date::varchar from core.dim_customers
        where customer_id = 'BUYER1@EXAMPLE.COM'
        """
    ) == [("Ann Of HubSpot", "Paris", "France", "2023-05-06")]
    assert shop.query("select count(*) from core.dim_customers where not is_inferred") == [(1,)]


def test_a_query_and_json_arrays_become_rows_and_no_line_vanishes(make_shop):
    shop = make_shop(files=[])
    write_joined_shop(shop.raw)
    shop.succeed("run-operation", "create_raw_views", shop_vars={"shop": JOINED})
    assert shop.query(
        "select order_id, customer_id, product_id, quantity, order_date, landing_rule,"
        " landing_record from raw.orders order by all"
    ) == [
        ("1", "c1", "A", "2", "2024-01-01", None, None),
        ("1", "c1", "B", "1", "2024-01-01", None, None),
        ("3", "c1", "C", "5", "2024-01-03", None, None),
        # The malformed lines of both files of the query.
        (None, None, None, None, None, "malformed_row", "2;A"),
        (None, None, None, None, None, "malformed_row", "4,c1"),
    ]
    # A line that orders have rejected is not rejected again.
    assert shop.query("select customer_id from raw.customers order by 1") == [("c1",), ("c2",)]
    assert shop.query("select product_id, price, name from raw.products order by 1") == [
        ("A", "12.50", "7-1"),
        ("B", None, "7-2"),
    ]
    assert shop.query("select return_id, order_id, landing_record from raw.returns order by 2") == [
        ("7", "0.1", None),
        ("7", "0.2", None),
        (None, None, "broken"),
    ]
    columns = shop.query(
        "select entity, parse_filename(relation_name), column_name, occurrences, is_used"
        " from raw.landed_columns where entity in ('customers', 'products') order by all"
    )
    assert columns == [
        ("customers", "heads.csv", "buyer", 1, True),
        ("customers", "heads.csv", "order_id", 1, False),
        ("customers", "heads.csv", "placed at", 1, False),
        ("products", "web.jsonl", "id", 1, True),
        ("products", "web.jsonl", "lines", 1, True),
    ]


def test_a_shop_in_the_warehouse_is_read_by_the_names_of_its_tables(make_shop):
    shop = make_shop(files=["inventory.csv", "customers.json"])
    with duckdb.connect(str(shop.database)) as connection:
        connection.execute("create schema erp")
        connection.execute(
            "create table erp.sales as select 1 as no, 'C000001' as who, 2.0::double as qty,"
            " timestamptz '2024-01-01 10:00:00+00' as moment, [{'sku': 'a', 'n': 3}] as lines"
        )
        connection.execute("create table erp.articles as select 'a' as product_id, 1.5 as price")
    shop.succeed(
        *("run-operation", "create_raw_views"),
        shop_vars={
            "shop": {
                "orders": {
                    "relation": "select no, who, moment, item from {erp.sales: lines}",
                    "columns": {
                        "order_id": "no",
                        "customer_id": "who",
                        "order_date": "moment",
                        "product_id": "json_text(item, 'sku')",
                        "quantity": "json_text(item, 'n')",
                    },
                },
                "products": {"relation": "shop.erp.articles"},
            }
        },
    )
    assert shop.query("select order_id, customer_id, product_id, quantity from raw.orders") == [
        ("1", "C000001", "a", "3")
    ]
    assert shop.query("select product_id, price from raw.products") == [("a", "1.5")]


def changed(table, **keys):
    """Return JOINED with keys of one table changed."""
    return JOINED | {table: JOINED.get(table, {}) | keys}


def in_query(old, new):
    """Return JOINED with a word of the query of orders changed."""
    return changed("orders", relation=JOINED["orders"]["relation"].replace(old, new))


WRONG_MAPPINGS = {
    "unknown_table": ({"order": {}}, ["'order'", "orders, products"]),
    "no_keys": ({"orders": "items"}, ["'orders'", "`relation: items`"]),
    "unknown_key": (changed("orders", colums={}), ["'colums'", "columns"]),
    "unknown_column": (changed("orders", columns={"id": "x"}), ["'id'", "order_id"]),
    "empty_column": (changed("orders", columns={"channel": None}), ["orders.channel", "'null'"]),
    "time_zone": ({"time_zone": "Berlin"}, ["'Berlin'", "Europe/Berlin"]),
    "currency": ({"currency": "Euro"}, ["'Euro'", "EUR"]),
    "identity": ({"identity": "phone"}, ["'phone'", "`email`"]),
    "decimal_mark": (changed("orders", decimal_mark=";"), ["decimal_mark", "orders"]),
    "date_format": (changed("orders", date_format="dd.mm.yyyy"), ["'dd.mm.yyyy'", "%d.%m.%Y"]),
    "column_of_expression": (
        changed("customers", columns={"customer_id": "lower(byer)"}),
        ["customers.customer_id", "`lower(byer)`", "'byer'", "heads.csv", "order_id, buyer"],
    ),
    "column_of_query": (
        changed("orders", columns={"channel": "shopp"}),
        ["orders.channel", "`shopp`", "the query over", "order_id, customer_id"],
    ),
    "column_of_filter": (
        changed("customers", filter="byer is not null"),
        ["customers.filter", "`byer is not null`", "'byer'", "order_id, buyer"],
    ),
    "column_of_reject": (
        changed("customers", reject={"odd": "byer = ''"}),
        ["customers.odd", "'byer'", "order_id, buyer"],
    ),
    "no_sql": (
        changed("orders", columns={"channel": "upper(product_id"}),
        ["orders.channel", "`upper(product_id`", "no SQL"],
    ),
    "no_sql_in_filter": (changed("orders", filter="quantity >"), ["orders.filter", "no SQL"]),
    "two_expressions": (
        changed("orders", columns={"channel": "product_id, quantity"}),
        ["orders.channel", "no SQL"],
    ),
    "function": (
        changed("orders", columns={"channel": "uper(product_id)"}),
        ["orders.channel", "no function 'uper'"],
    ),
    "json_text": (
        changed("products", columns={"product_id": "json_text(trim(item), 'a')"}),
        ["json_text(trim(item), 'a')", "a column and a path"],
    ),
    "word_of_the_query": (in_query("sku as", "skuu as"), ["orders.relation", "'skuu'", "sku, qty"]),
    "relation_of_the_query": (in_query("{heads}", "{headss}"), ["orders", "headss"]),
    "no_braces": (in_query("{heads}", "heads"), ["orders.relation", "{heads}"]),
    "no_sql_in_query": (in_query("using", "usin"), ["orders.relation", "no SQL"]),
    "too_little_in_query": (
        changed("orders", relation="select order_id from {items}"),
        ["'customer_id'", "the query gives order_id"],
    ),
    "unnest": (changed("products", unnest="line"), ["'products'", "'line'", "id, lines"]),
    "unnest_and_query": (
        changed("orders", unnest="lines"),
        ["'orders'", "{relation: array}"],
    ),
    "table_of_the_target": (
        changed("products", relation="a.b.c", unnest=None),
        ["a.b.c", "does not see"],
    ),
}


@pytest.mark.parametrize("name", WRONG_MAPPINGS)
def test_a_wrong_mapping_is_told_in_one_sentence(macros, joined_shop, name):
    mapping, words = WRONG_MAPPINGS[name]
    is_right, said = check(macros, joined_shop, JOINED | mapping)
    assert not is_right
    assert [word for word in words if word not in said] == [], said
    assert "Binder Error" not in said and "Traceback" not in said


def test_a_right_mapping_is_checked_and_what_it_leaves_is_said(macros, joined_shop):
    is_right, said = check(macros, joined_shop, JOINED)
    assert is_right, said
    assert "heads.csv; not used: order_id, placed at events: the shop has none" in said


def test_a_wrong_mapping_stops_a_build_before_anything_is_built(make_shop):
    shop = make_shop(files=[])
    write_joined_shop(shop.raw)
    mapping, words = WRONG_MAPPINGS["column_of_expression"]
    result = shop.dbt("build", shop_vars={"shop": JOINED | mapping})
    assert result.returncode != 0
    assert all(word in result.stdout for word in words), result.stdout[-2000:]
    assert not shop.query(
        "select 1 from information_schema.tables where table_schema in ('staging', 'core')"
    )


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    """Start an emulated account; returns it and the macros for it."""
    with Emulator(tmp_path_factory.mktemp("account")) as emulator:
        emulator.run_script((PROJECT / "profiles" / "setup_snowflake.sql").read_text())
        with pytest.MonkeyPatch.context() as patch:
            for name, value in emulator.environment.items():
                patch.setenv(name, value)
            project = tmp_path_factory.mktemp("macros") / "project"
            yield emulator, Macros(project, "--target", "snowflake")


@pytest.mark.parametrize(
    "name",
    ["joined", "shopify_airbyte"]
    + [
        pytest.param(name, marks=pytest.mark.thorough)
        for name in ZONES
        if name != "shopify_airbyte"
    ],
)
def test_a_mapping_reads_the_same_rows_on_both_targets(account, make_shop, name):
    emulator, snowflake = account
    shop = make_shop(files=[])
    mapping = {"shop": JOINED}
    if name == "joined":
        write_joined_shop(shop.raw)
    else:
        getattr(raw_shops, f"make_{name}")(shop.raw)
        mapping = shipped(name)
    variables = ["--vars", yaml.safe_dump(mapping)]
    for operation in ("load_raw", "create_raw_views"):
        is_right, said = snowflake.run(shop.raw, operation, *variables)
        assert is_right, said
    shop.succeed("run-operation", "create_raw_views", shop_vars=mapping)
    for entity in ("orders", "returns", "customers", "products", "inventory"):
        there = emulator.query(f"select * from analytics.raw.{entity}", database="ANALYTICS")
        here = shop.query(f"select * from raw.{entity}")
        assert sorted(map(repr, there)) == sorted(map(repr, here))


def test_contacts_of_hubspot_as_airbyte_lands_them_are_customers_on_both_targets(
    account, make_shop
):
    emulator, snowflake = account
    shop = make_shop(files=[])
    raw_shops.make_shopify_export(shop.raw)
    raw_shops.make_hubspot_airbyte(shop.raw)
    mapping = shipped("shopify_export")
    mapping["shop"] |= shipped("hubspot_airbyte")["shop"]
    variables = ["--vars", yaml.safe_dump(mapping)]
    for operation in ("load_raw", "create_raw_views"):
        is_right, said = snowflake.run(shop.raw, operation, *variables)
        assert is_right, said
    shop.succeed("run-operation", "create_raw_views", shop_vars=mapping)
    columns = (
        "customer_id, name, email, city, country, registration_date, loyalty_tier,"
        " accepts_marketing"
    )
    customers = [
        ("buyer1@example.com", "Ann Of HubSpot", "Buyer1@example.com", "Paris", "France")
        + ("2023-05-06", "customer", "false"),
        ("buyer2@example.com", "Bo ", "buyer2@example.com", None, None)
        + ("2023-05-06", "lead", None),
    ]
    here = shop.query(f"select {columns} from raw.customers order by 1")
    there = emulator.query(
        f"select {columns} from analytics.raw.customers order by 1", database="ANALYTICS"
    )
    assert here == customers
    assert list(map(tuple, there)) == customers


@pytest.mark.parametrize(
    "name", ["column_of_expression", "column_of_filter", "no_sql", "word_of_the_query"]
)
def test_a_wrong_mapping_is_told_on_snowflake(account, joined_shop, name):
    _, snowflake = account
    assert snowflake.run(joined_shop, "load_raw", "--vars", yaml.safe_dump({"shop": JOINED}))[0]
    mapping, words = WRONG_MAPPINGS[name]
    is_right, said = check(snowflake, joined_shop, JOINED | mapping)
    assert not is_right
    assert words[0] in said and "which Snowflake refuses" in said


def test_the_worked_example_of_the_readme_does_what_it_says(make_shop):
    page = (PROJECT / "shops" / "README.md").read_text()
    example = page[page.index("## A worked example") :]
    sales, mapping = re.findall(r"```(?:yaml)?\n(.*?)```", example, re.DOTALL)[:2]
    shop = make_shop(files=[])
    (shop.raw / "sales.csv").write_text(sales)
    shop.build("--select", "+fct_orders", "+rejected_rows", shop_vars=yaml.safe_load(mapping))
    assert shop.query(
        "select order_id, customer_id, order_date::varchar, order_revenue from core.fct_orders"
        " order by 1"
    ) == [
        ("0001", "K1", "2024-12-31", Decimal("2007.00")),
        ("0002", None, "2024-12-30", Decimal("3.50")),
    ]
    assert shop.query("select rule from staging.rejected_rows") == [("not_a_product",)]


def first_mapping(folder):
    """Return the mapping that `make map` writes."""
    return subprocess.run(
        [sys.executable, PROJECT / "shops" / "map.py", folder],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_a_first_mapping_of_a_german_shop_builds_and_asks_what_no_file_says(make_shop):
    shop = make_shop(files=[])
    (shop.raw / "verkauf.csv").write_bytes(
        "Bestellnr;Kundennr;Artikelnr;Menge;Bestelldatum;Einzelpreis;Status;Waehrung;Bemerkung\r\n"
        "0001;k1;a1;2;31.12.2024 10:15;3,50;versendet;EUR;für Oma – schnell\r\n"
        "0002;;a1;1;30.12.2024 09:00;1.003,50;im Äther;EUR;\r\n".encode("cp1252")
    )
    (shop.raw / "artikel.csv").write_bytes(
        "Artikelnr;Bezeichnung;Warengruppe;VK-Preis\na1;Äpfel;Obst;3,50\n".encode("cp1252")
    )
    text = first_mapping(shop.raw)
    mapping = yaml.safe_load(text)["shop"]
    assert mapping["currency"] == "EUR"
    assert mapping["orders"] == {
        "relation": "verkauf",
        "delimiter": ";",
        "encoding": "cp1252",
        "decimal_mark": ",",
        "date_format": "%d.%m.%Y %H:%M",
        "columns": {
            "order_id": '"Bestellnr"',
            "customer_id": '"Kundennr"',
            "product_id": '"Artikelnr"',
            "quantity": '"Menge"',
            "order_date": '"Bestelldatum"',
            "unit_price": '"Einzelpreis"',
            "order_status": '"Status"',
            "currency": '"Waehrung"',
        },
    }
    assert mapping["products"]["columns"]["name"] == '"Bezeichnung"'
    assert mapping["customers"]["columns"] == {"customer_id": '"Kundennr"'}
    assert mapping["inventory"] == {"relation": None}
    questions = [line for line in text.splitlines() if "# ?" in line]
    assert any("order_line_id" in line for line in questions)
    assert any("im äther" in line for line in questions)
    assert "# not used: Bemerkung" in text and "make check SHOP=" in text
    shop.build("--select", "+fct_orders", shop_vars={"shop": mapping})
    assert shop.query("select sum(order_revenue) from core.fct_orders") == [(Decimal("1010.50"),)]


def test_a_first_mapping_knows_the_files_of_a_program_that_has_a_ready_one(make_shop):
    shop = make_shop(files=[])
    raw_shops.make_shopify_export(shop.raw)
    text = first_mapping(shop.raw)
    assert "shops/shopify_export.yml" in text
    assert yaml.safe_load(text) == shipped("shopify_export")


def test_a_first_mapping_of_the_sample_needs_no_columns():
    mapping = yaml.safe_load(first_mapping(PROJECT / "sample"))["shop"]
    assert not any((mapping[table] or {}).get("columns") for table in ("orders", "customers"))
