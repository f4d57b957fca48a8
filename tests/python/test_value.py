"""The value model: orders are expected as the process says, and totals come true."""

import datetime as dt
import re

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.special import hyp2f1
from test_churn import build_marts, frame_of, write_orders

from clientele.mbg_nbd import fit_mbg
from conftest import PROJECT

HORIZONS = (90, 273, 365)
EXPECTED = """
with features as (
    {{ mbg_features('customers', 'parameters') }}
),
scored as (
    select features.*, coalesce(p, mbg_chance) as churn_probability from features
),
expected as (
    {{ expected_orders('scored', [90, 273, 365]) }}
)
select * from expected order by customer_id
"""


@pytest.fixture(scope="module")
def expect(sample):
    """Let SQL expect the orders of customers (a DataFrame) by an MBG/NBD model."""
    sql = sample.succeed("parse").dbt("--quiet", "compile", "--inline", EXPECTED).stdout

    def run(customers, mbg, p=None):
        customers = customers.assign(p=p, customer_id=range(len(customers)), fit="production")
        customers["p"] = customers["p"].astype(float)
        parameters = pd.DataFrame(
            [("production", "constant", f"mbg_{name}", number) for name, number in mbg.items()],
            columns=["fit", "parameter_type", "feature", "value"],
        )
        with duckdb.connect() as connection:
            connection.register("customers", customers)
            connection.register("parameters", parameters)
            return connection.execute(sql).df()

    return run


@pytest.mark.parametrize(
    "mbg",
    [
        {"r": 0.7, "alpha": 45.0, "a": 0.9, "b": 1.2},
        {"r": 0.25, "alpha": 30.0, "a": 0.2, "b": 0.1},
        {"r": 2.0, "alpha": 90.0, "a": 3.3, "b": 0.7},
        {"r": 1.0, "alpha": 80.0, "a": 0.15, "b": 6.0},
    ],
)
def test_expected_orders_are_those_of_the_process(expect, mbg):
    customers = pd.DataFrame(
        {
            "order_days": [1, 1, 2, 5, 20, 60],
            "recency_days": [240, 3, 60, 20, 5, 100],
            "tenure_days": [240, 3, 240, 240, 240, 600],
        }
    )
    found = expect(customers, mbg)
    x, age = customers["order_days"] - 1, customers["tenure_days"]
    r, alpha, a, b = mbg.values()
    gone = a / (b + x) * ((alpha + age) / (alpha + age - customers["recency_days"])) ** (r + x)
    for horizon in HORIZONS:
        share = (alpha + age) / (alpha + age + horizon)
        series = hyp2f1(r + x, b + x + 1, a + b + x, 1 - share)
        exact = (a + b + x) / (a - 1) * (1 - share ** (r + x) * series) / (1 + gone)
        assert found[f"mbg_orders_{horizon}"].to_numpy() == pytest.approx(exact, rel=0.08)
        shop = np.array([40, 20, 20, 15, 4, 1])
        assert shop @ found[f"mbg_orders_{horizon}"] == pytest.approx(shop @ exact, rel=0.02)
        assert found[f"expected_orders_{horizon}"].to_numpy() == pytest.approx(
            found[f"mbg_orders_{horizon}"]
        )


def test_who_falls_silent_after_a_steady_rhythm_is_expected_to_order_little(expect):
    mbg = {"r": 2.4, "alpha": 140.0, "a": 0.3, "b": 6.8}
    # The third has ordered every month for two years, and not for three months.
    customers = pd.DataFrame(
        {"order_days": [1, 24, 24], "recency_days": [10, 10, 95], "tenure_days": [10, 720, 720]}
    )
    alone = expect(customers, mbg)
    told = expect(customers, mbg, p=[0.6, 0.05, 0.98])
    assert alone["expected_orders_90"][2] > 1.5
    assert told["expected_orders_90"][2] < 0.1
    assert told["expected_orders_365"][2] < alone["expected_orders_365"][2] / 4
    assert told["expected_orders_90"][1] > alone["expected_orders_90"][1]
    assert (told["expected_orders_90"] < told["expected_orders_273"]).all()
    assert (told["expected_orders_273"] < told["expected_orders_365"]).all()


