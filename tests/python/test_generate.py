"""The generator of the sample: equal bytes, a shop that behaves, faults that are counted."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest

SAMPLE = Path(__file__).parents[2] / "sample"
SCRIPT = SAMPLE / "generate.py"
SPEC = importlib.util.spec_from_file_location("sample_generate", SCRIPT)
shop = importlib.util.module_from_spec(SPEC)
sys.modules[SPEC.name] = shop
SPEC.loader.exec_module(shop)

CONTRACT = {
    "orders.csv": "order_id customer_id product_id quantity order_date shipping_address unit_price "
    "discount_amount order_status channel order_line_id updated_at",
    "customers.json": "customer_id name email city country registration_date loyalty_tier",
    "products.parquet": "product_id name category brand price cost",
    "inventory.csv": "product_id warehouse_id stock_quantity last_updated",
    "returns.csv": "return_id order_id customer_id product_id quantity return_date reason",
    "events.csv": "event_id customer_id session_id event_type event_at",
}
KEYS = {
    "orders": ("order_id, order_line_id", "updated_at"),
    "customers": ("customer_id", "registration_date"),
    "products": ("product_id", "brand"),
    "inventory": ("product_id, warehouse_id", "last_updated"),
    "returns": ("return_id", "return_date"),
    "events": ("event_id", "event_at"),
}
MISSING = "coalesce(trim({0}), '') = ''"
NO_COUNT = "coalesce(try_cast({0} as double), 0) <= 0 or try_cast({0} as double) % 1 > 0"
NO_AMOUNT = "{0} is not null and coalesce(try_cast({0} as decimal(18, 4)), -1) < 0"
NO_TIME = "try_cast({0} as timestamp) is null"
FUTURE = "try_cast({0} as timestamp) > timestamp '2090-01-01'"
# What staging rejects, written down a second time.
RULES = {
    "orders": {
        "missing_order_id": MISSING.format("order_id"),
        "missing_product_id": MISSING.format("product_id"),
        "invalid_quantity": NO_COUNT.format("quantity"),
        "invalid_order_date": NO_TIME.format("order_date"),
        "order_date_before_1990": "try_cast(order_date as timestamp) < timestamp '1990-01-01'",
        "future_date": FUTURE.format("order_date"),
        "invalid_unit_price": NO_AMOUNT.format("unit_price"),
        "invalid_discount_amount": NO_AMOUNT.format("discount_amount"),
    },
    "customers": {
        "malformed_row": "is_malformed",
        "missing_customer_id": "not is_malformed and " + MISSING.format("customer_id"),
        "invalid_registration_date": "not is_malformed and " + NO_TIME.format("registration_date"),
    },
    "products": {
        "missing_product_id": MISSING.format("product_id"),
        "invalid_price": NO_AMOUNT.format("price"),
        "invalid_cost": NO_AMOUNT.format("cost"),
    },
    "inventory": {
        "missing_product_id": MISSING.format("product_id"),
        "missing_warehouse_id": MISSING.format("warehouse_id"),
        "invalid_stock_quantity": "coalesce(try_cast(stock_quantity as int), -1) < 0",
        "invalid_last_updated": NO_TIME.format("last_updated"),
    },
    "returns": {
        "missing_return_id": MISSING.format("return_id"),
        "missing_product_id": MISSING.format("product_id"),
        "invalid_quantity": NO_COUNT.format("quantity"),
        "invalid_return_date": NO_TIME.format("return_date"),
        "future_date": FUTURE.format("return_date"),
    },
    "events": {
        "missing_event_id": MISSING.format("event_id"),
        "missing_event_type": MISSING.format("event_type"),
        "invalid_event_at": NO_TIME.format("event_at"),
        "future_date": FUTURE.format("event_at"),
    },
}


def read(folder: Path) -> duckdb.DuckDBPyConnection:
    """Return a connection with one table of text columns per file."""
    con = duckdb.connect()
    csv = "header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"'"
    for file, names in CONTRACT.items():
        name, _, ending = file.partition(".")
        path = folder / file
        if ending == "csv":
            query = f"select * from read_csv('{path}', {csv})"
        elif ending == "parquet":
            query = f"select columns(*)::varchar from '{path}'"
        else:
            fields = ", ".join(f"line ->> '$.{field}' as {field}" for field in names.split())
            query = f"""select {fields}, is_malformed from (
                select case when json_valid(text) then text end as line,
                    line is null as is_malformed
                from (select unnest(string_split(trim(content, chr(10)), chr(10))) as text
                from read_text('{path}')))"""
        con.execute(f"create table {name} as {query}")
    for path in folder.glob("truth/*"):
        source = f"read_csv('{path}', {csv})" if path.suffix == ".csv" else f"'{path}'"
        con.execute(f"create table {path.stem} as from {source}")
    return con


def scalar(con: duckdb.DuckDBPyConnection, query: str) -> float:
    """Return the one value of a query."""
    (value,) = con.execute(query).fetchone()
    return value


def count(con: duckdb.DuckDBPyConnection, rows: str) -> int:
    """Return the number of rows that follow the word `from`."""
    return scalar(con, f"select count(*) from {rows}")


def file_of(entity: str) -> str:
    """Return the file of an entity."""
    return next(file for file in CONTRACT if file.startswith(entity))


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a small shop with its faults and truth."""
    folder = tmp_path_factory.mktemp("dirty")
    shop.generate(folder, customers=1500, truth=True)
    return folder


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the same shop without faults."""
    folder = tmp_path_factory.mktemp("clean")
    shop.generate(folder, customers=1500, clean=True, truth=True)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_same_arguments_write_the_same_bytes(dirty: Path, tmp_path: Path) -> None:
    """Every file is reproducible, the Parquet files too."""
    shop.generate(tmp_path, customers=1500, truth=True)
    assert contents(tmp_path) == contents(dirty)
    assert len(contents(dirty)) == 9


def test_another_seed_writes_another_shop(dirty: Path, tmp_path: Path) -> None:
    """The seed reaches every file."""
    shop.generate(tmp_path, customers=1500, seed=8)
    ours, theirs = contents(tmp_path), contents(dirty)
    assert all(ours[file] != theirs[file] for file in CONTRACT)


def test_the_committed_sample_is_what_the_generator_writes(tmp_path: Path) -> None:
    """The sample is neither edited by hand nor out of date."""
    shop.generate(tmp_path)
    for file in CONTRACT:
        ours, theirs = tmp_path / file, SAMPLE / file
        if ours.suffix == ".parquet":  # its bytes name the version of the writer
            pd.testing.assert_frame_equal(
                duckdb.execute(f"from '{ours}'").df(), duckdb.execute(f"from '{theirs}'").df()
            )
        else:
            assert ours.read_bytes() == theirs.read_bytes(), f"{file}: run sample/generate.py"
    assert sum((SAMPLE / file).stat().st_size for file in CONTRACT) < 5_000_000
    assert 20_000 < count(read(SAMPLE), "orders") < 30_000


def test_planted_anomalies_leave_the_rest_of_the_shop_alone(clean: Path, tmp_path: Path) -> None:
    """Frauds are orders that exist; all other orders are those of the shop without them."""
    shop.generate(tmp_path, customers=1500, clean=True, anomalies=True)
    con, plain = read(tmp_path), read(clean)
    assert (
        count(con, "anomalies where entity = 'order' and id not in (from orders select order_id)")
        == 0
    )
    assert {kind for (kind,) in con.execute("select distinct kind from anomalies").fetchall()} == {
        *("new_customer", "bulk", "burst", "takeover", "returner", "faulty_product"),
    }
    query = "select {} from orders where order_id not in ({}) order by all"
    frauds = [
        id_ for (id_,) in con.execute("select id from anomalies where entity = 'order'").fetchall()
    ]
    listed = ", ".join(f"'{id_}'" for id_ in frauds)
    columns = CONTRACT["orders.csv"].replace(" ", ", ")
    rest = con.execute(query.format(columns, listed)).fetchall()
    assert rest == plain.execute(query.format(columns, listed)).fetchall()


def test_columns_are_the_contract(clean: Path) -> None:
    """Names, order, types and the hard cases of the text."""
    con = read(clean)
    for file, names in CONTRACT.items():
        if file.endswith(".json"):
            line = (clean / file).read_text().splitlines()[0]
            found = [
                name for (name,) in con.execute("select unnest(json_keys(?))", [line]).fetchall()
            ]
        else:
            found = con.table(file.partition(".")[0]).columns
        assert found == names.split(), file
    types = dict(
        con.execute(
            f"select column_name, column_type from (describe '{clean}/products.parquet')"
        ).fetchall()
    )
    assert types["product_id"] == "VARCHAR" and types["price"] == types["cost"] == "DECIMAL(18,2)"
    assert scalar(con, "select bool_and(regexp_full_match(product_id, '\\d{5}')) from orders")
    assert scalar(con, "select bool_or(product_id like '000%') from products")
    assert scalar(
        con,
        r"""select bool_and(regexp_full_match(order_date, '\d{4}-\d\d-\d\d \d\d:\d\d:\d\d'))
        from orders""",
    )
    for text in (",", '"', "\n", "ß"):
        assert count(con, f"orders where contains(shipping_address, '{text}')")


@pytest.mark.parametrize("entity", RULES)
def test_every_planted_row_breaks_its_rule_and_no_other(
    dirty: Path, clean: Path, entity: str
) -> None:
    """Faults counted from the files equal the faults noted."""
    con, spotless = read(dirty), read(clean)
    broken = " + ".join(f"coalesce(({predicate})::int, 0)" for predicate in RULES[entity].values())
    assert scalar(con, f"select max({broken}) from {entity}") == 1
    assert scalar(spotless, f"select max({broken}) from {entity}") == 0
    planted = dict(
        con.execute(
            f"select rule, sum(copies::int) from faults where entity = '{entity}' group by rule"
        ).fetchall()
    )
    found = {
        rule: count(con, f"(select distinct * from {entity}) where {predicate}")
        for rule, predicate in RULES[entity].items()
        if rule != "malformed_row"
    }
    if entity == "customers":
        found["malformed_row"] = count(con, "customers where is_malformed")
        con.execute("delete from customers where is_malformed")
    rows = count(con, entity)
    found["duplicate"] = rows - count(con, f"(select distinct * from {entity})")
    if entity in KEYS:
        found["superseded"] = scalar(
            con,
            f"""select count(*) - count(distinct ({KEYS[entity][0]}))
            from (select distinct * from {entity}) where ({broken}) = 0""",
        )
    assert found == planted
    assert set(planted) == set(shop.TABLES[list(CONTRACT).index(file_of(entity))].faults)
    assert count(spotless, "faults") == 0


@pytest.mark.parametrize("entity", RULES)
def test_the_clean_shop_is_whole_under_the_dirt(dirty: Path, clean: Path, entity: str) -> None:
    """Dirt adds rows and spellings; it changes no fact."""

    def normalised(folder: Path) -> pd.DataFrame:
        con = read(folder)
        folded = "trim(translate({}, 'Ｃ０１２３４５６７８９', 'C0123456789'))"
        sound = " and ".join(f"coalesce(not ({rule}), true)" for rule in RULES[entity].values())
        columns = ", ".join(
            {
                "order_id": "upper(order_id) as order_id",
                "customer_id": f"upper({folded.format('customer_id')})",
                "product_id": folded.format("product_id"),
                "quantity": "quantity::double::int",
                "email": "lower(trim(email))",
                "updated_at": "null as updated_at",  # of lines sent once more
            }.get(column, column)
            for column in CONTRACT[file_of(entity)].split()
        )
        newest = ""
        if entity in KEYS:
            key, moment = KEYS[entity]
            newest = f"""qualify row_number() over (
                partition by {key} order by {moment} desc nulls last) = 1"""
        return con.execute(
            f"""select {columns} from (select distinct * from {entity} where {sound} {newest})
            order by all"""
        ).df()

    pd.testing.assert_frame_equal(normalised(dirty), normalised(clean))


def test_spellings_are_planted(dirty: Path) -> None:
    """Every harmless spelling occurs."""
    con = read(dirty)
    for condition in (
        "customer_id <> trim(customer_id)",
        "customer_id like 'c%'",
        "customer_id like 'Ｃ%'",
        "product_id like '０%'",
        "order_id like 'o%'",
        "quantity like '%.0'",
    ):
        assert count(con, f"orders where {condition}"), condition
    assert count(con, "customers where email <> lower(trim(email))")


def test_references_hold(clean: Path) -> None:
    """Returns name real lines; few customers and products are unknown."""
    con = read(clean)
    unfounded = """returns where order_id is not null and not exists (
        from orders where orders.order_id = returns.order_id
        and orders.product_id = returns.product_id and orders.order_status = 'completed'
        and orders.customer_id is not distinct from returns.customer_id
        and returns.return_date > orders.order_date
        and returns.quantity::int between 1 and orders.quantity::int)"""
    assert count(con, unfounded) == 0
    assert count(con, "returns where order_id is null") > 0
    for entity, key in (("customers", "customer_id"), ("products", "product_id")):
        absent = f"""select count(distinct {key}) / (select count(*) from {entity}) from orders
            where {key} is not null and {key} not in (select {key} from {entity})"""
        assert 0 < scalar(con, absent) < 0.05, entity
    buyers = "select count(distinct customer_id) as buyers from orders group by order_id"
    assert scalar(con, f"select max(buyers) from ({buyers})") == 1
    guests = scalar(con, "select avg((customer_id is null)::int) from orders")
    assert 0.005 < guests < 0.03
    per_product = "select count(distinct warehouse_id) as n from inventory group by product_id"
    assert scalar(con, f"select min(n) from ({per_product})") == 3
    assert count(con, "inventory where stock_quantity = '0'")
    for entity, (key, _) in KEYS.items():
        assert scalar(con, f"select count(*) = count(distinct ({key})) from {entity}"), entity
    split = "select count(distinct ({})) from orders"
    assert scalar(con, split.format("order_id, product_id")) < count(con, "orders")
    assert scalar(con, split.format("order_id, product_id, quantity")) == count(con, "orders")


def test_prices_and_discounts(clean: Path) -> None:
    """Prices move, discounts stay below the total, some love them."""
    con = read(clean)
    total = "quantity::int * unit_price::decimal(18, 2)"
    assert count(con, f"orders where discount_amount::decimal(18, 2) > {total}") == 0
    assert 0.005 < scalar(con, "select avg((unit_price is null)::int) from orders") < 0.02
    changes = "select count(distinct unit_price) as prices from orders group by product_id"
    assert scalar(con, f"select avg(prices) from ({changes})") > 2
    lovers = """select avg((share > 0.4)::int) from (
        select avg((discount_amount is not null)::int) as share from orders
        where customer_id is not null group by customer_id having count(distinct order_id) > 7)"""
    assert 0.1 < scalar(con, lovers) < 0.3


def test_season_and_growth_are_visible(clean: Path) -> None:
    """December towers over September, each year over the last."""
    con = read(clean)
    orders = dict(
        con.execute(
            "select order_date[:7], count(distinct order_id) from orders group by 1"
        ).fetchall()
    )
    assert min(orders) == "2023-01" and max(orders) == "2025-06"
    for year in ("2023", "2024"):
        assert orders[f"{year}-12"] > 1.5 * orders[f"{year}-09"]
    assert orders["2025-01"] < 0.8 * orders["2024-12"]
    assert orders["2024-06"] > 1.5 * orders["2023-06"]
    newcomers = "customers_truth where acquired_at {} timestamp '2024-04-01'"
    assert count(con, newcomers.format(">=")) > 1.2 * count(con, newcomers.format("<"))


def test_nobody_orders_after_the_drop_out_and_the_living_do(clean: Path) -> None:
    """The truth about drop-out is what the orders show."""
    con = read(clean)
    con.execute("""create table last_orders as select customer_id,
        max(order_date::timestamp) as last_at,
        min(order_date::timestamp) as first_at
        from orders where customer_id is not null group by customer_id""")
    con.execute(
        "create table judged as from customers_truth left join last_orders using (customer_id)"
    )
    assert count(con, "judged where acquired_at is distinct from first_at") == 0
    assert count(con, "judged where not is_alive_at_end and alive_until <> last_at") == 0
    assert count(con, "judged where is_alive_at_end <> (alive_until is null)") == 0
    share = """select avg((last_at >= timestamp '2025-01-01')::int) from judged
        where purchase_rate > 0.01 and {}"""
    assert scalar(con, share.format("is_alive_at_end")) > 0.85
    assert scalar(con, share.format("alive_until < timestamp '2025-01-01'")) == 0


def test_rates_differ_between_customers(clean: Path) -> None:
    """Purchase rates are Gamma, and orders follow them."""
    con = read(clean)
    con.execute("""create table rated as select purchase_rate, dropout_probability,
        count(distinct order_id) as orders from customers_truth join orders using (customer_id)
        where acquired_at < timestamp '2024-01-01' and is_alive_at_end group by all""")
    assert scalar(con, "select var_samp(orders) / avg(orders) from rated") > 5  # Poisson: 1
    assert scalar(con, "select corr(purchase_rate, orders) from rated") > 0.8
    mean, variance = con.execute(
        "select avg(purchase_rate), var_samp(purchase_rate) from customers_truth"
    ).fetchone()
    assert mean == pytest.approx(shop.RATE_MEAN, rel=0.1)
    assert mean**2 / variance == pytest.approx(shop.RATE_SHAPE, rel=0.25)


def test_the_true_probability_of_silence_comes_true(clean: Path) -> None:
    """The formula of the generator's docstring is calibrated."""
    con = read(clean)
    day, horizon = "date '2024-10-15'", 90
    con.execute(f"""create table judged as with
        pace as (select max(operational_day) - min(operational_day) as days from clock_truth
            where date in ({day}, {day} + {horizon})),
        orders_within as (select distinct customer_id from orders where order_status <> 'cancelled'
            and order_date::timestamp >= {day} and order_date::timestamp < {day} + {horizon}),
        known as (select customer_id, purchase_rate * days as mean,
            1 - {shop.CANCELLED} * (1 - dropout_probability) as q,
            alive_until is null or alive_until >= {day} as is_alive
            from customers_truth, pace where acquired_at < {day})
        select is_alive, mean, orders_within.customer_id is null as is_silent,
            case when is_alive then 1 - {1 - shop.CANCELLED} / q * (1 - exp(-q * mean)) else 1 end
                as probability
        from known left join orders_within using (customer_id)""")
    assert count(con, "judged where not is_alive and not is_silent") == 0
    fifths = con.execute("""select count(*) as n, avg(probability) as expected,
            avg(is_silent::int) as seen
        from (select *, ntile(5) over (order by probability) as fifth from judged where is_alive)
        group by fifth""").df()
    error = (fifths.expected * (1 - fifths.expected) / fifths.n) ** 0.5
    assert ((fifths.expected - fifths.seen).abs() < 3.5 * error).all(), fifths
    assert fifths.expected.max() - fifths.expected.min() > 0.6


