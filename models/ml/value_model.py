"""Train the value model: factors that make totals come true, and what an order day is worth.

macros/scoring/expected_orders.sql expects order days of each customer, by the churn model and an
MBG/NBD model. What is learnt here are three numbers about the shop:

- Season, of the next 90 days: how often those ordered who ordered in the same 90 days a year ago,
  over how often they were expected to, given that they would. (Whether customers order has a
  season too, which the churn model's level follows.)
- Year, of the next 365 days: actual over MBG/NBD orders of the newest twelve months, one 90-day
  window each, so that every season counts once. While fewer are known a part of the year would be
  taken for the whole, so there is none.
- Value of an order day: the customer's mean, drawn towards the shop's by two order days' weight.
"""

import numpy as np
import pandas as pd

DAY = pd.Timedelta(days=1)
PRIOR_ORDER_DAYS = 2.0  # weight of the shop's mean order value
FACTOR_BOUNDS = (0.5, 2.0)  # of the season and the year
SEASON_TOLERANCE_DAYS = 16
SEASON_HISTORY_DAYS = 150  # a younger shop has too few old customers to tell a season
SEASON_WEEKS = 26  # seasons are published this far ahead, so that scoring need not retrain

COLUMNS = {
    "model_version": "str",
    "as_of_date": "date",
    "fit": "str",
    "model": "str",
    "parameter_type": "str",
    "feature": "str",
    "snapshot_date": "date",
    "value": "float",
    "note": "str",
}


def season_of(totals, day):
    """Season of the 90 days from a day on: their ratio a year ago; 1 where it is not known.

    Parameters
    ----------
    totals : DataFrame
        order_totals of one fit, by snapshot date.
    day : Timestamp
    """
    distance = np.abs((totals.index - (day - 365 * DAY)) / DAY)
    near = totals[
        (distance <= SEASON_TOLERANCE_DAYS) & (totals["history_days"] >= SEASON_HISTORY_DAYS)
    ].sum()
    if near["expected_orders_90"] == 0:
        return 1.0
    return float(np.clip(near["orders_next_90"] / near["expected_orders_90"], *FACTOR_BOUNDS))


def year_of(totals):
    """Factor on the orders of a year; 1 while twelve months are not known."""
    year = totals[totals.index > totals.index.max() - pd.DateOffset(years=1)]
    months = year.groupby([year.index.year, year.index.month]).first()
    if len(months) < 12:
        return 1.0
    return float(
        np.clip(months["orders_next_90"].sum() / months["mbg_orders_90"].sum(), *FACTOR_BOUNDS)
    )


def parameters_of(totals, day):
    """Parameter rows of a fit as of a day; one status row where there is none.

    Parameters
    ----------
    totals : DataFrame
        order_totals of one fit, by snapshot date, the last of which is `day`.
    day : Timestamp
    """
    past, today = totals[totals.index < day], totals[totals.index == day]
    reason = None
    if totals.empty:
        reason = "there is no churn model, without which there is no value"
    elif today.empty:
        reason = "no customer ordered in the last 365 days"
    elif past["orders_next_90"].sum() == 0:
        reason = "no customer ordered again"
    if reason:
        return [
            {"parameter_type": "status", "feature": "insufficient_history", "note": reason},
        ]
    metrics = {
        "year": year_of(past),
        "mean_order_value": today["monetary"].iloc[0] / today["order_days"].iloc[0],
        "prior_order_days": PRIOR_ORDER_DAYS,
        "train_snapshots": len(past),
    }
    return [
        *[
            {"parameter_type": "season", "snapshot_date": ahead, "value": season_of(past, ahead)}
            for ahead in pd.date_range(day, periods=SEASON_WEEKS + 1, freq="7D")
        ],
        *[
            {"parameter_type": "metric", "feature": name, "value": float(number)}
            for name, number in metrics.items()
        ],
        {"parameter_type": "status", "feature": "trained"},
    ]


def parameter_table(rows, version, as_of):
    """Rows as a table with a fixed type per column and upper-case names, which Snowflake needs."""
    table = pd.DataFrame(rows).reindex(columns=list(COLUMNS))
    table["model_version"] = version
    table["as_of_date"] = as_of
    for column, kind in COLUMNS.items():
        if kind == "float":
            table[column] = pd.to_numeric(table[column]).astype("float64")
        elif kind == "int":
            table[column] = pd.to_numeric(table[column]).astype("Int64")
        elif kind == "date":
            table[column] = pd.to_datetime(table[column]).astype("datetime64[us]")
        else:
            # A column of nothing but nulls would take no type.
            table[column] = table[column].astype("string").fillna("")
    return table.rename(columns=str.upper)


def read(relation):
    """Read a relation of either warehouse as a DataFrame with lower-case columns."""
    frame = relation.to_pandas() if hasattr(relation, "to_pandas") else relation.df()
    return frame.rename(columns=str.lower)


def model(dbt, session):
    """Return the parameters of both fits, one row each; see the model's description."""
    horizon = int(dbt.config.meta_get("churn_horizon_days"))
    settings_hash = dbt.config.meta_get("settings_hash")
    clock = read(dbt.ref("as_of_date"))
    as_of = pd.Timestamp(clock["as_of_date"].iloc[0])
    totals = read(dbt.ref("order_totals"))
    totals = totals.astype({name: float for name in totals if name not in ("fit", "snapshot_date")})
    totals["snapshot_date"] = pd.to_datetime(totals["snapshot_date"])
    totals = totals.set_index("snapshot_date").sort_index()
    rows = [
        {**row, "fit": fit, "model": "orders"}
        for fit, day in (("backtest", as_of - horizon * DAY), ("production", as_of))
        for row in parameters_of(totals[totals["fit"] == fit], day)
    ]
    return parameter_table(rows, f"{as_of:%Y-%m-%d}-{settings_hash[:8]}", as_of)
