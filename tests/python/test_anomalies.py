"""Anomalies: what was planted is found, ordinary shops are left alone, poor shops build."""

import duckdb
import pandas as pd
import pytest
from scipy.special import gammaln

from conftest import SAMPLE, Shop
from sample.generate import generate

# In the order in which they are built, with their schemas.
MODELS = {
    "int_order_sizes": "features",
    "int_order_speeds": "features",
    "int_order_addresses": "features",
    "int_return_rates": "features",
    "order_anomalies": "sales",
    "return_anomalies": "sales",
    "anomaly_coverage": "sales",
}
# None of them was looked at while the models were made.
SEEDS = (311, 312, 313, 314)
# The facts of a shop without faults, as far as the models read them.
FACTS = """
    create schema core; create schema staging; create schema features; create schema sales;
    create table core.dim_products as select * from '{raw}/products.parquet';
    create table written as
        select * exclude (unit_price, quantity, discount_amount, order_date),
            quantity::int as quantity, order_date::timestamp as ordered_at,
            quantity::int * coalesce(unit_price::decimal(18, 2), price, 0)
            - coalesce(discount_amount::decimal(18, 2), 0) as line_revenue,
            order_status = 'cancelled' as is_cancelled
        from read_csv('{raw}/orders.csv', all_varchar = true, quote = '"', escape = '"')
        left join core.dim_products using (product_id);
    create table core.fct_order_lines as
        select order_id, customer_id, product_id, quantity, line_revenue, is_cancelled from written;
    create table staging.stg_shop__orders as select order_id, shipping_address from written;
    create table core.fct_orders as
        select *, ordered_at::date as order_date,
            customer_id is not null and not is_cancelled and row_number() over (
                partition by customer_id, is_cancelled order by ordered_at, order_id) = 1
            as is_first_order
        from (select order_id, min(customer_id) as customer_id, min(ordered_at) as ordered_at,
            bool_and(is_cancelled) as is_cancelled,
            sum(line_revenue)::decimal(18, 2) as order_revenue from written group by 1);
    create table core.fct_returns as
        select return_id, order_id, customer_id, product_id, 1::decimal(18, 2) as refund_amount
        from read_csv('{raw}/returns.csv', all_varchar = true);
    create table staging.as_of_date as select max(ordered_at)::date + 1 as as_of_date from written;
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """Compile the models, once: their SQL by name."""
    shop = Shop(SAMPLE, tmp_path_factory.mktemp("compiled") / "shop.duckdb")
    shop.succeed("compile", "--no-introspect", "--select", *MODELS)
    folder = shop.target() / "compiled" / "clientele" / "models"
    return {name: next(folder.rglob(f"{name}.sql")).read_text() for name in MODELS}


@pytest.fixture
def find(compiled, tmp_path):
    """Build the models on a generated shop; returns the shop's connection and its folder."""
    connections = []

    def run(change="", **options):
        raw = tmp_path / str(len(connections))
        generate(raw, clean=True, **options)
        connection = duckdb.connect(str(raw / "shop.duckdb"))
        connections.append(connection)
        connection.execute(FACTS.format(raw=raw) + change)
        for name, schema in MODELS.items():
            connection.execute(f"create table {schema}.{name} as {compiled[name]}")
        return connection, raw

    yield run
    for connection in connections:
        connection.close()


def test_the_logarithm_of_gamma_is_right(tmp_path):
    shop = Shop(SAMPLE, tmp_path / "shop.duckdb")
    inline = (
        "select x, {{ log_gamma('x') }} from (select unnest([1e-3, 0.7, 1, 2.5, 40, 1e6]) as x)"
    )
    sql = shop.dbt("--quiet", "compile", "--no-introspect", "--inline", inline).stdout
    with duckdb.connect() as connection:
        for x, found in connection.execute(sql).fetchall():
            assert found == pytest.approx(gammaln(float(x)), abs=1e-8, rel=1e-9), x