def test_who_stays_orders_at_least_what_is_expected(expect):
    """Whatever the churn model says of whom; and who orders for sure within the horizon stays."""
    draw = np.random.default_rng(5)
    size = 2000
    days = draw.integers(1, 60, size)
    tenure = draw.integers(1, 900, size)
    recency = np.where(days == 1, tenure, draw.integers(1, tenure + 1))
    customers = pd.DataFrame({"order_days": days, "recency_days": recency, "tenure_days": tenure})
    for mbg in (
        {"r": 0.7, "alpha": 45.0, "a": 0.9, "b": 1.2},
        {"r": 2.4, "alpha": 140.0, "a": 0.3, "b": 6.8},
    ):
        told = expect(customers, mbg, p=draw.uniform(0, 1, size))
        for horizon in HORIZONS:
            least = told[f"expected_orders_{horizon}"] * (1 - 1e-9)
            assert (told[f"staying_orders_{horizon}"] >= least).all()
        sure = expect(customers, mbg, p=np.zeros(size))
        # Where the chance of an order is not so small that it is bounded.
        plain = sure["mbg_chance"] < 0.9999
        assert plain.sum() > size / 2
        assert sure["staying_orders_90"][plain].to_numpy() == pytest.approx(
            sure["expected_orders_90"][plain]
        )


def simulated_orders(end, seed, customers=6000):
    """Order days (customer_id, day) before a day of customers who all first buy within 90 days.

    Rates from Gamma(0.8, 50 days); after each order, the first among them, a customer leaves with
    a probability of their own from Beta(0.9, 1.3): an MBG/NBD process, without a season.
    """
    draw = np.random.default_rng(seed)
    days = draw.uniform(0, 90, customers)
    gaps = 1 / draw.gamma(0.8, 1 / 50, customers)
    leaving = draw.beta(0.9, 1.3, customers)
    who, orders = np.arange(customers), []
    while len(who):
        orders.append(pd.DataFrame({"customer_id": who, "day": days.astype(int)}))
        days = days + draw.exponential(gaps[who])
        stay = (draw.uniform(size=len(who)) > leaving[who]) & (days < end)
        who, days = who[stay], days[stay]
    return pd.concat(orders).drop_duplicates()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nine_months_of_a_young_shop_predict_the_next_nine(expect, seed):
    orders = simulated_orders(546, seed)
    known = orders[orders["day"] < 273].groupby("customer_id")["day"].agg(["size", "min", "max"])
    customers = pd.DataFrame(
        {
            "order_days": known["size"],
            "recency_days": 273 - known["max"],
            "tenure_days": 273 - known["min"],
        }
    ).reset_index(drop=True)
    mbg = fit_mbg(*(customers[name].to_numpy(float) for name in customers))
    later = orders[orders["day"] >= 273]
    actual = len(later)
    assert actual > 2000
    expected = expect(customers, mbg)
    assert expected["expected_orders_273"].sum() == pytest.approx(actual, rel=0.06)
    # Of those who did order within the churn horizon.
    stayed = known.index.isin(later[later["day"] < 363]["customer_id"])
    theirs = later["customer_id"].isin(known.index[stayed]).sum()
    assert expected["staying_orders_273"][stayed].sum() == pytest.approx(theirs, rel=0.1)


