"""What is left of stock, and forecasts of it, held against demand that was drawn."""

import re
import shutil
from statistics import NormalDist

import duckdb
import numpy as np
import pandas as pd
import pytest

DAYS = 90
HORIZONS = (7, 14, 28)


@pytest.fixture(scope="module")
def compiled(sample):
    """Compile the stock models; returns what gives the SQL of one by its path."""
    sample.succeed("compile", "--select", "stockout_forecast", "int_product_demand")
    models = sample.target() / "compiled" / "clientele" / "models"
    return lambda path: (models / f"{path}.sql").read_text()


def shop_of(draws, stock, compiled):
    """Forecast the stock of products whose daily sales are the rows of `draws`."""
    products = [f"P{place:05d}" for place in range(len(draws))]
    lines = pd.DataFrame(draws, index=products).stack().rename("quantity").reset_index()
    lines.columns = ["product_id", "age", "quantity"]
    lines = lines[lines["quantity"] > 0]
    with duckdb.connect() as connection:
        database = compiled("intermediate/int_product_demand").split('"')[1]
        connection.execute(f'attach \':memory:\' as "{database}"; use "{database}"')
        for schema in ("staging", "core", "features"):
            connection.execute(f"create schema {schema}")
        connection.register("lines", lines)
        connection.register("stocks", pd.DataFrame({"product_id": products, "stock": stock}))
        connection.execute(
            f"""
            create table staging.as_of_date as select date '2025-07-01' as as_of_date;
            create table core.dim_products as
                select product_id, product_id as product_name, 'a' as category, 'b' as brand,
                    1.0 as unit_cost from stocks;
            create table features.int_product_stock as
                select product_id, 0 as days_since_count, cast(stock as bigint) as stock_quantity,
                    cast(stock as bigint) as available_quantity, '' as stock_in_words from stocks;
            create table core.fct_order_lines as
                select product_id, date '2025-07-01' - {DAYS} + cast(age as integer) as order_date,
                    cast(quantity as integer) as quantity, false as is_cancelled from lines;
            create table features.int_product_demand as
                {compiled("intermediate/int_product_demand")};
            """
        )
        return connection.execute(
            f"select * from ({compiled('marts/inventory/stockout_forecast')}) order by product_id"
        ).df()


def test_chances_of_running_out_come_true_and_beat_the_mean_rule(compiled):
    draw = np.random.default_rng(11)
    products = 4000
    mean = np.exp(draw.normal(-1.0, 1.5, products))
    # Even, lumpy and intermittent demand: the variance is the mean's 1.2, 4 and 12 fold.
    spread = draw.choice([1.2, 4.0, 12.0], products)[:, None]
    sales = draw.negative_binomial(
        (mean[:, None] / (spread - 1)), 1 / spread, (products, DAYS + max(HORIZONS))
    )
    cover = draw.choice([3, 7, 14, 21, 28, 45], products)
    stock = np.maximum(1, np.round(mean * cover * np.exp(draw.normal(0, 0.4, products))))
    seen = sales[:, :DAYS].sum(axis=1) > 0
    sales, stock = sales[seen], stock[seen]
    forecast = shop_of(sales[:, :DAYS], stock, compiled)
    assert len(forecast) == len(stock)
    for horizon in HORIZONS:
        out = (sales[:, DAYS : DAYS + horizon].sum(axis=1) >= stock).astype("float64")
        chance = forecast[f"stockout_chance_{horizon}"].to_numpy()
        rule = (stock / forecast["daily_demand"] <= horizon).astype("float64")
        brier, brier_of_rule = ((chance - out) ** 2).mean(), ((rule - out) ** 2).mean()
        assert brier < 0.8 * brier_of_rule, (horizon, brier, brier_of_rule)
        assert abs(chance.mean() - out.mean()) < 0.05
        likely = chance > 0.8
        assert out[likely].mean() > 0.8


def test_safety_stock_lasts_through_the_share_of_lead_times_that_is_asked(sample):
    z = NormalDist().inv_cdf(0.95)
    ((plan,),) = sample.query(
        f"""
        select max(abs(
            safety_stock / nullif(
                sqrt(lead_time_days * daily_variance + 9 * power(demand, 2)), 0
            ) - {z}
        )) from (
            select plan.*, demand.daily_variance, demand.daily_demand as demand
            from inventory.replenishment_plan as plan
            join features.int_product_demand as demand using (product_id)
        )
        """
    )
    assert plan < 0.005


