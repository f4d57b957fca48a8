"""The sales forecast: what it may know, closed days, intervals, and shops with little history."""

import numpy as np
import pandas as pd
import pytest

from clientele.forecast import (
    Period,
    choose,
    forecast,
    interval,
    past_periods,
    score,
    total_interval,
)
from clientele.forecast_rules import closures, forecasts, smoothed_week
from clientele.forecast_tables import backtest_table, daily_series, forecast_table

WEEKDAYS = np.array([10.0, 12.0, 11.0, 13.0, 16.0, 0.0, 8.0])  # Monday first; Saturday is closed


def shop(days, seed=1, noise=0.3, first_day="2022-01-03"):
    """Simulate daily sales: weekdays, a yearly season and noise."""
    index = pd.date_range(first_day, periods=days)
    season = 1 + 0.3 * np.sin(2 * np.pi * np.arange(days) / 364)
    factor = np.random.default_rng(seed).lognormal(-(noise**2) / 2, noise, days)
    return pd.Series(100 * WEEKDAYS[index.dayofweek] * season * factor, index=index)


@pytest.fixture(scope="module")
def known():
    """Three years of a shop; tests only read them."""
    return shop(3 * 364)


def test_a_shop_without_noise_is_forecast_exactly():
    steady = shop(200, noise=0) / (1 + 0.3 * np.sin(2 * np.pi * np.arange(200) / 364))
    result = forecast(steady)
    days = pd.date_range(steady.index[-1] + pd.Timedelta(days=1), periods=28)
    np.testing.assert_allclose(result.expected, 100 * WEEKDAYS[days.dayofweek])
    np.testing.assert_allclose([result.low, result.high], [result.expected] * 2)


def test_a_closed_weekday_stays_closed(known):
    stray = known.copy()
    stray[stray.index[stray.index.dayofweek == 5][-3]] = 50.0
    result = forecast(stray)
    saturdays = pd.date_range(known.index[-1], periods=29)[1:].dayofweek == 5
    for figures in (result.expected, result.low, result.high):
        assert (figures[saturdays] == 0).all()
        assert (figures[~saturdays] > 0).all()


def test_the_last_day_may_be_half_over(known):
    half = known.copy()
    half.iloc[-1] = 1.0
    for rule, days in forecasts(known).items():
        np.testing.assert_array_equal(forecasts(half)[rule], days, err_msg=rule)
    np.testing.assert_array_equal(forecast(half).high, forecast(known).high)


def test_what_comes_later_changes_no_earlier_forecast(known):
    """A leak would show: all that comes after an origin is replaced."""
    origin = len(known) - 1 - 5 * 28
    changed = known.copy()
    changed.iloc[origin:] = 1e6
    pairs = zip(score(known), score(changed), strict=True)
    earlier = [(a, b) for a, b in pairs if a["origin_date"] <= known.index[origin]]
    assert len({a["origin_date"] for a, _ in earlier}) == 8
    for a, b in earlier:
        assert (a["expected"], a["rule"], a["open_days"]) == (
            b["expected"],
            b["rule"],
            b["open_days"],
        )


def test_errors_come_from_forecasts_that_did_not_know_the_period(known):
    changed = known.copy()
    changed.iloc[-29:] = 1e6
    for before, after in zip(past_periods(known, 13), past_periods(changed, 13), strict=True):
        for rule, days in before.expected.items():
            np.testing.assert_array_equal(after.expected[rule], days, err_msg=rule)


def test_the_scorecard_measures_what_would_have_been_published(known):
    day = known.index[-1 - 28]
    published = forecast(known[known.index < day])
    newest = [row for row in score(known) if row["origin_date"] == day]
    (row,) = [row for row in newest if row["model"] == "forecast"]
    assert row["expected"] == published.expected.sum()
    sold = known[day:].to_numpy()[:28]
    inside = (sold >= published.low) & (sold <= published.high) & (published.expected > 0)
    assert row["covered_days"] == inside.sum()


def test_forecasts_beat_the_last_week_and_intervals_hold_what_they_promise():
    """Over many shops, so that no single one decides."""
    rows = pd.DataFrame([row for seed in range(12) for row in score(shop(3 * 364, seed))])
    rows = rows[rows["model"] == "forecast"]
    assert rows["mase"].sum() < 0.8 * rows["naive_mase"].sum()
    assert 0.75 <= rows["covered_days"].sum() / rows["open_days"].sum() <= 0.85
    assert abs(rows["expected"].sum() / rows["sold"].sum() - 1) < 0.03
    # Of 144 sums, so that chance alone moves it by seven points.
    assert 0.7 <= rows["covered_total"].mean() <= 0.9


def test_last_year_tells_a_season(known):
    origin = 2 * 364 + 60
    season = known.iloc[origin : origin + 28].sum()
    before = known.iloc[:origin]
    flat = forecasts(before)["weekly_level"].sum()
    assert abs(forecasts(before)["weekly_level_year"].sum() - season) < abs(flat - season)