def test_browsing_fades_before_the_drop_out(clean: Path) -> None:
    """Events warn of a drop-out."""
    con = read(clean)
    con.execute("""create table fading as select
        date_diff('day', event_at::timestamp, alive_until) as ahead
        from events join customers_truth using (customer_id)
        where alive_until between acquired_at + interval 100 days and timestamp '2025-02-01'""")
    far, near, after = (
        count(con, f"fading where ahead between {days}")
        for days in ("61 and 90", "1 and 30", "-31 and -2")
    )
    assert far > 1.5 * near > 1.5 * after > 0


def test_blocks_join_into_one_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shop larger than a block has no seams."""
    monkeypatch.setattr(shop, "BLOCK", 100)
    shop.generate(tmp_path, customers=350, clean=True, truth=True)
    con = read(tmp_path)
    for entity, (key, _) in KEYS.items():
        assert scalar(con, f"select count(*) = count(distinct ({key})) from {entity}"), entity
    assert count(con, "orders where order_id = 'order_id'") == 0
    assert scalar(con, "select count(distinct order_id) = max(order_id[2:]::int) from orders")
    buyers = "select count(distinct customer_id) as buyers from orders group by order_id"
    assert scalar(con, f"select max(buyers) from ({buyers})") == 1
    assert scalar(con, "select max(customer_id) from customers_truth") >= "C000345"
    assert not list(tmp_path.glob("*.part"))


def test_command_line(tmp_path: Path) -> None:
    """Options work, and wrong ones are refused."""

    def run(*arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, SCRIPT, "--out", tmp_path, *arguments], capture_output=True, text=True
        )

    assert run("--lines", "3000", "--months", "12", "--clean").returncode == 0
    con = read(tmp_path)
    assert scalar(con, "select max(order_date) from orders")[:7] == "2023-12"
    assert count(con, "customers") == pytest.approx(240, abs=10)
    assert not (tmp_path / "truth").exists()
    for wrong in (["--lines", "0"], ["--customers", "ten"], ["--lines", "9", "--customers", "9"]):
        refused = run(*wrong)
        assert refused.returncode == 2 and "usage" in refused.stderr
