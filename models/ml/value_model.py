"""Train the value model: expected order days, and the value of one, that SQL scores.

- Orders: a Poisson ridge (log link) on one feature, the logarithm of the daily orders that the
  MBG/NBD model of `churn_model` expects over the horizon, times a factor that makes the totals of
  past predictions come true. Richer feature sets extrapolated worse to horizons longer than they
  had seen.
- Value of an order day: the customer's mean, drawn towards the shop's by two order days' weight.

Both horizons, 90 and 365 days, share the fit: the expected orders know the horizon. A shop without
a year of outcomes learns from 90 days alone.
"""

import numpy as np
import pandas as pd
from sklearn.linear_model import PoissonRegressor
from threadpoolctl import threadpool_limits

DAY = pd.Timedelta(days=1)
CLIP = 6.0
HORIZONS = (90, 365)
ALPHA = 0.1  # ridge
PRIOR_ORDER_DAYS = 2.0  # weight of the shop's mean order value
FACTOR_BOUNDS = (0.5, 2.0)

COLUMNS = {
    "model_version": "str",
    "as_of_date": "date",
    "fit": "str",
    "model": "str",
    "parameter_type": "str",
    "feature": "str",
    "transform": "str",
    "feature_group": "str",
    "snapshot_date": "date",
    "fill_value": "float",
    "mean_value": "float",
    "scale_value": "float",
    "coefficient": "float",
    "value": "float",
    "note": "str",
}


def log_daily_orders(frame, mbg, horizon):
    """Logarithm of the order days per day that an MBG/NBD model expects over a horizon.

    macros/scoring/mbg_daily_orders.sql is the same in SQL. The customer is alive with probability
    P, orders at rate l = (r + x) / (alpha + T) and leaves after an order with probability
    a / (a + b + x), so the rate fades: P l (1 - exp(-u)) / u with u = l a / (a + b + x) horizon.

    Parameters
    ----------
    frame : DataFrame
        Columns order_days, recency_days, tenure_days.
    mbg : dict of float
        r, alpha (days), a, b.
    horizon : int or array of int, shape (n,)
        Days ahead.

    Returns
    -------
    array of float, shape (n,)
    """
    x = frame["order_days"].to_numpy(float) - 1
    age = frame["tenure_days"].to_numpy(float)
    t_x = age - frame["recency_days"].to_numpy(float)
    r, alpha, a, b = mbg["r"], mbg["alpha"], mbg["a"], mbg["b"]
    odds = np.log(b + x) - np.log(a) + (r + x) * (np.log(alpha + t_x) - np.log(alpha + age))
    alive = 1 / (1 + np.exp(-np.clip(odds, -500, 500)))
    rate = (r + x) / (alpha + age)
    fading = np.maximum(rate * a / (a + b + x) * horizon, 1e-9)
    return np.log(np.maximum(alive * rate * (1 - np.exp(-fading)) / fading, 1e-12))


def outcome_rows(frame, day):
    """One row per snapshot and horizon that was over on a day: the features, orders, value."""
    parts = [
        frame[frame["snapshot_date"] + horizon * DAY <= day].assign(
            horizon=horizon,
            orders=lambda rows, h=horizon: rows[f"orders_next_{h}"],
            order_value=lambda rows, h=horizon: rows[f"value_next_{h}"],
        )
        for horizon in HORIZONS
    ]
    return pd.concat(parts, ignore_index=True)


class OrdersFit:
    """Poisson ridge of order days per day.

    Attributes
    ----------
    mean, scale : float
        Of the feature on the training rows; the scale of a constant feature is NaN.
    coefficient, intercept : float
        On the standardised feature; the intercept holds the factor of past predictions.
    """

    def __init__(self, rows, mbg):
        self.mbg = mbg
        feature = log_daily_orders(rows, mbg, rows["horizon"].to_numpy(float))
        self.mean, self.scale = float(feature.mean()), float(feature.std())
        if self.scale < 1e-9:
            self.scale = np.nan
        daily = rows["orders"].to_numpy(float) / rows["horizon"].to_numpy(float)
        unit = daily.mean()
        weights = rows["horizon"].to_numpy(float)
        self.estimator = PoissonRegressor(alpha=ALPHA, max_iter=2000, tol=1e-8)
        self.estimator.fit(
            self.column(feature), daily / unit, sample_weight=weights / weights.mean()
        )
        self.estimator.intercept_ += np.log(unit)

    @property
    def coefficient(self):
        """Slope on the standardised feature."""
        return float(self.estimator.coef_[0])

    @property
    def intercept(self):
        """Logarithm of the daily orders at the mean feature."""
        return float(self.estimator.intercept_)

    def column(self, feature):
        """Standardised and clipped feature, shape (n, 1)."""
        return np.nan_to_num(np.clip((feature - self.mean) / self.scale, -CLIP, CLIP))[:, None]

    def predict(self, frame, horizon):
        """Return the order days expected over a horizon, shape (n,), by scikit-learn."""
        feature = log_daily_orders(frame, self.mbg, horizon)
        return self.estimator.predict(self.column(feature)) * horizon


def calibrate(frame, day, mbg):
    """Factor that makes the totals of past predictions come true, and how many went into it.

    Parameters
    ----------
    frame : DataFrame
        int_training_sample.
    day : Timestamp
        Nothing after it is used.
    mbg : dict of float

    Returns
    -------
    tuple of (float, int)
        Actual over predicted order days of the three newest snapshots that had two before them.
    """
    actual = predicted = 0.0
    used = 0
    known = outcome_rows(frame, day)
    for origin in sorted(known["snapshot_date"].unique(), reverse=True):
        rows = outcome_rows(frame, origin)
        if rows["snapshot_date"].nunique() < 2 or rows["orders"].sum() == 0:
            continue
        fitted = OrdersFit(rows, mbg)
        for horizon in sorted(rows["horizon"].unique()):
            test = known[(known["snapshot_date"] == origin) & (known["horizon"] == horizon)]
            if len(test):
                actual += float(test["orders"].sum())
                predicted += float(fitted.predict(test, horizon).sum())
        used += 1
        if used == 3:
            break
    if not predicted or not actual:
        return 1.0, 0
    return float(np.clip(actual / predicted, *FACTOR_BOUNDS)), used


