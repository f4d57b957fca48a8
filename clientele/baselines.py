"""Simple rules that the churn model has to beat, learnt on its training rows."""

import numpy as np
import pandas as pd
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

from clientele.scaling import Scaler, Term, term_rows, transformed


def fit_simple(rows: pd.DataFrame, terms: list[Term]) -> tuple[Scaler, LogisticRegression]:
    """Fit a plain logit without ridge to speak of: a baseline. Returns scaler and estimator."""
    values = transformed(rows, terms)
    scaler = Scaler.fit(values, np.ones(len(rows)))
    estimator = LogisticRegression(C=1e3, max_iter=1000)
    estimator.fit(scaler.transform(values), rows["is_churned"].to_numpy(int))
    return scaler, estimator


def silent_rule(rows: pd.DataFrame) -> tuple[int, float, float]:
    """Find the best rule `silent for more than X days` by AUC: X, churn rates below and above."""
    recency = rows["recency_days"].to_numpy(float)
    churned = rows["is_churned"].to_numpy(int)

    def auc(days: int) -> float:
        """Area under the curve of a rule: it has one corner."""
        silent = recency > days
        return (1 + silent[churned == 1].mean() - silent[churned == 0].mean()) / 2

    limit = max(range(10, 331, 5), key=lambda days: (auc(days), -days))
    above = recency > limit
    # One more of each keeps a rate off 0 and 1, whose log odds are not finite.
    rates = [(churned[side].sum() + churned.mean()) / (side.sum() + 1) for side in (~above, above)]
    return limit, rates[0], rates[1]


def baseline_rows(rows: pd.DataFrame, day: pd.Timestamp) -> list[dict]:
    """Parameter rows of the three baselines, learnt on the training rows of the model."""
    found = []
    plain = {
        "rfm_sum": [("rfm_score_sum", "identity", "baseline")],
        "rfm_logit": [
            (feature, "signed_log", "baseline")
            for feature in ("recency_days", "frequency", "monetary")
        ],
    }
    for model_name, terms in plain.items():
        scaler, estimator = fit_simple(rows, terms)
        found += [
            {**row, "model": model_name} for row in term_rows(terms, scaler, estimator.coef_[0])
        ]
        found.append(level_row(day, float(estimator.intercept_[0]), "intercept", model_name))
    limit, below, above = silent_rule(rows)
    found.append(
        {
            "model": "silent_rule",
            "parameter_type": "term",
            "feature": "recency_days",
            "transform": "above",
            "feature_group": "baseline",
            "fill_value": float(limit),
            "mean_value": 0.0,
            "scale_value": 1.0,
            "coefficient": float(logit(above) - logit(below)),
        }
    )
    found.append(level_row(day, float(logit(below)), "intercept", "silent_rule"))
    return found


def level_row(day: pd.Timestamp, value: float, note: str, model_name: str = "churn") -> dict:
    """Parameter row of a level that holds from a day on."""
    return {
        "model": model_name,
        "parameter_type": "level",
        "snapshot_date": day,
        "value": value,
        "note": note,
    }
