"""The whole build on real files: the same input gives the same tables, and no row gets lost."""

import csv
import io
import json
import random
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from dbt.cli.main import dbtRunner

from conftest import RAW_FILES, SAMPLE, WITHOUT_TRAINING, Shop, assert_same_tables
from sample.generate import generate

# A build of some models, with the tests that need no other.
SELECT = ["--indirect-selection", "cautious", "--select"]
STAGING = [*SELECT, "+path:models/staging"]


def shuffle(shop, seed=11):
    """Put the records of every raw file into another order."""
    with duckdb.connect() as connection:
        connection.execute(f"select setseed({seed / 100})")
        connection.execute(
            f"copy (from '{shop.raw}/products.parquet' order by random()) "
            f"to '{shop.raw}/products.parquet.new' (format parquet)"
        )
    (shop.raw / "products.parquet.new").replace(shop.raw / "products.parquet")
    order = random.Random(seed)
    for name in [name for name in RAW_FILES if not name.endswith(".parquet")]:
        path = shop.raw / name
        if path.suffix == ".csv":
            header, *records = csv.reader(io.StringIO(path.read_text(), newline=""))
            order.shuffle(records)
            with path.open("w", newline="") as file:
                csv.writer(file).writerows([header, *records])
        else:
            lines = path.read_text().splitlines()
            order.shuffle(lines)
            path.write_text("\n".join(lines) + "\n")


def test_the_same_input_in_another_order_and_on_one_thread_gives_the_same_tables(sample, make_shop):
    again = make_shop("again")
    shuffle(again)

    def run_anew(arguments, **options):
        """Run dbt in a process that hashes texts by a seed of its own."""
        command = [Path(sys.executable).parent / "dbt", *arguments]
        return subprocess.run(command, capture_output=True, text=True, **options)

    assert_same_tables(sample.tables(), again.build(threads=1, run=run_anew).tables())


def test_every_planted_fault_is_rejected_by_its_rule_and_nothing_else_is(tmp_path):
    generate(tmp_path / "raw", customers=400, seed=3, truth=True)
    generate(tmp_path / "clean", customers=400, seed=3, clean=True)
    shop = Shop(tmp_path / "raw", tmp_path / "raw" / "shop.duckdb").build(
        *STAGING, "+data_quality_summary", "+fct_orders"
    )
    planted = duckdb.sql(
        f"""
        select entity, rule, sum(copies)::bigint from '{shop.raw}/truth/faults.csv'
        group by all order by all
        """
    ).fetchall()
    found = shop.query(
        """
        select entity, replace(rule, 'exact_', ''), count(*) from staging.rejected_rows
        group by all order by all
        """
    )
    assert found == planted
    duplicates = "select sum(copies)::bigint from '{}' where rule = 'duplicate'"
    assert (
        shop.query("select sum(duplicate_count)::bigint from monitoring.data_quality_summary")
        == duckdb.sql(duplicates.format(shop.raw / "truth/faults.csv")).fetchall()
    )
    clean = Shop(tmp_path / "clean", tmp_path / "clean" / "shop.duckdb").build(
        *STAGING, "+data_quality_summary", "+fct_orders"
    )
    revenue = "select sum(order_revenue), count(*) from core.fct_orders"
    assert clean.query("select count(*) from staging.rejected_rows") == [(0,)]
    assert clean.query(revenue)[0][1] <= shop.query(revenue)[0][1]


@pytest.mark.parametrize(
    "keep",
    [
        pytest.param("false", id="no_orders"),
        pytest.param("upper(trim(customer_id)) = 'C000007'", id="one_customer"),
        pytest.param("order_date like '2024-11-29%'", id="one_day"),
    ],
)
def test_the_smallest_shops_build(make_shop, keep):
    shop = make_shop(files=[name for name in RAW_FILES if name != "events.csv"])
    duckdb.sql(
        f"""
        copy (
            select * from read_csv('{SAMPLE}/orders.csv', all_varchar = true) where {keep}
        ) to '{shop.raw}/orders.csv' (header)
        """
    )
    shop.build()
    orders, rfm = shop.query(
        """
        select count(distinct order_id) from staging.stg_shop__orders
        union all
        select count(*) from core.fct_orders
        """
    )
    assert orders == rfm