def test_published_orders_are_those_of_the_model(sample, expect):
    published = frame_of(
        sample,
        """
        from customers.customer_value as customer_value
        join customers.customer_churn using (customer_id)
        join features.int_customer_snapshots as snapshots using (customer_id)
        where customer_value.score_status = 'scored'
            and snapshots.snapshot_date = customer_value.as_of_date
        order by customer_id
        """,
    )
    assert len(published) > 1000
    learnt = frame_of(sample, "from ml.value_parameters where fit = 'production'")
    numbers = learnt[learnt["parameter_type"] == "metric"].set_index("feature")["value"]
    constants = frame_of(
        sample,
        "from ml.churn_parameters where fit = 'production' and parameter_type = 'constant'",
    ).set_index("feature")["value"]
    mbg = {name: constants[f"mbg_{name}"] for name in ("r", "alpha", "a", "b")}
    customers = published[["order_days", "recency_days", "tenure_days"]]
    expected = expect(customers, mbg, p=published["churn_probability"])
    likelier = (1 - published["churn_probability"]) / (1 - expected["mbg_chance"])
    in_90_days = likelier * expected["mbg_orders_90"]
    later = expected["mbg_orders_365"] - expected["mbg_orders_90"]
    shares = in_90_days + np.sqrt(likelier) * later
    in_a_year = shares / shares.sum() * expected["mbg_orders_365"].sum() * numbers["year"]
    season = learnt[(learnt["parameter_type"] == "season")]
    season = season.set_index("snapshot_date")["value"][published["as_of_date"][0]]
    assert season != 1 and numbers["year"] != 1
    in_90_days = np.minimum(in_90_days * season, in_a_year)
    assert published["predicted_orders_90"].to_numpy() == pytest.approx(in_90_days, rel=1e-9)
    assert published["predicted_orders"].to_numpy() == pytest.approx(in_a_year, rel=1e-9)
    monetary = published["monetary"].astype(float)
    means = monetary / published["order_days"]
    typical = np.minimum(means, np.quantile(means, 0.99)).mean()
    assert numbers["typical_order_value"] == pytest.approx(typical, rel=1e-6)
    weight = numbers["prior_order_days"]
    each = (weight * numbers["typical_order_value"] + monetary) / (weight + published["order_days"])
    assert published["predicted_order_value"].to_numpy() == pytest.approx(each, rel=1e-9)
    staying = expected["staying_orders_365"] * in_a_year / shares
    typical = max(weight, 1) * numbers["typical_order_value"]
    net = published["net_monetary"].clip(lower=0).astype(float)
    kept = (typical * numbers["kept_share"] + net) / (typical + monetary)
    assert published["kept_share"].to_numpy() == pytest.approx(kept, rel=1e-9)
    rates = published["predicted_profit"] / (published["predicted_value"] * kept)
    assert rates.to_numpy() == pytest.approx(rates.mean(), rel=1e-9)
    worth = staying * each * kept * rates
    assert published["value_if_staying"].to_numpy() == pytest.approx(worth, rel=1e-9)
    at_risk = published["churn_probability"] * worth
    assert published["money_at_risk"].to_numpy() == pytest.approx(at_risk, rel=1e-9)


def test_the_value_model_is_ahead_of_simple_rules_and_its_totals_come_true(sample):
    card = frame_of(sample, "from monitoring.value_scorecard").set_index("model")
    assert card["customers"].min() == card["customers"].max() > 1000
    rules = card.drop(["value", "last_gap"])
    # Those at the model's own orders may be as good.
    assert card.loc["value", "value_mae"] < 1.01 * rules["value_mae"].min()
    rules = rules.drop(["own_mean_value", "typical_value"])
    for error in ("orders_rmse", "orders_mae", "value_mae"):
        assert card.loc["value", error] < rules[error].min()
    assert abs(card.loc["value", "orders_total_error"]) < 0.15
    assert abs(card.loc["value", "value_total_error"]) < 0.2


