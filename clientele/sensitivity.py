"""How well churn can be told when it is defined by another horizon."""

from dataclasses import replace

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from clientele.choice import DEFAULT_CHOICE
from clientele.churn_fit import (
    Settings,
    TooLittleDataError,
    check,
    fit_forms,
    labelled_before,
    mbg_of,
)
from clientele.measures import calibration_error, log_loss


def sensitivity(frame: pd.DataFrame, as_of: pd.Timestamp, settings: Settings) -> list[dict]:
    """How well churn can be told at this horizon and others; metric rows, one set per horizon.

    Each horizon is tested on the newest snapshot whose outcome is known, with training rows whose
    outcome was known then. The horizon of the features stays that of the settings.
    """
    own_gap = frame["purchase_gap_80"].max() if len(frame) else np.nan
    horizons = {f"{days} days": days for days in sorted({30, 60, 90, 180, settings.horizon})}
    if np.isfinite(own_gap) and own_gap >= 1:
        horizons["80 % purchase gap"] = int(own_gap)
    found = []
    for name, horizon in horizons.items():
        later = frame["days_to_next_order"].to_numpy(float, na_value=np.nan)
        labelled = frame.assign(is_churned=~(later < horizon))
        labelled = labelled_before(labelled, as_of, horizon)
        if labelled.empty:
            continue
        day = labelled["snapshot_date"].max()
        test = labelled[labelled["snapshot_date"] == day]
        told = replace(settings, horizon=horizon)
        rows = labelled_before(labelled, day, horizon)
        row = {"horizon_days": horizon, "test_customers": len(test),
               "churn_rate": test["is_churned"].mean()}  # fmt: skip
        try:
            check(rows, settings)
            mbg = mbg_of(frame, day, settings.seed)
            fitted = fit_forms(rows, told, mbg, [DEFAULT_CHOICE[0]])[DEFAULT_CHOICE[0]]
            churned = test["is_churned"].to_numpy(float)
            p = fitted.probabilities(test, day)
            row |= {
                "brier": np.mean((p - churned) ** 2),
                "log_loss": log_loss(churned, p),
                "calibration_error": calibration_error(churned, p),
            }
            if 0 < churned.mean() < 1:
                row["auc"] = roc_auc_score(churned, p)
        except TooLittleDataError:
            pass
        found += [
            {
                "model": "churn",
                "parameter_type": "sensitivity",
                "feature": metric,
                "snapshot_date": day,
                "value": float(value),
                "note": name,
            }
            for metric, value in row.items()
        ]
    return found