def test_a_past_day_is_replayed_exactly(make_shop):
    day = "2024-07-01"
    replay = make_shop("replay").build(*WITHOUT_TRAINING, shop_vars={"as_of_date": day})
    past = make_shop("past")
    # No stock was counted before that day: counts that nobody can date would be all there is of it,
    # and a table of which no row is accepted stops a build.
    with duckdb.connect() as connection:
        for name, column in [
            ("orders", "order_date"),
            ("orders", "updated_at"),
            ("inventory", "last_updated"),
            ("returns", "return_date"),
            ("events", "event_at"),
        ]:
            connection.execute(
                f"""
                copy (
                    select * from read_csv('{past.raw}/{name}.csv', all_varchar = true)
                    where coalesce(try_cast({column} as timestamp) < '{day}', {name != "inventory"})
                ) to '{past.raw}/{name}.new' (header)
                """
            )
            (past.raw / f"{name}.new").replace(past.raw / f"{name}.csv")
    customers = (past.raw / "customers.json").read_text().splitlines()
    later = re.compile(r'"registration_date": ?"(\d{4}-\d\d-\d\d)')
    (past.raw / "customers.json").write_text(
        "".join(
            f"{line}\n"
            for line in customers
            if not (found := later.search(line)) or found.group(1) < day
        )
    )
    past.build(*WITHOUT_TRAINING, shop_vars={"as_of_date": day})
    schemas = ("core", "customers", "sales", "features")
    unlike = ("core.customers_history", "core.products_history")
    tables = [
        {name: rows for name, rows in shop.tables(schemas).items() if name not in unlike}
        for shop in (past, replay)
    ]
    assert_same_tables(*tables)
    left_out = "select sum(left_out_count) from monitoring.data_quality_summary"
    assert past.query(left_out) == [(0,)]
    assert replay.query(left_out)[0][0] > 1000


def test_replaying_a_past_day_leaves_the_history_alone(make_shop):
    history_alone = [*SELECT, "+customers_history"]
    shop = make_shop().build(*history_alone)
    history = shop.tables(["core"])["core.customers_history"]
    shop.build(*history_alone, shop_vars={"as_of_date": "2024-07-01"}).build(*history_alone)
    assert shop.tables(["core"])["core.customers_history"] == history


def test_a_withdrawn_consent_is_a_version_of_its_own(make_shop):
    """Also in a history that an older release kept without it."""
    shop = make_shop(files=["products.parquet", "inventory.csv"])
    history = [*SELECT, "+customers_history", "+products_history"]
    (shop.raw / "orders.csv").write_text(
        "order_id,customer_id,product_id,quantity,order_date\no1,c1,p1,2,2024-01-01\n"
    )

    def versions(*consents):
        rows = enumerate(consents, start=1)
        (shop.raw / "customers.json").write_text(
            "".join(f'{{"customer_id": "c{n}", "accepts_marketing": {yes}}}\n' for n, yes in rows)
        )
        return shop.build(*history).query(
            "select customer_id, accepts_marketing, dbt_valid_to is null"
            " from core.customers_history order by all"
        )

    assert versions("true", "true") == [("C1", True, True), ("C2", True, True)]
    withdrawn = [("C1", False, True), ("C1", True, False), ("C2", True, True)]
    assert versions("false", "true") == withdrawn
    assert versions("false", "true") == withdrawn
    with duckdb.connect(str(shop.database)) as connection:
        connection.execute("alter table core.customers_history drop column accepts_marketing")
    before = [("C1", None, False), ("C1", None, False), ("C2", None, False)]
    assert versions("false", "true") == [
        ("C1", False, True), *before[:2], ("C2", True, True), *before[2:],
    ]  # fmt: skip