def test_values_of_a_year_are_measured_on_what_was_not_known(sample):
    ((as_of,),) = sample.query("select as_of_date from staging.as_of_date")
    card = frame_of(sample, "from monitoring.value_scorecard").set_index("model")
    card = card[card["year_customers"].notna()]
    assert set(card["year_customers"]) == {card.loc["value", "year_customers"]}
    (day,) = set(card["year_test_date"].dt.date)
    assert dt.timedelta(365) <= as_of - day < dt.timedelta(365 + 31)
    rows = frame_of(
        sample,
        f"""
        with later as (
            select customer_id, count(*) as orders, sum(revenue) as value
            from features.int_customer_days
            where order_count > 0 and activity_date between date '{day}' and date '{day}' + 364
            group by 1
        )
        select snapshots.*, coalesce(orders, 0) as orders, coalesce(value, 0) as value
        from features.int_customer_snapshots as snapshots left join later using (customer_id)
        where is_eligible and snapshot_date = '{day}'
        """,
    )
    assert len(rows) == card.loc["value", "year_customers"] > 500
    error = rows["orders_365"] - rows["orders"]
    spent, value = rows["value_365"].astype(float), rows["value"].astype(float)
    expected = {
        "orders_rmse": np.sqrt((error**2).mean()),
        "orders_mae": error.abs().mean(),
        "orders_total_error": rows["orders_365"].sum() / rows["orders"].sum() - 1,
        "value_mae": (spent - value).abs().mean(),
        "value_total_error": spent.sum() / value.sum() - 1,
    }
    for name, number in expected.items():
        assert card.loc["last_365_days", f"year_{name}"] == pytest.approx(number, rel=1e-6)
    rules = card.drop(["value", "own_mean_value", "typical_value"])
    for name in ("year_orders_rmse", "year_orders_mae", "year_value_mae"):
        assert card.loc["value", name] < rules[name].min()
    assert abs(card.loc["value", "year_orders_total_error"]) < 0.15
    assert abs(card.loc["value", "year_value_total_error"]) < 0.15
    # What the fit knows ended on that day.
    for table in ("ml.churn_parameters", "ml.order_totals"):
        ((learnt, unfinished),) = sample.query(
            f"""
            select count(*), count(*) filter (snapshot_date > date '{day}')
            from {table} where fit = 'backtest_year'
                and {"note like '% rows'" if "churn" in table else "true"}
            """
        )
        assert learnt > 3 and unfinished == 0


def test_the_next_order_is_told_better_than_by_the_last_gap(sample):
    card = frame_of(sample, "from monitoring.value_scorecard").set_index("model")
    error = card["next_order_error_days"]
    assert error["value"] < 0.8 * error["last_gap"]
    assert 0.7 < card.loc["value", "next_order_coverage"] < 0.9
    rows = frame_of(
        sample,
        """
        from ml.next_order_scores
        join features.int_customer_outcomes using (customer_id, snapshot_date)
        where fit = 'backtest' and days_to_next_order is not null
        """,
    )
    off = (rows["expected_days"] - rows["days_to_next_order"]).abs()
    assert error["value"] == pytest.approx(off.median())
    # What was learnt for that day ended before it.
    ((learnt_until, tested),) = sample.query(
        """
        select max(fit_date), (select max(next_order_test_date) from monitoring.value_scorecard)
        from ml.next_order_times where fit = 'backtest'
        """
    )
    assert learnt_until == tested


def test_the_scorecard_measures_what_became_of_the_customers(sample):
    card = frame_of(sample, "from monitoring.value_scorecard").set_index("model")
    rows = frame_of(
        sample,
        """
        from features.int_customer_snapshots
        join features.int_customer_outcomes using (customer_id, snapshot_date)
        where is_eligible
            and snapshot_date = (select max(test_date) from monitoring.value_scorecard)
        """,
    )
    error = rows["orders_90"] - rows["orders_next_90"]
    spent, value = rows["value_90"].astype(float), rows["value_next_90"].astype(float)
    expected = {
        "orders_rmse": np.sqrt((error**2).mean()),
        "orders_mae": error.abs().mean(),
        "orders_total_error": rows["orders_90"].sum() / rows["orders_next_90"].sum() - 1,
        "value_mae": (spent - value).abs().mean(),
        "value_total_error": spent.sum() / value.sum() - 1,
    }
    for name, number in expected.items():
        assert card.loc["last_90_days", name] == pytest.approx(number, rel=1e-6)


