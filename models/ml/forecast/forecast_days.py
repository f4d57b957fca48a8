"""Forecast the next 28 days of sales; see clientele/forecast.py."""

from clientele.forecast_tables import forecast_table
from clientele.frames import read, read_clock, written


def model(dbt, session):
    """Forecast the shop's revenue and units by day; see the model's description."""
    # dbt finds a ref only in a statement of its own.
    clock = dbt.ref("as_of_date")
    daily = dbt.ref("daily_sales")
    return written(forecast_table(read(daily), read_clock(clock)))