def flagged(connection):
    """Return entity and id of all that is flagged."""
    return set(
        connection.execute(
            """select 'order', order_id from sales.order_anomalies
            union all select entity_type, entity_id from sales.return_anomalies"""
        ).fetchall()
    )


def test_planted_anomalies_are_found_on_shops_never_seen(find):
    found = []
    for seed in SEEDS:
        connection, raw = find(customers=1500, seed=seed, anomalies=True)
        truth = pd.read_csv(raw / "truth" / "anomalies.csv", dtype=str)
        planted = set(zip(truth.entity, truth.id, strict=True))
        kinds = dict(zip(zip(truth.entity, truth.id, strict=True), truth.kind, strict=True))
        for entity, id_ in planted | flagged(connection):
            found.append((seed, entity, kinds.get((entity, id_)), (entity, id_) in planted))
            found[-1] += ((entity, id_) in flagged(connection),)
    found = pd.DataFrame(found, columns=["seed", "entity", "kind", "is_planted", "is_flagged"])
    found["table"] = found.entity.where(found.entity == "order", "return")
    for (seed, table), rows in found.groupby(["seed", "table"]):
        recall = rows[rows.is_planted].is_flagged.mean()
        precision = rows[rows.is_flagged].is_planted.mean()
        print(f"{seed} {table}: recall {recall:.2f}, precision {precision:.2f}, {len(rows)} rows")
        assert recall >= 0.6 and precision >= 0.5, (seed, table)
    by_kind = found[found.is_planted].groupby("kind").is_flagged.mean()
    print(by_kind)
    assert (by_kind >= 0.4).all()


def test_a_shop_without_frauds_is_left_alone(find):
    for seed in SEEDS:
        connection, _ = find(customers=1500, seed=seed)
        ((orders,),) = connection.execute("select count(*) from core.fct_orders").fetchall()
        names = flagged(connection)
        assert len([1 for entity, _ in names if entity == "order"]) < 0.005 * orders
        assert len([1 for entity, _ in names if entity != "order"]) <= 3


def test_false_alarms_are_as_many_as_announced(find):
    """Over shops, no more ordinary orders are flagged than the table says, chance apart."""
    announced, ordinary = 0, 0
    for seed in SEEDS[:3]:
        connection, raw = find(customers=800, seed=seed, anomalies=True)
        truth = set(pd.read_csv(raw / "truth" / "anomalies.csv", dtype=str).id)
        ((expected,),) = connection.execute(
            "select coalesce(max(expected_false_alarm_count), 0) from sales.order_anomalies"
        ).fetchall()
        announced += expected
        ordinary += len({id_ for entity, id_ in flagged(connection) if entity == "order"} - truth)
    assert ordinary <= announced + 3 * announced**0.5


@pytest.mark.parametrize(
    "change",
    [
        "delete from core.fct_returns",
        "update staging.stg_shop__orders set shipping_address = null",
        "update core.fct_orders set ordered_at = order_date",
        """update core.fct_orders set customer_id = null, is_first_order = false;
        update core.fct_order_lines set customer_id = null;
        update core.fct_returns set customer_id = null""",
        "update core.fct_orders set is_cancelled = true;"
        "update core.fct_order_lines set is_cancelled = true",
        "delete from core.fct_orders; delete from core.fct_order_lines;"
        "delete from core.fct_returns; delete from core.dim_products",
        "delete from core.fct_orders where order_id > 'O0000001';"
        "delete from core.fct_order_lines where order_id > 'O0000001'",
        "update core.fct_orders set order_revenue = 0",
    ],
    ids=["returns", "addresses", "times", "customers", "sales", "rows", "orders", "prices"],
)
def test_a_shop_that_lacks_something_builds(find, change):
    connection, _ = find(change=change, customers=100)
    assert len(flagged(connection)) < 5
    # And says so of each way of judging, also where there is nothing to judge.
    ways = "select count(*), sum(flagged_count) from sales.anomaly_coverage"
    assert connection.execute(ways).fetchall() == [(6, len(flagged(connection)))]