def test_a_fit_knows_no_outcome_of_later_than_its_day(sample):
    ((as_of,),) = sample.query("select as_of_date from staging.as_of_date")
    year_before = (as_of - dt.timedelta(days=365)).replace(day=1)
    for fit, day in [
        ("backtest", as_of - dt.timedelta(days=90)),
        ("backtest_year", year_before),
        ("production", as_of),
    ]:
        dates = sample.query(
            f"""
            select snapshot_date, orders_next_90, mbg_orders_90, expected_orders_90
            from ml.order_totals where fit = '{fit}' order by 1
            """
        )
        assert dates[-1] == (day, None, None, None)
        assert dates[-2][0] <= day - dt.timedelta(days=90)
        assert all(orders > 0 for _, *orders in dates[:-1] for orders in orders)


def totals_of(ratios, first="2022-01-01"):
    """Monthly 90-day totals that are a ratio of what is expected, of a shop that is old enough."""
    days = pd.date_range(first, periods=len(ratios), freq="MS")
    return pd.DataFrame(
        {
            "orders_next_90": np.array(ratios) * 100,
            "expected_orders_90": 100.0,
            "mbg_orders_90": 50.0,
            "history_days": 400,
            "typical_value": 12.0,
            "kept_share": 0.9,
            **{f"value_error_{place}": abs(place - 3) + 1.0 for place in range(6)},
        },
        index=days,
    )


@pytest.fixture(scope="module")
def learn(sample):
    """Let the value model learn from the totals (a DataFrame by date) of one fit as of a day."""
    model = (PROJECT / "models/ml/value/value_model.sql").read_text()
    compiled = sample.succeed("parse").dbt("--quiet", "compile", "--inline", f"\n{model}").stdout
    sql = re.sub(r'"\w+"\."\w+"\."(as_of_date|order_totals)"', r"\1", compiled)

    def run(totals, day):
        day = pd.Timestamp(day)
        # The day itself has customers and no outcome.
        rows = totals.reindex(totals.index.append(pd.DatetimeIndex([day])))
        known = ["history_days", "typical_value", "kept_share"]
        rows.loc[day, known] = totals.iloc[0][known]
        order_totals = rows.assign(fit="production", snapshot_date=rows.index.date)
        with duckdb.connect() as connection:
            connection.register("order_totals", order_totals.reset_index(drop=True))
            connection.execute(
                f"create view as_of_date as select date '{day:%Y-%m-%d}' as as_of_date"
            )
            found = connection.execute(sql).df()
        found = found[found["fit"] == "production"]
        seasons = found[found["parameter_type"] == "season"].set_index("snapshot_date")["value"]
        return seasons.sort_index(), found.set_index("feature")["value"]

    return run


YEAR = [0.6, 0.6, 0.8, 0.8, 0.8, 0.8, 0.8, 1.0, 1.5, 1.6, 1.4, 0.9]


@pytest.mark.parametrize("months", [11, 12, 13, 18, 24])
def test_the_year_counts_every_season_once(learn, months):
    totals = totals_of((YEAR * 2)[:months]).assign(mbg_orders_90=80.0)
    _, numbers = learn(totals, "2024-06-15")
    assert numbers["year"] == pytest.approx(1 if months < 12 else np.mean(YEAR) / 0.8)
    assert numbers["typical_order_value"] == 12 and numbers["kept_share"] == 0.9
    assert numbers["train_snapshots"] == months
    # The weight that was least off: the fourth.
    assert numbers["prior_order_days"] == 4


