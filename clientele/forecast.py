"""Forecast a shop's sales of the next 28 days, and measure how that would have gone before."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from clientele.forecast_rules import ENOUGH_DAYS, HORIZON, LEAST_DAYS, WEEK, forecasts

METHODS = {
    "weekly_level_year": "Smoothed weekly level by weekday, times the root of last year's growth.",
    "weekly_level": "Smoothed weekly level by weekday.",
    "four_weeks": "Mean of the same weekday over the last four weeks.",
    "seasonal_naive": "The same weekday a week before.",
    "last_year": "The same weekday a year before, times the growth since.",
}
# Past periods of 28 days: a year of them to choose the rule on, and the newest for the interval.
CHOICE_PERIODS = 13
INTERVAL_PERIODS = 10
# With fewer past totals, the lowest and the highest of them hold less than 80 %.
LEAST_TOTALS = 9
# Another rule is used once it erred less on so many periods, by more than chance.
LEAST_CHOICE_PERIODS = 6
INTERVAL = (0.1, 0.9)
SCORED_PERIODS = 12


@dataclass(frozen=True)
class Period:
    """A past period of 28 days: what sold, what each rule had forecast, errors over the scale."""

    sold: np.ndarray
    expected: dict[str, np.ndarray]
    errors: dict[str, float]

    def expected_by(self, rule: str) -> np.ndarray:
        """Give the forecast by a rule; `weekly_level` stands in for one that needs more history."""
        return self.expected.get(rule, self.expected["weekly_level"])


@dataclass(frozen=True)
class Forecast:
    """28 days of expected sales with an 80 % interval; NaN where unknown, for the reason given.

    low_total and high_total bound the sum of the days up to each.
    """

    expected: np.ndarray
    low: np.ndarray
    high: np.ndarray
    low_total: np.ndarray
    high_total: np.ndarray
    rule: str
    status: str
    reason: str


def naive_scale(known: pd.Series) -> float:
    """Mean absolute change from a week before: the scale of MASE (Hyndman and Koehler 2006)."""
    values = known.to_numpy()[:-1]
    return float(np.abs(values[WEEK:] - values[:-WEEK]).mean())


def past_periods(known: pd.Series, count: int) -> list[Period]:
    """Forecast the past: periods of 28 days up to the day before the last known one.

    Parameters
    ----------
    known : pandas.Series of float of shape (n_days,)
        By day, without gaps.
    count : int
        The most periods.

    Returns
    -------
    list of Period
        Oldest first. Each was forecast from the days before it alone.
    """
    periods = []
    for number in range(count, 0, -1):
        start = len(known) - 1 - number * HORIZON
        if start < LEAST_DAYS:
            continue
        before, sold = known.iloc[:start], known.to_numpy()[start : start + HORIZON]
        expected = forecasts(before)
        # A shop that sells the same on each day has no scale; errors then compare as they are.
        scale = naive_scale(before) or 1.0
        errors = {rule: float(np.abs(sold - e).mean() / scale) for rule, e in expected.items()}
        periods.append(Period(sold, expected, errors))
    return periods


def choose(periods: list[Period], rules: list[str]) -> str:
    """Choose the rule: the first, unless another was better by more than chance.

    Parameters
    ----------
    periods : list of Period
    rules : list of str
        Rules that can be used today, the one to prefer first.

    Returns
    -------
    str
        Of the rules whose errors were lower than the first one's by more than two standard
        errors, on six or more periods, the one with the lowest; else the first.
    """
    first, gains = rules[0], {}
    for rule in rules[1:]:
        both = [p.errors for p in periods if first in p.errors and rule in p.errors]
        gain = np.array([errors[first] - errors[rule] for errors in both])
        if len(gain) >= LEAST_CHOICE_PERIODS:
            margin = 2 * gain.std(ddof=1) / np.sqrt(len(gain))
            if gain.mean() > margin:
                gains[rule] = gain.mean()
    return max(gains, key=gains.get) if gains else first


def interval(
    periods: list[Period], rule: str, expected: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give the 80 % interval of days: the forecast times what sold over what was expected before.

    Parameters
    ----------
    periods : list of Period
        The newest last.
    rule : str
    expected : numpy.ndarray of float of shape (28,)

    Returns
    -------
    tuple of numpy.ndarray of shape (28,)
        Lower and upper end, NaN without a past period. A closed day's are 0.
    """
    ratios = []
    for period in periods[-INTERVAL_PERIODS:]:
        forecast = period.expected_by(rule)
        ratios.extend(period.sold[forecast > 0] / forecast[forecast > 0])
    low, high = np.quantile(ratios, INTERVAL) if ratios else (np.nan, np.nan)
    # The forecast itself always lies inside.
    return expected * np.minimum(low, 1), expected * np.maximum(high, 1)