# What was counted, and what was sold of it after the newest count, from the raw facts.
LEFT = """
    select stock.product_id, stock.counted, coalesce(sum(lines.quantity), 0) as sold
    from (
        select product_id, sum(stock_quantity) as counted, max(last_updated_at) as counted_at
        from core.fct_inventory group by 1
    ) as stock
    left join core.fct_order_lines as lines
        on lines.product_id = stock.product_id
        and lines.ordered_at > stock.counted_at and not lines.is_cancelled
    group by 1, 2
"""
# What follows from stock, by product.
FOLLOWS = """
    select product_id, status.available_quantity, days_of_cover, stock_status, is_low_stock,
        stockout_chance_7, stockout_chance_14, stockout_chance_28, expected_stockout_date,
        is_reorder_due, order_quantity
    from inventory.inventory_status as status
    join inventory.stockout_forecast using (product_id)
    join inventory.replenishment_plan using (product_id)
    order by product_id
"""


def test_nobody_is_told_of_goods_that_were_sold_since_the_count(sample):
    [(products, units)] = sample.query(f"select count(*), sum(sold) from ({LEFT}) where sold > 0")
    assert (products, units) == (21, 37)
    wrong = sample.query(
        f"""
        select product_id from ({LEFT}) as known
        full join inventory.inventory_status as status using (product_id)
        where (counted, sold, counted - sold)
            is distinct from (stock_quantity, units_sold_since_count, available_quantity)
        """
    )
    assert wrong == []
    [(reason, days, chance)] = sample.query(
        """
        select stockout_reason, days_since_count, stockout_chance_7
        from inventory.stockout_forecast where product_id = '00145'
        """
    )
    assert reason == "5 counted 2 days ago, 4 sold since, 1 left; sold on 25 of 90 days."
    assert days == 2
    # It sells three a week.
    assert chance > 0.9


def test_counting_anew_changes_nothing_where_nothing_came_in(sample, make_shop):
    shop = make_shop("recounted")
    shutil.copy(sample.database, shop.database)
    counts = sample.query(f"select product_id, counted - sold from ({LEFT})")
    (shop.raw / "inventory.csv").write_text(
        "product_id,warehouse_id,stock_quantity,last_updated\n"
        + "".join(f"{product},W01,{left},2025-06-30 23:59:59\n" for product, left in counts)
    )
    shop.succeed(
        *("run", "--select", "base_shop__inventory", "stg_shop__inventory", "dim_products"),
        *(
            "fct_inventory",
            "int_product_stock",
            "int_product_demand",
            "path:models/marts/inventory",
        ),
    )
    assert shop.query("select sum(units_sold_since_count) from inventory.inventory_status") == [
        (0,)
    ]
    assert shop.query(FOLLOWS) == sample.query(FOLLOWS)


def test_an_old_count_is_called_old_and_empties_no_shelf(sample, make_shop):
    shop = make_shop("old")
    shutil.copy(sample.database, shop.database)
    path = shop.raw / "inventory.csv"
    path.write_text(re.sub(",2025-0[56]-", ",2025-01-", path.read_text()))
    build = shop.dbt(
        *("build", "--exclude-resource-type", "unit_test", "--select", "base_shop__inventory"),
        *("stg_shop__inventory", "stg_shop__inventory_counts", "dim_products", "fct_inventory"),
        *("fct_inventory_history", "int_product_stock", "int_product_demand", "int_product_trends"),
        *("path:models/marts/inventory", "promotion_candidates", "customers_missing_stock"),
        *("product_recommendations", "int_sales_alarms", "data_quality_alarms"),
    )
    assert build.returncode == 0, build.stdout[-5000:]
    assert "sold_beyond_count in inventory: 00001" in build.stdout
    [(refuted, known, ordered)] = shop.query(
        """
        select count(*), count(*) filter (stock_status != 'unknown'),
            count(*) filter (is_reorder_due)
        from inventory.inventory_status as status
        join inventory.replenishment_plan using (product_id)
        where units_sold_since_count > status.stock_quantity
        """
    )
    assert refuted > 100
    assert (known, ordered) == (0, 0)
    # What sells is offered still.
    offered = "select count(distinct product_id) from sales.product_recommendations"
    assert shop.query(offered) == sample.query(offered)