def test_moving_snapshots_do_not_tip_the_year(learn):
    monthly = totals_of(YEAR * 2).assign(mbg_orders_90=80.0)
    extra = totals_of([3.0]).set_index(pd.DatetimeIndex(["2023-09-12"]))
    both = pd.concat([monthly, extra])
    years = [learn(totals, "2024-06-15")[1]["year"] for totals in (monthly, both)]
    assert years[0] == years[1]


def test_the_factors_are_bounded(learn):
    seasons, numbers = learn(totals_of([9.0] * 24), "2023-09-01")
    assert numbers["year"] == 2 and seasons.max() == 2


def test_ninety_days_have_the_season_of_a_year_ago(learn):
    seasons, _ = learn(totals_of(YEAR + YEAR[:6]), "2023-09-01")
    assert len(seasons) == 27 and seasons.index[0] == pd.Timestamp("2023-09-01")
    assert seasons.iloc[0] == pytest.approx(1.5)
    assert seasons[pd.Timestamp("2023-12-01")] == pytest.approx(0.9)


def test_there_is_no_season_where_last_year_is_unknown(learn):
    young = totals_of(YEAR + YEAR[:6])
    assert learn(young, "2023-09-01")[0].iloc[0] != 1
    assert learn(young[10:], "2023-09-01")[0].iloc[0] == 1
    assert learn(young.assign(history_days=149), "2023-09-01")[0].iloc[0] == 1


def test_money_adds_up(sample):
    ((clv, revenue, at_risk, expected),) = sample.query(
        """
        select
            sum(historical_clv),
            (select sum(order_revenue) from core.fct_orders
             where not is_cancelled and customer_id is not null),
            sum(money_at_risk),
            sum(churn_probability * value_if_staying)
        from customers.customer_value
        inner join customers.customer_churn using (customer_id)
        """
    )
    assert clv == revenue
    assert 0 < at_risk == pytest.approx(expected, rel=1e-9)
    # Near the margin of what is known over the revenue of its lines: large customers count less.
    ((rate, published),) = sample.query(
        """
        select
            (select sum(line_margin)::double / sum(line_revenue) from core.fct_order_lines
             where not is_cancelled and line_margin is not null),
            sum(predicted_profit) / sum(predicted_value * kept_share)
        from customers.customer_value
        """
    )
    assert published == pytest.approx(rate, rel=0.02)


@pytest.mark.parametrize("slip", ["wholesaler", "keyboard"])
def test_one_customer_does_not_bend_the_value_of_the_others(make_shop, slip):
    """300 consumers with baskets of 30; one with baskets of 10,000, or one price typed wrong."""
    draw = np.random.default_rng(6)
    first = dt.date(2023, 1, 1)
    orders = []
    for who in range(301):
        day = int(draw.uniform(0, 300))
        while day < 700:
            price = 10_000 if who == 300 and slip == "wholesaler" else draw.normal(30, 3)
            orders.append((f"o{len(orders)}", f"c{who}", first + dt.timedelta(days=day), price))
            if draw.random() < 0.1:
                break
            day += 1 + int(draw.exponential(60))
    shop = make_shop(files=["customers.json", "products.parquet", "inventory.csv"])
    write_orders(shop, orders)
    build_marts(shop)
    others = (
        "select customer_id, predicted_order_value, predicted_value from customers.customer_value"
    )
    before = frame_of(shop, f"{others} where customer_id != 'C300' order by all").dropna()
    assert before["predicted_order_value"].between(20, 40).all() and len(before) > 150
    if slip == "keyboard":
        changed = [*orders[:-1], (*orders[-1][:3], 1_000_000)]
        write_orders(shop, changed)
        build_marts(shop)
        after = frame_of(shop, f"{others} order by all").dropna().set_index("customer_id")
        before = before.set_index("customer_id").drop(orders[-1][1].upper(), errors="ignore")
        moved = after.loc[before.index, "predicted_order_value"] / before["predicted_order_value"]
        assert moved.between(0.99, 1.01).all()
