"""The value model: SQL predicts as scikit-learn does, and totals come true."""

import datetime as dt
import inspect

import numpy as np
import pandas as pd
import pytest
from test_churn import churn, frame_of, load

value = load("value_model")


@pytest.fixture(scope="module")
def fitted(sample):
    """Fit the sample shop as production does: OrdersFit, metrics, day."""
    frame = value.training_frame(frame_of(sample, "from features.int_training_sample"))
    day = pd.Timestamp(sample.query("select as_of_date from staging.as_of_date")[0][0])
    constants = sample.query(
        "select feature[5:], value from ml.churn_parameters "
        "where fit = 'production' and parameter_type = 'constant'"
    )
    return *value.train(frame, day, dict(constants)), day


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
        expected = fit.predict(rows, horizon)
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
            "select feature, value from ml.value_parameters "
            "where parameter_type = 'test' and fit = 'backtest' and note = '90 days'"
        )
    )
    assert abs(errors["orders_total_error"]) < 0.15
    assert abs(errors["value_total_error"]) < 0.2


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


def test_what_both_models_share_is_the_same():
    assert value.COLUMNS == churn.COLUMNS
    for name in ("parameter_table", "read"):
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
