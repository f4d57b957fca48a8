"""Train the churn model: a ridge logit, or boosted trees, that SQL scores from the rows returned.

p = sigmoid(level(d) + sum_j coefficient_j * clip((t_j(x_j) - mean_j) / scale_j, -6, 6))

- The slopes are learnt within snapshot dates (one nearly free dummy each), because customers of one
  day can be compared and days cannot: a whole shop churns more after Christmas.
- The level of the day that is scored comes from the levels of past days: last year's level of that
  season plus half the year's drift where the history reaches back, else the most recent ones.
- Three of the features are those of an MBG/NBD model: four numbers per shop, then elementary
  functions.
- The ridge, the freedom of the MBG/NBD slope and the rule of the level are chosen by rolling
  origin: log loss on later days, never the test date.
- Where buying does not rise or fall with the features one by one (a yearly service, say), a
  challenger takes the place of the sum: boosted trees of depth two, which SQL walks. It has to have
  a log loss at least 1 % lower, and lower on every origin; the simpler form is kept otherwise.

Two fits of one function: `backtest` knows what was known one horizon before as_of_date and is
tested on what came after; `production` knows everything up to as_of_date and scores.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pandas as pd

from clientele.baselines import baseline_rows, level_row
from clientele.choice import choose
from clientele.churn_fit import (
    ChurnFit,
    Settings,
    TooLittleDataError,
    check,
    fit_forms,
    labelled_before,
    mbg_of,
)
from clientele.frames import typed_table, use_one_thread
from clientele.levels import DAY
from clientele.sensitivity import sensitivity

LEVEL_WEEKS = 26  # levels are published this far ahead, so that scoring need not retrain

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


def metric_row(feature: str, value: float, note: str | None = None) -> dict:
    """Parameter row of a number about the fit."""
    return {
        "model": "churn",
        "parameter_type": "metric",
        "feature": feature,
        "value": float(value),
        "note": note,
    }


def train(
    frame: pd.DataFrame, day: pd.Timestamp, settings: Settings
) -> tuple[ChurnFit, dict[str, float], pd.DataFrame]:
    """Fit the model as of a day.

    Parameters
    ----------
    frame : DataFrame
        int_training_sample; rows whose outcome was not known on `day` are left out.
    day : Timestamp
    settings : Settings

    Returns
    -------
    tuple of (ChurnFit, dict of float, DataFrame)
        The fit, metrics of its choice, the rows it was trained on.

    Raises
    ------
    TooLittleDataError
        When the shop is too small, too young, or one-sided.
    """
    rows = labelled_before(frame, day, settings.horizon)
    check(rows, settings)
    setting, rule, metrics = choose(frame, day, settings)
    mbg = mbg_of(frame, day, settings.seed)
    is_trees = setting == "trees"
    fits = fit_forms(rows, settings, mbg, [] if is_trees else [setting], with_trees=is_trees)
    fitted = replace(fits[setting], rule=rule)
    metrics = metrics | {
        **({} if is_trees else {"ridge_c": setting[0], "mbg_freedom": setting[1]}),
        "train_rows": len(rows),
        "train_customers": rows["customer_id"].nunique(),
        "train_snapshots": rows["snapshot_date"].nunique(),
        "train_churn_rate": rows["is_churned"].mean(),
        "history_days": rows["history_days"].max() + (day - rows["snapshot_date"].max()) / DAY,
    }
    return fitted, metrics, rows


def parameters_of(frame: pd.DataFrame, day: pd.Timestamp, settings: Settings) -> list[dict]:
    """Parameter rows of a fit as of a day and its baselines; one status row where it cannot be."""
    try:
        fitted, metrics, rows = train(frame, day, settings)
    except TooLittleDataError as error:
        return [{"model": "churn", "parameter_type": "status", "feature": "insufficient_history",
                 "note": str(error)}]  # fmt: skip
    form_rows, offset = fitted.form.rows()
    found = [{**row, "model": "churn"} for row in form_rows]
    for week in range(LEVEL_WEEKS + 1):
        ahead = day + 7 * week * DAY
        value, rule = fitted.levels.at(ahead, fitted.rule)
        found.append(level_row(ahead, value + offset, rule))
    found += [
        {"model": "churn", "parameter_type": "constant", "feature": f"mbg_{name}", "value": value}
        for name, value in fitted.mbg.items()
    ]
    found += [
        level_row(past, value + offset, f"{count} rows")
        for past, value, count in zip(
            fitted.levels.dates, fitted.levels.values, fitted.levels.rows, strict=True
        )
    ]
    found += [metric_row(name, value) for name, value in metrics.items()]
    found += baseline_rows(rows, day)
    found.append({"model": "churn", "parameter_type": "status", "feature": "trained",
                  "note": fitted.form.name})  # fmt: skip
    return found


def training_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of the sample, in the types and the order that the fits rely on."""
    frame = frame.assign(
        snapshot_date=pd.to_datetime(frame["snapshot_date"]).astype("datetime64[ns]"),
        is_churned=frame["is_churned"].astype("boolean").fillna(False).astype(bool),
        days_to_next_order=pd.to_numeric(frame["days_to_next_order"]).astype("Float64"),
        purchase_gap_80=pd.to_numeric(frame["purchase_gap_80"]).astype("float64"),
        monetary=pd.to_numeric(frame["monetary"]).astype("float64"),
    )
    return frame.sort_values(["snapshot_date", "customer_id"], ignore_index=True)


def parameter_table(
    frame: pd.DataFrame, as_of: pd.Timestamp, settings: Settings, settings_hash: str
) -> pd.DataFrame:
    """Train both fits.

    Parameters
    ----------
    frame : DataFrame
        int_training_sample, in any order.
    as_of : Timestamp
    settings : Settings
    settings_hash : str
        Tells versions of one day with other settings apart.

    Returns
    -------
    DataFrame
        One row per fit, model and parameter, with columns COLUMNS.
    """
    frame = training_frame(frame)

    def rows_of(fit: str, day: pd.Timestamp) -> list[dict]:
        use_one_thread()
        return [{**row, "fit": fit} for row in parameters_of(frame, day, settings)]

    # Side by side, each on one thread: neither needs anything of the other.
    with ThreadPoolExecutor(2) as pool:
        backtest = pool.submit(rows_of, "backtest", as_of - settings.horizon * DAY)
        production = pool.submit(rows_of, "production", as_of)
        rows = backtest.result() + production.result()
    use_one_thread()
    rows += [{**row, "fit": "backtest"} for row in sensitivity(frame, as_of, settings)]
    version = {"model_version": f"{as_of:%Y-%m-%d}-{settings_hash[:8]}", "as_of_date": as_of}
    return typed_table([row | version for row in rows], COLUMNS)
