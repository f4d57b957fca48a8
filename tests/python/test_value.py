"""The value model: SQL predicts as scikit-learn does, and totals come true."""

import datetime as dt
import inspect

import numpy as np
import pandas as pd
import pytest
from scipy.special import hyp2f1
from test_churn import churn, frame_of, load

value = load("value_model")


@pytest.fixture(scope="module")
def fitted(sample):
    """Fit the sample shop as production does: OrdersFit, metrics, day."""
    frame = value.training_frame(frame_of(sample, "from features.int_training_sample"))
    day = pd.Timestamp(sample.query("select as_of_date from staging.as_of_date")[0][0])
    return *value.train(frame, day), day


def test_sql_predictions_equal_scikit_learn(sample, fitted):
    fit, metrics, day = fitted
    rows = frame_of(
        sample,
        f"""
        from features.int_customer_snapshots
        join customers.customer_value using (customer_id)
        where snapshot_date = '{day}' and score_status = 'scored'
        """,
    )
    assert len(rows) > 1000
    for horizon, column in [(90, "predicted_orders_90"), (365, "predicted_orders")]:
        expected = fit.predict(rows, horizon, day)
        assert np.abs(expected - rows[column]).max() < 1e-9 * max(1, expected.max())
    prior = metrics["prior_order_days"]
    each = (prior * metrics["mean_order_value"] + rows["monetary"].astype(float)) / (
        prior + rows["order_days"]
    )
    assert np.abs(each.clip(lower=0) - rows["predicted_order_value"]).max() < 1e-6
    assert rows["predicted_orders"].std() > 1


def test_totals_of_past_predictions_come_true(sample):
    errors = dict(
        sample.query(
            "select feature, value from ml.model_parameters "
            "where parameter_type = 'test' and fit = 'backtest' and note = '90 days'"
        )
    )
    assert abs(errors["orders_total_error"]) < 0.15
    assert abs(errors["value_total_error"]) < 0.2


def totals_of(ratios, first="2022-01-01"):
    """Monthly 90-day totals that are a ratio of what is expected, of a shop that is old enough."""
    days = pd.date_range(first, periods=len(ratios), freq="MS")
    return pd.DataFrame(
        {"actual": np.array(ratios) * 100, "expected": 100.0, "history_days": 400}, index=days
    )


YEAR = [0.6, 0.6, 0.8, 0.8, 0.8, 0.8, 0.8, 1.0, 1.5, 1.6, 1.4, 0.9]


def test_the_factor_counts_every_season_once():
    assert value.OrderLevels(totals_of(YEAR[:11])).factor == 1
    for months in range(12, 25):
        levels = value.OrderLevels(totals_of((YEAR * 2)[:months]))
        assert levels.factor == pytest.approx(np.mean(YEAR))
        assert levels.months == 12


def test_moving_snapshots_do_not_tip_the_factor():
    monthly = totals_of(YEAR * 2)
    extra = totals_of([3.0]).set_index(pd.DatetimeIndex(["2023-09-12"]))
    assert value.OrderLevels(pd.concat([monthly, extra])).factor == pytest.approx(np.mean(YEAR))


def test_ninety_days_have_the_season_of_a_year_ago_and_half_the_drift():
    known = YEAR + [ratio * 1.21 for ratio in YEAR[:6]]
    levels = value.OrderLevels(totals_of(known))
    for day, last_year in [("2023-09-01", 1.5), ("2023-12-01", 0.9)]:
        expected = last_year * 1.1 / levels.factor
        assert levels.season(pd.Timestamp(day)) == pytest.approx(expected)


def test_there_is_no_season_where_last_year_is_unknown():
    day = pd.Timestamp("2023-09-01")
    young = totals_of(YEAR + YEAR[:6])
    assert value.OrderLevels(young).season(day) != 1
    assert value.OrderLevels(young[10:]).season(day) == 1
    assert value.OrderLevels(young.assign(history_days=149)).season(day) == 1
    assert value.OrderLevels(totals_of(YEAR)).season(pd.Timestamp("2023-03-01")) == 1


def test_a_season_holds_no_more_orders_than_its_year():
    outcomes = pd.DataFrame(
        {
            "order_days": [1, 5, 20, 60] * 5,
            "recency_days": [5, 10, 3, 1] * 5,
            "tenure_days": [300, 350, 360, 365] * 5,
            "horizon": [90, 365] * 10,
            "orders": [1, 2, 3, 4] * 5,
            "snapshot_date": pd.Timestamp("2022-09-01"),
            "history_days": 400,
        }
    )
    fit = value.OrdersFit(outcomes, {"r": 1.0, "alpha": 40.0, "a": 8.0, "b": 5.0})
    fit.levels.season = lambda day: 50.0
    day = pd.Timestamp("2023-09-01")
    year = fit.predict(outcomes, 365, day)
    assert (fit.predict(outcomes, 90, day) == year).all()
    fit.levels.season = lambda day: 0.5
    assert fit.predict(outcomes, 90, day) == pytest.approx(fit.predict(outcomes, 90) / 2)


def test_only_ninety_days_have_a_season_and_sql_takes_that_of_the_day(sample, fitted):
    fit, _, day = fitted
    assert fit.season(day, 90) != 1
    assert fit.season(day, 365) == 1
    seasons = dict(
        sample.query(
            "select snapshot_date, value from ml.model_parameters "
            "where parameter_type = 'season' and fit = 'production'"
        )
    )
    assert seasons[day.date()] == fit.season(day, 90)
    assert len(set(seasons.values())) >= 10