def total_interval(
    periods: list[Period], rule: str, expected: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give the 80 % interval of the sum of the first day, the first two, ... and all 28.

    Days err together, so that ends of their intervals do not add up: the sums of the past are
    set beside the sums expected of them.

    Parameters
    ----------
    periods : list of Period
    rule : str
    expected : numpy.ndarray of float of shape (28,)

    Returns
    -------
    tuple of numpy.ndarray of shape (28,)
        Lower and upper end, NaN with fewer than nine past periods. The sum of closed days is 0.
    """
    totals = expected.cumsum()
    if len(periods) < LEAST_TOTALS:
        return np.full_like(totals, np.nan), np.full_like(totals, np.nan)
    ratios = []
    for period in periods:
        forecast = period.expected_by(rule).cumsum()
        ratio = np.divide(period.sold.cumsum(), forecast, np.ones(HORIZON), where=forecast > 0)
        ratios.append(ratio)
    # Weibull's quantiles hold 80 % of the next one, however few there are.
    low, high = np.quantile(ratios, INTERVAL, axis=0, method="weibull")
    return totals * np.minimum(low, 1), totals * np.maximum(high, 1)


def forecast(known: pd.Series) -> Forecast:
    """Forecast the 28 days after the known ones.

    Parameters
    ----------
    known : pandas.Series of float of shape (n_days,)
        Sales by day, without gaps, 0 on days without a sale.

    Returns
    -------
    Forecast
        Status `forecast`; `short_history` (a simple rule, no interval) with fewer than 56 whole
        days; `no_history` with fewer than 7 and `no_recent_sales` where none of the last 28 days
        sold anything (no figures).
    """
    unknown = np.full(HORIZON, np.nan)
    whole_days = max(len(known) - 1, 0)
    if whole_days < WEEK:
        reason = f"Whole days known: {whole_days}. A forecast needs 7."
        return Forecast(*[unknown] * 5, rule="", status="no_history", reason=reason)
    if not (known.to_numpy()[-HORIZON:] > 0).any():
        reason = "Nothing was sold in the last 28 days: whether the shop goes on is not known."
        return Forecast(*[unknown] * 5, rule="", status="no_recent_sales", reason=reason)
    today = forecasts(known)
    if whole_days < ENOUGH_DAYS:
        reason = f"Whole days known: {whole_days}. With fewer than 56 there is no interval."
        rule = "four_weeks"
        return Forecast(
            today[rule], *[unknown] * 4, rule=rule, status="short_history", reason=reason
        )
    periods = past_periods(known, CHOICE_PERIODS)
    rule = choose(periods, list(today))
    return Forecast(
        today[rule],
        *interval(periods, rule, today[rule]),
        *total_interval(periods, rule, today[rule]),
        rule=rule,
        status="forecast",
        reason="",
    )


def score(known: pd.Series) -> list[dict]:
    """Measure what would have been published 28, 56, ... days ago, beside each rule alone.

    Parameters
    ----------
    known : pandas.Series of float of shape (n_days,)
        Sales by day, without gaps.

    Returns
    -------
    list of dict
        One per day of forecast, up to 12, and model (`forecast` is what would have been published):
        origin_date, rule in use, mase, naive_mase (of `seasonal_naive` on the same days), sold and
        expected totals, whether the sold one lay in the total's 80 % interval (None without one),
        days that were expected to sell and those of them within their 80 % interval.
    """
    rows = []
    for number in range(SCORED_PERIODS, 0, -1):
        start = len(known) - 1 - number * HORIZON
        before = known.iloc[: max(start, 0)]
        published = forecast(before)
        if published.status != "forecast":
            continue
        sold = known.to_numpy()[start : start + HORIZON]
        periods = past_periods(before, CHOICE_PERIODS)
        rules = forecasts(before)
        scale = naive_scale(before)
        models = {"forecast": (published.expected, published.low, published.high)} | {
            rule: (expected, *interval(periods, rule, expected)) for rule, expected in rules.items()
        }
        for model, (expected, low, high) in models.items():
            rule = published.rule if model == "forecast" else model
            is_open = expected > 0
            inside = (sold >= low) & (sold <= high) & is_open
            low_total, high_total = (ends[-1] for ends in total_interval(periods, rule, expected))
            covered = None if np.isnan(low_total) else int(low_total <= sold.sum() <= high_total)
            rows.append(
                {
                    "origin_date": known.index[start],
                    "model": model,
                    "rule": rule,
                    "mase": np.abs(sold - expected).mean() / scale if scale else None,
                    "naive_mase": np.abs(sold - rules["seasonal_naive"]).mean() / scale
                    if scale
                    else None,
                    "sold": sold.sum(),
                    "expected": expected.sum(),
                    "covered_total": covered,
                    "open_days": int(is_open.sum()),
                    "covered_days": int(inside.sum()),
                }
            )
    return rows