def train(frame, day, mbg):
    """Fit orders and order value as of a day.

    Parameters
    ----------
    frame : DataFrame
        int_training_sample.
    day : Timestamp
    mbg : dict of float

    Returns
    -------
    tuple of (OrdersFit, dict of float)
        The fit; metrics, among them mean_order_value, the mean value of an order day in money.
    """
    rows = outcome_rows(frame, day)
    fitted = OrdersFit(rows, mbg)
    factor, origins = calibrate(frame, day, mbg)
    fitted.estimator.intercept_ += np.log(factor)
    newest = rows[rows["snapshot_date"] == rows["snapshot_date"].max()]
    return fitted, {
        "mean_order_value": newest["monetary"].sum() / newest["order_days"].sum(),
        "prior_order_days": PRIOR_ORDER_DAYS,
        "factor": factor,
        "factor_origins": origins,
        "train_rows": len(rows),
    }


def backtest_metrics(frame, day, fitted, metrics):
    """Measure errors on the snapshot of a day that the fit has not seen: one set per horizon."""
    found = []
    for horizon in HORIZONS:
        rows = frame[(frame["snapshot_date"] == day) & frame[f"orders_next_{horizon}"].notna()]
        if rows.empty:
            continue
        orders = rows[f"orders_next_{horizon}"].to_numpy(float)
        value = rows[f"value_next_{horizon}"].to_numpy(float)
        predicted = fitted.predict(rows, horizon)
        prior = metrics["prior_order_days"]
        each = (prior * metrics["mean_order_value"] + rows["monetary"].to_numpy(float)) / (
            prior + rows["order_days"].to_numpy(float)
        )
        measured = {
            "customers": len(rows),
            "orders_rmse": np.sqrt(np.mean((predicted - orders) ** 2)),
            "orders_total_error": predicted.sum() / orders.sum() - 1 if orders.sum() else np.nan,
            "value_mae": np.abs(predicted * each - value).mean(),
            "value_total_error": (predicted * each).sum() / value.sum() - 1
            if value.sum()
            else np.nan,
        }
        found += [
            {"parameter_type": "test", "feature": name, "snapshot_date": day, "value": number,
             "note": f"{horizon} days"}
            for name, number in measured.items()
        ]  # fmt: skip
    return found


def parameters_of(frame, day, mbg):
    """Parameter rows of a fit as of a day; one status row where there is none."""
    rows = outcome_rows(frame, day)
    reason = None
    if len(mbg) < 4:
        reason = "there is no churn model, whose parameters it needs"
    elif rows["orders"].sum() == 0:
        reason = "no customer ordered again"
    if reason:
        return [
            {"parameter_type": "status", "feature": "insufficient_history", "note": reason},
        ]
    fitted, metrics = train(frame, day, mbg)
    return [
        {
            "parameter_type": "term",
            "feature": "log_daily_orders",
            "transform": "identity",
            "feature_group": "orders",
            "fill_value": fitted.mean,
            "mean_value": fitted.mean,
            "scale_value": fitted.scale,
            "coefficient": fitted.coefficient,
        },
        {"parameter_type": "level", "snapshot_date": day, "value": fitted.intercept},
        *[
            {"parameter_type": "constant", "feature": f"mbg_{name}", "value": number}
            for name, number in mbg.items()
        ],
        *[
            {"parameter_type": "metric", "feature": name, "value": float(number)}
            for name, number in metrics.items()
        ],
        *backtest_metrics(frame, day, fitted, metrics),
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


def training_frame(frame):
    """Give the sample the types and the order of rows that the fits rely on."""
    numbers = ["monetary", *(f"{what}_next_{h}" for h in HORIZONS for what in ("orders", "value"))]
    frame = frame.assign(
        snapshot_date=pd.to_datetime(frame["snapshot_date"]).astype("datetime64[ns]"),
        **{name: pd.to_numeric(frame[name]).astype("float64") for name in numbers},
    )
    return frame.sort_values(["snapshot_date", "customer_id"], ignore_index=True)


def model(dbt, session):
    """Return the parameters of both fits, one row each; see the model's description."""
    horizon = int(dbt.config.meta_get("churn_horizon_days"))
    settings_hash = dbt.config.meta_get("settings_hash")
    clock = read(dbt.ref("as_of_date"))
    as_of = pd.Timestamp(clock["as_of_date"].iloc[0])
    frame = training_frame(read(dbt.ref("int_training_sample")))
    constants = read(dbt.ref("churn_parameters"))
    constants = constants[constants["parameter_type"] == "constant"]
    # For good, since models that train at the same time share the setting.
    threadpool_limits(limits=1)
    rows = []
    for fit, day in (("backtest", as_of - horizon * DAY), ("production", as_of)):
        of_fit = constants[constants["fit"] == fit]
        names = of_fit["feature"].str.removeprefix("mbg_")
        mbg = dict(zip(names, of_fit["value"].astype(float), strict=True))
        rows += [{**row, "fit": fit, "model": "orders"} for row in parameters_of(frame, day, mbg)]
    return parameter_table(rows, f"{as_of:%Y-%m-%d}-{settings_hash[:8]}", as_of)
