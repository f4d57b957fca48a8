"""Train the value model: expected order days, and the value of one, that SQL scores.

- Orders: what an MBG/NBD model, fitted to the customers of the day, expects of each. Once the
  outcomes of 90-day windows cover twelve months, a Poisson ridge (log link) on the logarithm of it,
  times a factor that makes the totals of the newest twelve months come true: every season counts
  once. Before, such corrections would learn a part of the year as if it were the whole, and a
  factor learnt from the past weeks made the totals of young shops worse. Richer feature sets
  extrapolated worse to horizons longer than they had seen.
- Season: the next 90 days are as far above the year as they were a year ago, plus half the drift
  since, the rule of the churn model's levels; where last year's window or its drift is unknown,
  there is no season. 365 days have none.
- Value of an order day: the customer's mean, drawn towards the shop's by two order days' weight.

Both horizons, 90 and 365 days, share the fit: the expected orders know the horizon.
"""

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import betaln, gammaln
from sklearn.linear_model import PoissonRegressor
from threadpoolctl import threadpool_limits

DAY = pd.Timedelta(days=1)
CLIP = 6.0
MBG_CUSTOMERS = 20_000
PROCESS = ("order_days", "recency_days", "tenure_days")  # what an MBG/NBD model sees of a customer
HORIZONS = (90, 365)
ALPHA = 0.1  # ridge
PRIOR_ORDER_DAYS = 2.0  # weight of the shop's mean order value
FACTOR_BOUNDS = (0.5, 2.0)  # of the factor, and of the season
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
    "transform": "str",
    "feature_group": "str",
    "snapshot_date": "date",
    "fill_value": "float",
    "mean_value": "float",
    "scale_value": "float",
    "coefficient": "float",
    "tree": "int",
    "node": "int",
    "threshold": "float",
    "value": "float",
    "note": "str",
}


def fit_mbg(order_days, recency, tenure, seed=0, penalty=1e-3):
    """Fit an MBG/NBD model by penalised maximum likelihood.

    Parameters
    ----------
    order_days : array of float, shape (n,)
        Days with an order, 1 or more.
    recency, tenure : array of float, shape (n,)
        Days since the last and the first of them.
    seed : int
        Seed of the draw of 20,000 customers, where there are more.
    penalty : float
        Weight of the squared logarithms of the parameters.

    Returns
    -------
    dict of float
        r, alpha (days), a, b.
    """
    x, t_x, age = (
        np.asarray(values, float)
        for values in (order_days - 1, np.subtract(tenure, recency), tenure)
    )
    if len(x) > MBG_CUSTOMERS:
        drawn = pd.RangeIndex(len(x)).to_series().sample(MBG_CUSTOMERS, random_state=seed)
        x, t_x, age = x[drawn], t_x[drawn], age[drawn]
    unit = 10 / age.max()
    t_x, age = t_x * unit, age * unit

    def loss(logs):
        logs = np.clip(logs, -8, 8)
        r, alpha, a, b = np.exp(logs)
        shared = (
            gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x + 1) - betaln(a, b)
        )
        alive = -(r + x) * np.log(alpha + age)
        gone = np.log(a) - np.log(b + x) - (r + x) * np.log(alpha + t_x)
        return -(shared + np.logaddexp(alive, gone)).mean() + penalty * np.sum(logs**2)

    starts = ([0, 1, 0, 0], [-1, 0, -1, 1])
    best = min((minimize(loss, s, method="L-BFGS-B") for s in starts), key=lambda found: found.fun)
    r, alpha, a, b = np.exp(np.clip(best.x, -8, 8))
    return {"r": float(r), "alpha": float(alpha / unit), "a": float(a), "b": float(b)}


def log_daily_orders(frame, mbg, horizon):
    """Logarithm of the order days per day that an MBG/NBD model expects over a horizon.

    macros/scoring/mbg_daily_orders.sql is the same in SQL. The customer is alive with probability
    P, orders at rate l = (r + x) / (alpha + T) and leaves after an order with probability
    p = a / (a + b + x + 1), so the rate fades: P l (1 - exp(-u)) / u with u = l p horizon. Rate and
    probability stand at their means; the exact sum, which needs a hypergeometric function, is
    within 6 % of the total of nine months on every shop that was looked at.

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
    fading = np.maximum(rate * a / (a + b + x + 1) * horizon, 1e-9)
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
    """Poisson ridge of order days per day, or the MBG/NBD model as it is.

    Attributes
    ----------
    mean, scale : float
        Of the feature on the training rows; the scale of a constant feature is NaN.
    coefficient, intercept : float
        On the standardised feature; the intercept holds the factor of the year. Without a year
        they give back the feature.
    levels : OrderLevels
        What the factor and the season come from.
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
        self.levels = OrderLevels.fit(rows, self)
        if self.levels.months:
            self.estimator.intercept_ += np.log(self.levels.factor)
        else:
            # The feature itself: its least value, ln(1e-12), is less than six scales away.
            self.mean, self.scale = 0.0, 5.0
            self.estimator.coef_[0], self.estimator.intercept_ = self.scale, self.mean

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

    def season(self, day, horizon):
        """Orders of a window from a day over those of an average one of the year; 1 if unknown."""
        return self.levels.season(day) if horizon == HORIZONS[0] else 1.0

    def predict(self, frame, horizon, day=None):
        """Return the order days expected over a horizon, shape (n,), by scikit-learn.

        Parameters
        ----------
        frame : DataFrame
            Columns order_days, recency_days, tenure_days.
        horizon : int
            Days ahead.
        day : Timestamp, optional
            Start of the horizon, for its season; none without.
        """
        feature = log_daily_orders(frame, self.mbg, horizon)
        expected = self.estimator.predict(self.column(feature)) * horizon
        if day is None or horizon != HORIZONS[0]:
            return expected
        # A high season cannot hold more orders than the year around it.
        return np.minimum(expected * self.season(day, horizon), self.predict(frame, HORIZONS[1]))