def test_lines_without_a_price_take_the_price_of_their_day(make_shop):
    shop = make_shop(files=["inventory.csv"])
    orders = shop.raw / "orders.csv"
    header = "order_id,customer_id,product_id,quantity,order_date,unit_price\n"

    def product(price):
        duckdb.sql(f"copy (select 'p1' as product_id, {price} as price, 1 as cost) "
                   f"to '{shop.raw}/products.parquet' (format parquet)")  # fmt: skip

    (shop.raw / "customers.json").write_text('{"customer_id": "c1"}\n')
    product("5.00")
    orders.write_text(header + "o1,c1,p1,2,2024-01-01 10:00:00,\n")
    shop.build(*SELECT, "+fct_order_lines")
    product("7.00")
    orders.write_text(
        header
        + "o1,c1,p1,2,2024-01-01 10:00:00,\n"
        + "o2,c1,p1,2,2024-01-05,\n"
        + "o3,c1,p1,2,2024-01-05,9\n"
    )
    shop.build(*SELECT, "+fct_order_lines")
    orders.write_text(orders.read_text() + "o4,c1,p1,1,2024-01-06,\n")
    shop.build(*SELECT, "+fct_order_lines")
    revenue = shop.query("select order_id, line_revenue from core.fct_order_lines order by 1")
    # The second price was first seen on the day after o3: the first one held until then.
    assert [(order, float(money)) for order, money in revenue] == [
        ("O1", 10), ("O2", 10), ("O3", 18), ("O4", 7)
    ]  # fmt: skip
    assert shop.query("select count(*) from core.products_history") == [(2,)]


def test_malformed_lines_are_rejected_with_their_text(make_shop):
    shop = make_shop()
    clean = shop.build(*STAGING).query("select count(*) from staging.stg_shop__orders")
    with (shop.raw / "orders.csv").open("ab") as file:
        file.write(b"O9,C000001,00001\n")
        file.write(b"O9,C000001,00001,1,2024-01-01,,1.00,,completed,web,1,,surplus\n")
        file.write(b'O9,C000001,00001,1,2024-01-01,"quoted"text,1.00,,completed,web,1,\n')
        file.write(b"O9,C000001,00001,1,2024-01-01,caf\xe9,1.00,,completed,web,1,\n")
    with (shop.raw / "customers.json").open("a") as file:
        file.write('["no object"]\n')
    # Nothing else is wrong with this file.
    with (shop.raw / "inventory.csv").open("ab") as file:
        file.write(b"00001,W\xfc,1,2024-01-01\n")
    shop.build(*STAGING)
    rejected = shop.query(
        """
        select entity, raw_record from staging.rejected_rows
        where rule = 'malformed_row'
            and regexp_matches(raw_record, 'O9,|no object|00001,W')
        """
    )
    assert sorted(entity for entity, _ in rejected) == ["customers", "inventory"] + ["orders"] * 4
    assert all(json.loads(record)["landing_record"] for _, record in rejected)
    assert shop.query("select count(*) from staging.stg_shop__orders") == clean