def test_money_adds_up(sample):
    ((clv, revenue, at_risk, profit),) = sample.query(
        """
        select
            sum(historical_clv),
            (select sum(order_revenue) from core.fct_orders
             where not is_cancelled and customer_id is not null),
            sum(money_at_risk),
            sum(predicted_profit)
        from customers.customer_value
        """
    )
    assert clv == revenue
    assert 0 < at_risk < profit
    # The margin of what is known, over the revenue of the same lines.
    ((rate, published),) = sample.query(
        """
        select
            (select sum(line_margin)::double / sum(line_revenue) from core.fct_order_lines
             where not is_cancelled and line_margin is not null),
            sum(predicted_profit) / sum(predicted_value)
        from customers.customer_value
        """
    )
    assert published == pytest.approx(rate, rel=1e-9)


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


def snapshot_of(orders, day):
    """Features and 90-day outcomes of a day, as int_training_sample holds them."""
    known = orders[orders["day"] < day].groupby("customer_id")["day"].agg(["size", "min", "max"])
    later = orders[orders["day"].between(day, day + 89)].groupby("customer_id").size()
    return pd.DataFrame(
        {
            "snapshot_date": pd.Timestamp("2023-01-01") + day * value.DAY,
            "history_days": day,
            "order_days": known["size"],
            "tenure_days": day - known["min"],
            "recency_days": day - known["max"],
            "monetary": known["size"] * 10.0,
            "orders_next_90": later.reindex(known.index).fillna(0),
            "value_next_90": 0.0,
            "orders_next_365": np.nan,
            "value_next_365": np.nan,
        }
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("slump", "tolerance"), [(0, 0.06), (0.5, 0.22)])
def test_nine_months_of_a_young_shop_predict_the_next_nine(seed, slump, tolerance):
    orders = simulated_orders(546, seed)
    # A season that comes to an end: so much of the repeat orders of three months is missing.
    chance = np.random.default_rng(seed).uniform(size=len(orders))
    repeated = orders["day"] > orders.groupby("customer_id")["day"].transform("min")
    orders = orders[~(repeated & orders["day"].between(90, 179) & (chance < slump))]
    past = orders[orders["day"] < 273]
    frame = pd.concat([snapshot_of(past, day) for day in [*range(30, 273, 30), 273]])
    fit, _ = value.train(frame, frame["snapshot_date"].max())
    actual = (orders["day"] >= 273).sum()
    assert actual > 2000
    predicted = fit.predict(frame[frame["history_days"] == 273], 273).sum()
    assert predicted == pytest.approx(actual, rel=tolerance)


def test_less_than_a_year_of_outcomes_corrects_nothing(fitted, sample):
    frame = value.training_frame(frame_of(sample, "from features.int_training_sample"))
    young = frame[frame["history_days"] < 330]
    day = young["snapshot_date"].max()
    fit, metrics = value.train(young, day)
    assert metrics["factor_months"] == 0
    today = young[young["snapshot_date"] == day]
    expected = np.exp(value.log_daily_orders(today, fit.mbg, 365)) * 365
    assert fit.predict(today, 365) == pytest.approx(expected, rel=1e-9)
    assert fit.predict(today, 90, day).sum() < fit.predict(today, 365).sum()
    assert fitted[1]["factor_months"] == 12


def test_expected_orders_come_close_to_the_exact_ones_of_the_process():
    mbg = {"r": 0.7, "alpha": 45.0, "a": 0.9, "b": 1.2}
    frame = pd.DataFrame(
        {"order_days": [1, 2, 5, 20], "recency_days": [30, 60, 20, 5], "tenure_days": [240] * 4}
    )
    x, age = frame["order_days"] - 1, frame["tenure_days"]
    r, alpha, a, b = mbg.values()
    gone = a / (b + x) * ((alpha + age) / (alpha + age - frame["recency_days"])) ** (r + x)
    customers = np.array([60, 20, 15, 5])
    for horizon in (90, 273, 365):
        share = (alpha + age) / (alpha + age + horizon)
        series = hyp2f1(r + x, b + x + 1, a + b + x, 1 - share)
        exact = (a + b + x) / (a - 1) * (1 - share ** (r + x) * series) / (1 + gone)
        expected = np.exp(value.log_daily_orders(frame, mbg, horizon)) * horizon
        assert np.abs(expected / exact - 1).max() < 0.12
        assert (customers @ expected) == pytest.approx(customers @ exact, rel=0.03)


def test_what_both_models_share_is_the_same():
    assert value.COLUMNS == churn.COLUMNS
    assert value.MBG_CUSTOMERS == churn.MBG_CUSTOMERS
    for name in ("fit_mbg", "parameter_table", "read"):
        assert inspect.getsource(getattr(value, name)) == inspect.getsource(getattr(churn, name))


def test_more_orders_are_expected_of_frequent_and_recent_customers():
    day = dt.date(2024, 1, 1)
    mbg = {"r": 1.0, "alpha": 40.0, "a": 0.5, "b": 5.0}
    frame = pd.DataFrame(
        {"order_days": [1, 10, 10], "recency_days": [10, 10, 300], "tenure_days": [330] * 3}
    )
    once, loyal, silent = np.exp(value.log_daily_orders(frame.assign(day=day), mbg, 365)) * 365
    assert silent < once < loyal
    short = np.exp(value.log_daily_orders(frame, mbg, 90)) * 90
    assert (short < np.array([once, loyal, silent])).all()