class OrderLevels:
    """How the 90-day totals of past snapshots compare with what one fit expects of them.

    Attributes
    ----------
    totals : DataFrame
        Index: snapshot date, ascending. Columns actual, expected, history_days.
    factor : float
        Actual over expected order days of the newest twelve months, one snapshot each; 1 while
        fewer are known.
    months : int
        Months that went into the factor: 12 or 0.
    """

    def __init__(self, totals):
        self.totals = totals[totals["actual"] > 0].sort_index()
        self.logs = np.log(self.totals["actual"] / self.totals["expected"])
        newest = totals.index.max()
        year = totals[totals.index > newest - pd.DateOffset(years=1)].sort_index()
        year = year.groupby([year.index.year, year.index.month]).first()
        self.factor, self.months = 1.0, 0
        if len(year) >= 12 and year["actual"].sum() > 0:
            ratio = year["actual"].sum() / year["expected"].sum()
            self.factor, self.months = float(np.clip(ratio, *FACTOR_BOUNDS)), 12

    @classmethod
    def fit(cls, rows, fitted):
        """Compare the outcomes of training rows with a fit that holds no factor yet."""
        rows = rows[rows["horizon"] == HORIZONS[0]]
        return cls(
            rows.assign(expected=fitted.predict(rows, HORIZONS[0]))
            .groupby("snapshot_date")
            .agg(
                actual=("orders", "sum"),
                expected=("expected", "sum"),
                history_days=("history_days", "max"),
            )
        )

    def around(self, day):
        """Mean log ratio of the snapshots within 16 days of a day, the near ones first; or None."""
        distance = np.abs((self.logs.index - day) / DAY)
        near = (distance <= SEASON_TOLERANCE_DAYS) & (
            self.totals["history_days"] >= SEASON_HISTORY_DAYS
        ).to_numpy()
        if not near.any():
            return None
        return float(np.average(self.logs[near], weights=1 / (1 + distance[near])))

    def season(self, day):
        """Last year's ratio of a day's window plus half the drift, over the factor; or 1."""
        year = 365 * DAY
        last_year = self.around(day - year)
        drifts = [
            self.logs[recent] - partner
            for recent in self.logs.index[-3:]
            if (partner := self.around(recent - year)) is not None
        ]
        if not self.months or last_year is None or not drifts:
            return 1.0
        ratio = np.exp(last_year + 0.5 * np.mean(drifts)) / self.factor
        return float(np.clip(ratio, *FACTOR_BOUNDS))


def train(frame, day):
    """Fit orders and order value as of a day.

    Parameters
    ----------
    frame : DataFrame
        int_training_sample.
    day : Timestamp
        One of its snapshot dates; the customers of that day need no outcome.

    Returns
    -------
    tuple of (OrdersFit, dict of float)
        The fit; metrics, among them mean_order_value, the mean value of an order day in money.
    """
    rows, today = outcome_rows(frame, day), frame[frame["snapshot_date"] == day]
    mbg = fit_mbg(*(today[name].to_numpy(float) for name in PROCESS))
    fitted = OrdersFit(rows, mbg)
    return fitted, {
        "mean_order_value": today["monetary"].sum() / today["order_days"].sum(),
        "prior_order_days": PRIOR_ORDER_DAYS,
        "factor": fitted.levels.factor,
        "factor_months": fitted.levels.months,
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
        predicted = fitted.predict(rows, horizon, day)
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
            "season": fitted.season(day, horizon),
        }
        found += [
            {"parameter_type": "test", "feature": name, "snapshot_date": day, "value": number,
             "note": f"{horizon} days"}
            for name, number in measured.items()
        ]  # fmt: skip
    return found


def parameters_of(frame, day, is_churn_trained):
    """Parameter rows of a fit as of a day; one status row where there is none."""
    reason = None
    if not is_churn_trained:
        reason = "there is no churn model, without which there is no value"
    elif not (frame["snapshot_date"] == day).any():
        reason = "no customer ordered in the last 365 days"
    elif outcome_rows(frame, day)["orders"].sum() == 0:
        reason = "no customer ordered again"
    if reason:
        return [
            {"parameter_type": "status", "feature": "insufficient_history", "note": reason},
        ]
    fitted, metrics = train(frame, day)
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
            {
                "parameter_type": "season",
                "snapshot_date": ahead,
                "value": fitted.season(ahead, HORIZONS[0]),
                "note": f"{HORIZONS[0]} days",
            }
            for ahead in pd.date_range(day, periods=SEASON_WEEKS + 1, freq="7D")
        ],
        *[
            {"parameter_type": "constant", "feature": f"mbg_{name}", "value": number}
            for name, number in fitted.mbg.items()
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
    statuses = read(
        dbt.ref("churn_model").filter(
            f"parameter_type = 'status' and as_of_date <= '{as_of:%Y-%m-%d}'"
        )
    )
    newest = statuses[statuses["as_of_date"] == statuses["as_of_date"].max()]
    trained = set(newest.loc[newest["feature"] == "trained", "fit"])
    # For good, since models that train at the same time share the setting.
    threadpool_limits(limits=1)
    rows = [
        {**row, "fit": fit, "model": "orders"}
        for fit, day in (("backtest", as_of - horizon * DAY), ("production", as_of))
        for row in parameters_of(frame, day, fit in trained)
    ]
    return parameter_table(rows, f"{as_of:%Y-%m-%d}-{settings_hash[:8]}", as_of)
