"""The ridge logit: a sum of standardised features."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from clientele.scaling import Scaler, Term, term_rows, transformed

DUMMY_SCALE = 30.0  # a ridge on a column this long is nearly none


@dataclass(frozen=True)
class Logit:
    """A sum of standardised features.

    Attributes
    ----------
    terms : list of (feature, transform, group)
    scaler : Scaler
    coefficients : array, shape (p + scaler.missing.sum(),)
    name : str
        `ridge_logit`, or `rfm_logit` of three features.
    """

    terms: list[Term]
    scaler: Scaler
    coefficients: np.ndarray
    name: str = "ridge_logit"

    def margins(self, frame: pd.DataFrame) -> np.ndarray:
        """Log odds before the level, shape (n,)."""
        return self.scaler.transform(transformed(frame, self.terms)) @ self.coefficients

    def probabilities(self, frame: pd.DataFrame, level: float) -> np.ndarray:
        """Chance of no order, shape (n,), by scikit-learn."""
        estimator = LogisticRegression()
        estimator.classes_ = np.array([0, 1])
        estimator.coef_ = np.atleast_2d(self.coefficients)
        estimator.intercept_ = np.array([level])
        return estimator.predict_proba(self.scaler.transform(transformed(frame, self.terms)))[:, 1]

    def rows(self) -> tuple[list[dict], float]:
        """Parameter rows, and what the level has to take up for SQL to sum them to the margin."""
        return term_rows(self.terms, self.scaler, self.coefficients), 0.0


def date_dummies(dates: np.ndarray) -> np.ndarray:
    """Return a column per date, shape (n, dates), which takes up what sets whole dates apart."""
    return (dates[:, None] == np.unique(dates)[None, :]) * DUMMY_SCALE


def ridge_coefficients(
    matrix: np.ndarray,
    dummies: np.ndarray,
    churned: np.ndarray,
    weights: np.ndarray,
    c: float,
    stretch: np.ndarray,
) -> np.ndarray:
    """Fit the ridge logit within dates.

    Parameters
    ----------
    matrix : array, shape (n, p)
        Standardised features.
    dummies : array, shape (n, dates)
        As date_dummies returns them.
    churned, weights : array, shape (n,)
    c : float
        Inverse strength of the ridge.
    stretch : array, shape (p,)
        How many times freer the slope of each feature is.

    Returns
    -------
    array, shape (p,)
        Log odds per standard deviation.
    """
    model = LogisticRegression(C=c, solver="newton-cholesky", max_iter=200, tol=1e-6)
    model.fit(np.hstack([matrix * stretch, dummies]), churned, sample_weight=weights)
    return model.coef_[0][: matrix.shape[1]] * stretch
