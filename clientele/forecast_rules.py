"""Rules that forecast daily sales for 28 days: a smoothed week, with last year, and simple ones.

Each takes the days known before a day, and forecasts from that day on. The newest known day is
never used: data often end in the middle of it.
"""

import numpy as np
import pandas as pd

HORIZON = 28
WEEK = 7
YEAR = 364  # days back to the same weekday of a year before
# Known days for a past forecast; whole days for a published one with an interval.
LEAST_DAYS = 28
ENOUGH_DAYS = 56
# The forecast is the mean over all of these. On real shops, choosing among them on a shop's own few
# past periods did no better.
SMOOTHING = (0.1, 0.2, 0.3, 0.4, 0.5)
PATTERN_WEEKS = (8, 13, 26, 52)
# A weekday that sold in fewer weeks than this share of the best weekday's is closed.
CLOSED_SHARE = 0.1
CLOSED_WEEKS = 26
# Days without a sale in a row that are a closure (Christmas) in a shop that otherwise sells daily.
CLOSURE_DAYS = 5
MOST_CLOSED = 0.2  # of all days; where more are like that, such days are usual
MOST_GROWTH = 3.0


def whole_weeks(history: np.ndarray) -> np.ndarray:
    """Fold a history into weeks that end on its last day.

    Parameters
    ----------
    history : numpy.ndarray of float of shape (n_days,)

    Returns
    -------
    numpy.ndarray of float of shape (n_weeks, 7)
        Oldest first; the first column is the weekday of the day after the history.
    """
    count = len(history) // WEEK
    return history[len(history) - count * WEEK :].reshape(count, WEEK)


def next_days(week: np.ndarray) -> np.ndarray:
    """Repeat a week over the 28 days that begin two days after its last."""
    return np.tile(week, HORIZON // WEEK + 1)[1 : HORIZON + 1]


def smoothed_week(history: np.ndarray) -> np.ndarray:
    """Give the week to expect: the smoothed weekly total, spread by the share of each weekday.

    Totals are smoothed exponentially (Brown 1956); shares are those of the last weeks. Both are
    means over several settings: combined forecasts err less (Bates and Granger 1969).

    Parameters
    ----------
    history : numpy.ndarray of float of shape (n_days,)
        At least 7 days.

    Returns
    -------
    numpy.ndarray of float of shape (7,)
        From the weekday after the history; 0 for weekdays that are closed.
    """
    table = whole_weeks(history)
    totals = [table[-weeks:].sum(axis=0) for weeks in PATTERN_WEEKS]
    shares = [total / total.sum() for total in totals if total.sum() > 0]
    if not shares:
        return np.zeros(WEEK)
    sold = (table[-CLOSED_WEEKS:] > 0).sum(axis=0)
    pattern = np.where(sold < CLOSED_SHARE * sold.max(), 0.0, np.mean(shares, axis=0))
    ages = np.arange(len(table))[::-1]
    weights = [(1 - smoothing) ** ages for smoothing in SMOOTHING]
    level = np.mean([np.average(table.sum(axis=1), weights=weight) for weight in weights])
    return level * pattern / pattern.sum() if pattern.sum() > 0 else np.zeros(WEEK)


def closures(known: pd.Series) -> pd.Series:
    """Find the days of long closures: five or more without a sale in a shop that sells daily.

    Parameters
    ----------
    known : pandas.Series of float of shape (n_days,)
        By day, without gaps.

    Returns
    -------
    pandas.Series of bool
        By day; all False in a shop whose open weekdays often pass without a sale.
    """
    empty = known <= 0
    runs = empty.groupby((~empty).cumsum()).transform("sum")
    long_runs = empty & (runs >= CLOSURE_DAYS)
    others = known[~long_runs].to_frame("sales")
    by_weekday = (others["sales"] > 0).groupby(others.index.dayofweek).mean()
    open_weekdays = by_weekday[by_weekday >= CLOSED_SHARE]
    sells_daily = long_runs.mean() <= MOST_CLOSED and (open_weekdays >= 0.9).all()
    return long_runs & bool(sells_daily)


def level_rule(known: pd.Series, closed: pd.Series) -> np.ndarray:
    """Repeat the smoothed week; days on whose date a closure lay a year ago are 0.

    Parameters
    ----------
    known : pandas.Series of float of shape (n_days,)
        By day, without gaps.
    closed : pandas.Series of bool of shape (n_days,)
        Its closures.

    Returns
    -------
    numpy.ndarray of float of shape (28,)
    """
    days = pd.date_range(known.index[-1], periods=HORIZON + 1)[1:]
    closed_now = closed.reindex(days - pd.DateOffset(years=1), fill_value=False).to_numpy()
    week = smoothed_week(known.to_numpy()[:-1])
    return np.where(closed_now, 0.0, next_days(week))


def year_growth(known: pd.Series, closed: pd.Series) -> float | None:
    """Compare the same 28 days a year ago with what the smoothed week had foretold of them.

    Parameters
    ----------
    known : pandas.Series of float of shape (n_days,)
        By day, without gaps.
    closed : pandas.Series of bool of shape (n_days,)
        Its closures.

    Returns
    -------
    float or None
        What they sold over what was foretold of their open days, 1/3 to 3; None where fewer than 28
        days are known of the time before.
    """
    start = len(known) - YEAR
    if start < LEAST_DAYS:
        return None
    foretold = next_days(smoothed_week(known.to_numpy()[: start - 1]))
    foretold = foretold[~closed.to_numpy()[start : start + HORIZON]].sum()
    sold = known.to_numpy()[start : start + HORIZON].sum()
    if foretold <= 0:
        return 1.0
    return float(np.clip(sold / foretold, 1 / MOST_GROWTH, MOST_GROWTH))


def last_year_rule(known: pd.Series) -> np.ndarray | None:
    """Repeat last year's days, times the growth of the newest 28 days over theirs a year ago."""
    values = known.to_numpy()
    start = len(values) - YEAR
    if start <= HORIZON:
        return None
    before = values[start - 1 - HORIZON : start - 1].sum()
    growth = values[-1 - HORIZON : -1].sum() / before if before > 0 else 1.0
    return values[start : start + HORIZON] * growth


def forecasts(known: pd.Series) -> dict[str, np.ndarray]:
    """Forecast the 28 days after the known ones by every rule.

    Parameters
    ----------
    known : pandas.Series of float of shape (n_days,)
        By day, without gaps; at least 8 days.

    Returns
    -------
    dict of numpy.ndarray of shape (28,)
        By rule; those that need a year are missing where it is not known.
    """
    closed = closures(known)
    level, growth = level_rule(known, closed), year_growth(known, closed)
    weeks = whole_weeks(known.to_numpy()[:-1])
    rules = {
        # The root trusts last year by half.
        "weekly_level_year": None if growth is None else level * np.sqrt(growth),
        "weekly_level": level,
        "four_weeks": next_days(weeks[-4:].mean(axis=0)),
        "seasonal_naive": next_days(weeks[-1]),
        "last_year": last_year_rule(known),
    }
    return {rule: days for rule, days in rules.items() if days is not None}
