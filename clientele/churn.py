"""Train the churn model: a ridge logit, or boosted trees, that SQL scores from the rows returned.

p = sigmoid(level(d) + sum_j coefficient_j * clip((t_j(x_j) - mean_j) / scale_j, -6, 6))

- The slopes are learnt within snapshot dates (one nearly free dummy each), because customers of one
  day can be compared and days cannot: a whole shop churns more after Christmas.
- The level of the day that is scored comes from the levels of past days: last year's level of that
  season plus half the year's drift where the history reaches back, else the most recent ones.
- Three of the features are those of an MBG/NBD model: four numbers per shop, then elementary
  functions.
- The form, the ridge, the freedom of the MBG/NBD slope and the rule of the level are chosen by
  rolling origin: log loss on later days, never the test date.
- Where buying does not rise or fall with the features one by one (a yearly service, say), a
  challenger takes the place of the sum: boosted trees of depth two, which SQL walks. It has to have
  a log loss at least 1 % lower, and lower on every origin; the simpler form is kept otherwise.
- Where recency, frequency and monetary alone do as well, they are the model. Where nothing beats
  the share of churners, that share is all that is said of anybody: `no_skill`.

Three fits of one function: `backtest` knows what was known one horizon before as_of_date and is
tested on what came after; `backtest_year` what was known a year before, for the value of a year;
`production` knows everything up to as_of_date and scores.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pandas as pd

from clientele.baselines import SimpleRules, level_row
from clientele.choice import Choice, Origin, choose, origin_dates, origin_of
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
    frame: pd.DataFrame, day: pd.Timestamp, settings: Settings, origins: list[Origin]
) -> tuple[ChurnFit, Choice, dict[str, float]]:
    """Fit the model as of a day.

    Parameters
    ----------
    frame : DataFrame
        int_training_sample; rows whose outcome was not known on `day` are left out.
    day : Timestamp
    settings : Settings
    origins : list of Origin
        As `origins_of` gives them, for this day or for a later one too.

    Returns
    -------
    tuple of (ChurnFit, Choice, dict of float)
        The fit, how it was chosen, metrics of both.

    Raises
    ------
    TooLittleDataError
        When the shop is too small, too young, or one-sided.
    """
    rows = labelled_before(frame, day, settings.horizon)
    check(rows, settings)
    choice = choose(origins, day, settings.horizon)
    mbg = mbg_of(frame, day, settings.seed)
    fitted = fit_forms(rows, settings, mbg, [choice.setting])[choice.setting]
    fitted = replace(fitted, rule=choice.rule)
    is_ridge = isinstance(choice.setting, tuple)
    metrics = choice.metrics | {
        **({"ridge_c": choice.setting[0], "mbg_freedom": choice.setting[1]} if is_ridge else {}),
        "train_rows": len(rows),
        "train_customers": rows["customer_id"].nunique(),
        "train_snapshots": rows["snapshot_date"].nunique(),
        "train_churn_rate": rows["is_churned"].mean(),
        "history_days": rows["history_days"].max() + (day - rows["snapshot_date"].max()) / DAY,
    }
    return fitted, choice, metrics


def origins_of(frame: pd.DataFrame, days: list[pd.Timestamp], settings: Settings) -> list[Origin]:
    """Fit all candidates on the past dates that choices on some days look at, ascending."""
    dates = sorted({d for day in days for d in origin_dates(frame, day, settings.horizon)})

    def one(date: pd.Timestamp) -> Origin | None:
        use_one_thread()
        return origin_of(frame, date, settings)

    # Side by side, each on one thread: none needs anything of another.
    with ThreadPoolExecutor(2) as pool:
        return [origin for origin in pool.map(one, dates) if origin]


def parameters_of(
    frame: pd.DataFrame, day: pd.Timestamp, settings: Settings, origins: list[Origin]
) -> list[dict]:
    """Parameter rows of a fit as of a day and its baselines; one status row where it cannot be."""
    try:
        fitted, choice, metrics = train(frame, day, settings, origins)
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
    found += [
        {"model": name, "parameter_type": "skill", "feature": feature, "value": value}
        for name, skill in choice.skills.items()
        for feature, value in zip(("mean", "low", "high"), skill, strict=True)
    ]
    found += SimpleRules.fit(labelled_before(frame, day, settings.horizon)).rows(day)
    has_skill = choice.setting != "constant"
    found.append({"model": "churn", "parameter_type": "status",
                  "feature": "trained" if has_skill else "no_skill",
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
    """Train all fits.

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

    use_one_thread()
    days = {
        "backtest": as_of - settings.horizon * DAY,
        # As int_snapshot_dates has it.
        "backtest_year": (as_of - 365 * DAY).replace(day=1),
        "production": as_of,
    }
    origins = origins_of(frame, list(days.values()), settings)
    rows = [
        {**row, "fit": fit}
        for fit, day in days.items()
        for row in parameters_of(frame, day, settings, origins)
    ]
    rows += [{**row, "fit": "backtest"} for row in sensitivity(frame, as_of, settings)]
    version = {"model_version": f"{as_of:%Y-%m-%d}-{settings_hash[:8]}", "as_of_date": as_of}
    return typed_table([row | version for row in rows], COLUMNS)
