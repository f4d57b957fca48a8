"""Tables of the sales forecast: daily sales in, one row per forecast day or past forecast out."""

import pandas as pd

from clientele.forecast import METHODS, forecast, score
from clientele.forecast_rules import HORIZON
from clientele.frames import typed_table

MEASURES = {"revenue": "revenue", "units": "unit_count"}
DAYS = {
    "measure": "str",
    "order_date": "str",
    "expected": "float",
    "low": "float",
    "high": "float",
    "total": "float",
    "low_total": "float",
    "high_total": "float",
    "rule": "str",
    "forecast_method": "str",
    "forecast_status": "str",
    "status_reason": "str",
}
BACKTEST = {
    "origin_date": "str",
    "model": "str",
    "rule": "str",
    "mase": "float",
    "naive_mase": "float",
    "sold": "float",
    "expected": "float",
    "covered_total": "int",
    "open_days": "int",
    "covered_days": "int",
}


def daily_series(daily: pd.DataFrame, measure: str, as_of_date: pd.Timestamp) -> pd.Series:
    """Take a measure by day, from its first sale to the day before as_of_date.

    Parameters
    ----------
    daily : pandas.DataFrame
        Rows of `daily_sales`.
    measure : str
        A column of it.
    as_of_date : pandas.Timestamp

    Returns
    -------
    pandas.Series of float
        By day, without gaps; empty where nothing was sold.
    """
    days = pd.to_datetime(daily["order_date"])
    series = pd.Series(daily[measure].astype("float64").to_numpy(), index=days).sort_index()
    series = series[series.index < as_of_date]
    sold = series.index[series > 0]
    if sold.empty:
        return pd.Series(dtype="float64", index=pd.DatetimeIndex([]))
    every_day = pd.date_range(sold[0], as_of_date - pd.Timedelta(days=1))
    return series.reindex(every_day, fill_value=0.0).fillna(0.0)


def forecast_table(daily: pd.DataFrame, as_of_date: pd.Timestamp) -> pd.DataFrame:
    """Forecast revenue and units of the 28 days from as_of_date.

    Parameters
    ----------
    daily : pandas.DataFrame
        Columns order_date, revenue (money) and unit_count of `daily_sales`.
    as_of_date : pandas.Timestamp
        First day to forecast.

    Returns
    -------
    pandas.DataFrame
        Columns DAYS, one row per measure and day; dates as ISO text.
    """
    rows = []
    for measure, column in MEASURES.items():
        result = forecast(daily_series(daily, column, as_of_date))
        rows += [
            {
                "measure": measure,
                "order_date": f"{as_of_date + pd.Timedelta(days=day):%Y-%m-%d}",
                "expected": result.expected[day],
                "low": result.low[day],
                "high": result.high[day],
                "total": result.expected[: day + 1].sum(),
                "low_total": result.low_total[day],
                "high_total": result.high_total[day],
                "rule": result.rule,
                "forecast_method": METHODS.get(result.rule, ""),
                "forecast_status": result.status,
                "status_reason": result.reason,
            }
            for day in range(HORIZON)
        ]
    return typed_table(rows, DAYS)


def backtest_table(daily: pd.DataFrame, as_of_date: pd.Timestamp) -> pd.DataFrame:
    """Measure the forecasts of revenue that would have been published before.

    Parameters
    ----------
    daily : pandas.DataFrame
        Columns order_date and revenue (money) of `daily_sales`.
    as_of_date : pandas.Timestamp

    Returns
    -------
    pandas.DataFrame
        Columns BACKTEST, see `score`; without a row where history is short.
    """
    rows = score(daily_series(daily, "revenue", as_of_date))
    return typed_table(
        [row | {"origin_date": f"{row['origin_date']:%Y-%m-%d}"} for row in rows], BACKTEST
    )