def test_a_closure_last_year_is_one_this_year():
    closed = shop(2 * 364)
    start = pd.Timestamp("2022-12-24")
    closed[start : start + pd.Timedelta(days=9)] = 0.0
    known = closed[: pd.Timestamp("2023-12-15")]
    assert closures(known).sum() == 10
    for rule in ("weekly_level_year", "weekly_level"):
        expected = pd.Series(forecasts(known)[rule], pd.date_range("2023-12-16", periods=28))
        assert (expected["2023-12-24":"2024-01-02"] == 0).all()
        assert (expected[["2023-12-22", "2024-01-03"]] > 0).all()


def test_days_without_a_sale_are_no_closure_in_a_shop_that_sells_rarely():
    rare = pd.Series(0.0, pd.date_range("2022-01-01", periods=700))
    rare.iloc[::6] = 20.0
    rare.iloc[300:330] = 0.0
    assert not closures(rare).any()


def test_the_first_rule_stays_unless_another_is_better_by_more_than_chance():
    def periods(*pairs):
        return [Period(np.zeros(28), {}, {"a": a, "b": b}) for a, b in pairs]

    better = [(1.0, 0.8), (1.1, 0.9), (1.0, 0.7), (1.2, 0.9), (1.0, 0.8), (1.1, 0.8)]
    assert choose(periods(*better), ["a", "b"]) == "b"
    assert choose(periods(*better[:5]), ["a", "b"]) == "a"
    assert choose(periods(*better[:3], (1.0, 2.0), (1.0, 0.2), (1.0, 0.9)), ["a", "b"]) == "a"


def test_the_interval_comes_from_the_newest_errors_and_holds_the_forecast():
    expected = {"weekly_level": np.full(28, 10.0)}
    old = Period(np.full(28, 500.0), expected, {})
    new = Period(np.linspace(11, 20, 28), expected, {})
    low, high = interval([old] + [new] * 10, "weekly_level_year", np.array([100.0] * 27 + [0.0]))
    assert low[0] == 100
    assert high[0] == pytest.approx(191, rel=0.02)
    assert (low[-1], high[-1]) == (0, 0)


def test_the_interval_of_a_sum_comes_from_sums():
    """Days that err apart make a narrow sum; days that err together a wide one."""
    expected = {"weekly_level": np.full(28, 10.0)}
    alternating = np.tile([5.0, 15.0], 14)
    apart = [Period(alternating, expected, {})] * 9
    low, high = total_interval(apart, "weekly_level_year", np.full(28, 100.0))
    assert (low[-1], high[-1]) == (2800, 2800)
    assert low[0] == 50
    together = [Period(np.full(28, sold), expected, {}) for sold in range(6, 15)]
    low, high = total_interval(together, "weekly_level", np.array([0.0] + [100.0] * 27))
    assert (low[0], high[0]) == (0, 0)
    assert (low[-1], high[-1]) == pytest.approx((0.6 * 2700, 1.4 * 2700))
    assert np.isnan(total_interval(together[1:], "weekly_level", np.full(28, 1.0))).all()


@pytest.mark.parametrize(
    ("days", "status"),
    [(0, "no_history"), (1, "no_history"), (7, "no_history"), (8, "short_history")]
    + [(56, "short_history"), (57, "forecast"), (58, "forecast"), (120, "forecast")],
)
def test_little_history_gives_a_simple_rule_or_a_reason(days, status):
    series = shop(120).iloc[:days]
    result = forecast(series)
    assert result.status == status
    assert (result.reason == "") == (status == "forecast")
    assert np.isnan(result.expected).all() == (status == "no_history")
    assert np.isnan(result.low).all() == (status != "forecast")
    assert all(row["open_days"] for row in score(series))


def test_a_shop_that_fell_silent_is_not_forecast(known):
    silent = known.copy()
    silent.iloc[-28:] = 0.0
    result = forecast(silent)
    assert result.status == "no_recent_sales"
    assert np.isnan(result.expected).all()


def test_a_gap_in_the_data_and_a_shop_that_never_changes_do_no_harm(known):
    gap = known.copy()
    gap.iloc[-200:-120] = 0.0
    assert np.isfinite(forecast(gap).high).all()
    assert all(np.isfinite(row["expected"]) for row in score(gap))
    flat = pd.Series(5.0, pd.date_range("2022-01-01", periods=300))
    assert forecast(flat).expected == pytest.approx([5.0] * 28)
    assert all(row["mase"] is None for row in score(flat))
    assert smoothed_week(np.zeros(70)).sum() == 0
    assert len(past_periods(known, 13)) == 13


def test_tables_are_typed_and_start_at_the_first_sale():
    daily = pd.DataFrame(
        {"order_date": ["2024-01-01", "2024-01-02", "2024-01-05"], "revenue": [0, 3, 4]}
    )
    series = daily_series(daily, "revenue", pd.Timestamp("2024-01-07"))
    assert series.tolist() == [3, 0, 0, 4, 0]
    empty = pd.DataFrame({"order_date": [], "revenue": [], "unit_count": []})
    table = forecast_table(empty, pd.Timestamp("1990-01-01"))
    assert len(table) == 56
    assert set(table["forecast_status"]) == {"no_history"}
    assert table["order_date"].max() == "1990-01-28"
    backtest = backtest_table(empty, pd.Timestamp("1990-01-01"))
    assert backtest.empty
    assert backtest["mase"].dtype == "float64"