def test_the_largest_numbers_build_and_larger_ones_are_rejected(make_shop):
    shop = make_shop()
    with (shop.raw / "orders.csv").open("a") as file:
        # A wholesaler's order, again and again; then slips of the keyboard.
        for day in range(1, 9):
            file.write(
                f"L{day},C000001,00001,9999999,2024-0{day}-01,,999999.99,,completed,web,1,\n"
            )
        file.write("M1,C000001,00001,999999,2024-09-01,,999999999,,completed,web,1,\n")
        file.write("L91,C000001,00001,10000000,2024-01-01,,1.00,,completed,web,1,\n")
        file.write("L92,C000001,00001,1,2024-01-01,,1000000000,,completed,web,1,\n")
        file.write("L93,C000001,00001,99999999999999999999999,2024-01-01,,1.00,,completed,web,1,\n")
    shop.build()
    ((revenue,),) = shop.query(
        "select sum(order_revenue) from core.fct_orders where order_id like 'L%'"
    )
    assert revenue == 8 * 9999999 * Decimal("999999.99")
    rules = shop.query(
        "select record_key, rule from staging.rejected_rows where record_key like 'L9%' order by 1"
    )
    assert [rule for _, rule in rules] == [
        "invalid_quantity",
        "invalid_unit_price",
        "invalid_quantity",
    ]


def test_a_file_full_of_cut_records_is_read_as_far_as_it_goes(make_shop):
    shop = make_shop()
    lines = (shop.raw / "orders.csv").read_bytes().splitlines(keepends=True)
    # Records that hold a line break lose their second half, and with it the closing quote.
    (shop.raw / "orders.csv").write_bytes(
        lines[0] + b"".join(line for line in lines[1:] if line.startswith(b"O"))
    )
    shop.build(*WITHOUT_TRAINING)
    ((accepted,),) = shop.query("select count(*) from staging.stg_shop__orders")
    assert accepted > 0.9 * len(lines)


@pytest.mark.parametrize(
    ("prepare", "shop_vars", "names"),
    [
        pytest.param(
            lambda raw: (raw / "orders.csv").unlink(),
            None,
            ["orders", "not found", "CLIENTELE_RAW_DIR"],
            id="missing_file",
        ),
        pytest.param(
            lambda raw: (raw / "orders.csv").write_text("order_id,customer_id,quantity\n"),
            None,
            ["product_id", "orders.csv", "is missing"],
            id="missing_column",
        ),
        pytest.param(
            lambda raw: (raw / "inventory.csv").write_text(""),
            None,
            ["inventory.csv is empty", "header"],
            id="empty_file",
        ),
        pytest.param(
            lambda raw: None,
            {"as_of_date": "yesterday"},
            ["yesterday", "YYYY-MM-DD"],
            id="as_of_date",
        ),
        pytest.param(
            lambda raw: None,
            {"as_of_date": "2024-02-30"},
            ["2024-02-30"],
            id="impossible_as_of_date",
        ),
        pytest.param(
            lambda raw: None, {"shop": {"order": {}}}, ["'order'", "orders"], id="unknown_table"
        ),
        pytest.param(
            lambda raw: None,
            {"shop": {"orders": {"colums": {}}}},
            ["'colums'", "columns"],
            id="unknown_setting",
        ),
        pytest.param(
            lambda raw: None,
            {"shop": {"orders": {"columns": {"id": "x"}}}},
            ["'id'", "order_id"],
            id="unknown_column",
        ),
    ],
)
def test_a_wrong_shop_fails_at_once_with_one_clear_sentence(make_shop, prepare, shop_vars, names):
    shop = make_shop()
    prepare(shop.raw)
    result = shop.dbt("build", shop_vars=shop_vars)
    assert result.returncode != 0
    assert all(name in result.stdout for name in names), result.stdout[-2000:]
    assert "Traceback" not in result.stdout
    if shop.database.exists():
        built = "select 1 from information_schema.tables where table_schema in ('staging', 'core')"
        assert not shop.query(built)


@pytest.mark.parametrize("name", ["main", "core"])
def test_a_database_called_as_a_schema_is_refused(make_shop, name):
    shop = make_shop()
    shop.database = shop.database.with_name(f"{name}.duckdb")
    result = shop.dbt("build")
    assert result.returncode != 0
    assert f"called '{name}'" in result.stdout, result.stdout[-2000:]
    assert "another file name" in result.stdout


