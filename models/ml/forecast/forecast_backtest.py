"""Measure the forecasts that past days would have published; see clientele/forecast.py."""

from clientele.forecast_tables import backtest_table
from clientele.frames import read, read_clock, written


def model(dbt, session):
    """Forecast past periods of 28 days, and hold what sold against it; see the description."""
    # dbt finds a ref only in a statement of its own.
    clock = dbt.ref("as_of_date")
    daily = dbt.ref("daily_sales")
    return written(backtest_table(read(daily), read_clock(clock)))
