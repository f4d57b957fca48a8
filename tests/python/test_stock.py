"""Forecasts of stock, held against demand that is known because it was drawn."""

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
                    1.0 as unit_cost, cast(stock as bigint) as stock_quantity from stocks;
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