def test_a_shop_of_another_shape_is_read_through_its_mapping(make_shop):
    shop = make_shop(files=[])
    (shop.raw / "sales.csv").write_text(
        "Nr;Kunde;Artikel;Menge;Datum;Preis\n"
        "0001;k1;a1;2;31.12.2024;3,50\n"
        "0002;;a1;1;30.12.2024;3,50\n"
        "0003;k1;porto;1;30.12.2024;4,90\n"
        "0004;k1;a1;1;30.12.2023;3,50\n"
    )
    (shop.raw / "articles.jsonl").write_text('{"sku": "a1", "label": "Äpfel"}\n')
    day = "substr(Datum, 7, 4) || '-' || substr(Datum, 4, 2) || '-' || substr(Datum, 1, 2)"
    shop.build(
        *WITHOUT_TRAINING,
        shop_vars={
            "shop": {
                "orders": {
                    "relation": "sales",
                    "delimiter": ";",
                    "filter": "Datum like '%.2024'",
                    "reject": {"not_a_product": "Artikel = 'porto'"},
                    "columns": {
                        "order_id": "Nr",
                        "customer_id": "Kunde",
                        "product_id": "Artikel",
                        "quantity": "Menge",
                        "order_date": day,
                        "unit_price": "replace(Preis, ',', '.')",
                    },
                },
                "products": {
                    "relation": "articles",
                    "columns": {"product_id": "sku", "name": "label"},
                },
                "customers": {
                    "relation": "sales",
                    "delimiter": ";",
                    "distinct": True,
                    "filter": "Kunde is not null",
                    "columns": {"customer_id": "Kunde"},
                },
                "inventory": {"relation": None},
            }
        },
    )
    assert shop.query("select order_id, customer_id from core.fct_orders order by 1") == [
        ("0001", "K1"),
        ("0002", None),
    ]
    assert shop.query("select rule from staging.rejected_rows") == [("not_a_product",)]
    assert shop.query("select product_name from core.dim_products") == [("Äpfel",)]


def test_a_built_model_is_exported_whole(sample):
    def export(model, output="csv"):
        arguments = f"{{model: {model}, format: {output}}}"
        return sample.dbt("--quiet", "run-operation", "export", "--args", arguments)

    rows = list(csv.DictReader(io.StringIO(export("dim_products").stdout)))
    stored = sample.query("select product_id, product_name from core.dim_products order by 1")
    # Ids keep their leading zeros, names their quotes and commas.
    assert [(row["product_id"], row["product_name"] or None) for row in rows] == stored
    metrics = json.loads(export("model_scorecard", "json").stdout)
    auc = dict(sample.query("select model, auc from monitoring.model_scorecard"))
    assert {row["model"]: row["auc"] for row in metrics} == pytest.approx(auc)
    for arguments, names in [
        (("no_model",), "There is no model 'no_model' to export"),
        (("dim_products", "xml"), "Format 'xml' is not known"),
    ]:
        failed = export(*arguments)
        assert failed.returncode != 0 and names in failed.stdout


def test_the_stages_hold_every_model_once_and_need_only_those_before(tmp_path):
    options = ["--target", "duckdb", "--target-path", str(tmp_path)]
    manifest = dbtRunner().invoke(["--quiet", "parse", *options]).result
    listing = ["--quiet", "ls", "--resource-type", "model", "--output", "name", *options]
    stages = ["etl", "train", "predict", "publish", "evaluate"]
    stage_of = {}
    for place, stage in enumerate(stages):
        for name in dbtRunner(manifest).invoke([*listing, "--selector", stage]).result:
            assert stage_of.setdefault(name, place) == place
    models = {node.name: node for node in manifest.nodes.values() if node.resource_type == "model"}
    assert stage_of.keys() == models.keys()
    for name, node in models.items():
        needed = [manifest.nodes[one].name for one in node.depends_on.nodes if "model." in one]
        assert all(stage_of[one] <= stage_of[name] for one in needed), name
