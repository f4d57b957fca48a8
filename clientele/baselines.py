"""Simple rules that the churn model has to beat, learnt on its training rows."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from clientele.scaling import Scaler, Term, term_rows, transformed

LOGITS: dict[str, list[Term]] = {
    "rfm_sum": [("rfm_score_sum", "identity", "baseline")],
    "rfm_logit": [
        (feature, "signed_log", "baseline") for feature in ("recency_days", "frequency", "monetary")
    ],
}


@dataclass(frozen=True)
class Constant:
    """The share of churners, the same for everybody: a form of the model that knows nothing."""

    name = "constant"

    def margins(self, frame: pd.DataFrame) -> np.ndarray:
        """Log odds before the level, shape (n,)."""
        return np.zeros(len(frame))

    def probabilities(self, frame: pd.DataFrame, level: float) -> np.ndarray:
        """Chance of no order, shape (n,)."""
        return np.full(len(frame), expit(level))

    def rows(self) -> tuple[list[dict], float]:
        """Parameter rows, and what the level has to take up: none."""
        return [], 0.0


@dataclass(frozen=True)
class SimpleRules:
    """The four baselines.

    Attributes
    ----------
    share : float
        Share of churners: what `constant` says of everybody.
    logits : dict of (Scaler, LogisticRegression)
        Plain logits without ridge to speak of, by name.
    silent : (int, float, float)
        `silent for more than X days`: X, churn rates below and above.
    """

    share: float
    logits: dict[str, tuple[Scaler, LogisticRegression]]
    silent: tuple[int, float, float]

    @classmethod
    def fit(cls, rows: pd.DataFrame) -> Self:
        """Learn from training rows: features and is_churned."""
        churned = rows["is_churned"].to_numpy(int)
        logits = {}
        for name, terms in LOGITS.items():
            values = transformed(rows, terms)
            scaler = Scaler.fit(values, np.ones(len(rows)))
            estimator = LogisticRegression(C=1e3, max_iter=1000)
            logits[name] = scaler, estimator.fit(scaler.transform(values), churned)
        return cls(float(churned.mean()), logits, silent_rule(rows))

    def probabilities(self, frame: pd.DataFrame) -> dict[str, np.ndarray]:
        """Chance of no order by baseline, each of shape (n,)."""
        limit, below, above = self.silent
        return {
            "constant": np.full(len(frame), self.share),
            "silent_rule": np.where(frame["recency_days"].to_numpy(float) > limit, above, below),
        } | {
            name: estimator.predict_proba(scaler.transform(transformed(frame, LOGITS[name])))[:, 1]
            for name, (scaler, estimator) in self.logits.items()
        }

    def rows(self, day: pd.Timestamp) -> list[dict]:
        """Parameter rows, with levels that hold from a day on."""
        limit, below, above = self.silent
        found = [
            level_row(day, float(logit(self.share)), "share of churners", "constant"),
            level_row(day, float(logit(below)), "intercept", "silent_rule"),
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
            },
        ]
        for name, (scaler, estimator) in self.logits.items():
            terms = term_rows(LOGITS[name], scaler, estimator.coef_[0])
            found += [{**row, "model": name} for row in terms]
            found.append(level_row(day, float(estimator.intercept_[0]), "intercept", name))
        return found


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


def level_row(day: pd.Timestamp, value: float, note: str, model_name: str = "churn") -> dict:
    """Parameter row of a level that holds from a day on."""
    return {
        "model": model_name,
        "parameter_type": "level",
        "snapshot_date": day,
        "value": value,
        "note": note,
    }
