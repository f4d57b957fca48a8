"""Features on the scale that a linear model learns them on."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

CLIP = 6.0
# A feature, its transform (`signed_log` or `identity`) and the group it gives a reason for.
Term = tuple[str, str, str]


def transformed(frame: pd.DataFrame, terms: list[Term]) -> np.ndarray:
    """Features on the scale they are learnt on.

    Parameters
    ----------
    frame : DataFrame, shape (n, ...)
        The features by name; null where unknown.
    terms : list of (feature, transform, group)
        Transforms are `signed_log`, sign(x) ln(1 + |x|), and `identity`.

    Returns
    -------
    array of float, shape (n, len(terms))
        NaN where unknown.
    """
    columns = []
    for feature, transform, _ in terms:
        values = pd.to_numeric(frame[feature], errors="coerce").to_numpy(float, na_value=np.nan)
        values = np.where(np.isfinite(values), values, np.nan)
        if transform == "signed_log":
            values = np.sign(values) * np.log1p(np.abs(values))
        columns.append(values)
    return np.column_stack(columns)


@dataclass(frozen=True)
class Scaler:
    """Fills, adds indicators of what is missing, standardises and clips.

    Attributes
    ----------
    fill : array, shape (p,)
        Weighted mean of each feature; NaN where it is never known.
    missing : array of bool, shape (p,)
        Features with an indicator column of their own, after the p features.
    mean, scale : array, shape (p + missing.sum(),)
        scale is NaN for a constant column, which then contributes nothing.
    """

    fill: np.ndarray
    missing: np.ndarray
    mean: np.ndarray
    scale: np.ndarray

    @staticmethod
    def _filled(values: np.ndarray, fill: np.ndarray, missing: np.ndarray) -> np.ndarray:
        absent = np.isnan(values)
        filled = np.where(absent, np.nan_to_num(fill), values)
        return np.column_stack([filled, absent[:, missing].astype(float)])

    @classmethod
    def fit(cls, values: np.ndarray, weights: np.ndarray) -> Self:
        """Learn from transformed features, shape (n, p), and row weights, shape (n,)."""
        known = ~np.isnan(values)
        total = (known * weights[:, None]).sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            fill = (np.where(known, values, 0) * weights[:, None]).sum(axis=0) / total
        missing = ~known.all(axis=0)
        matrix = cls._filled(values, fill, missing)
        mean = np.average(matrix, axis=0, weights=weights)
        scale = np.sqrt(np.average((matrix - mean) ** 2, axis=0, weights=weights))
        return cls(fill, missing, mean, np.where(scale < 1e-9, np.nan, scale))

    def of(self, columns: list[int]) -> Self:
        """Keep some of the features, none of which is ever missing."""
        return Scaler(
            self.fill[columns], self.missing[columns], self.mean[columns], self.scale[columns]
        )

    def transform(self, values: np.ndarray) -> np.ndarray:
        """Standardised columns, clipped to +-6; 0 for a constant one."""
        matrix = self._filled(values, self.fill, self.missing)
        return np.nan_to_num(np.clip((matrix - self.mean) / self.scale, -CLIP, CLIP))


def term_rows(terms: list[Term], scaler: Scaler, coefficients: np.ndarray) -> list[dict]:
    """Parameter rows of a scaler and its coefficients, indicators of missing values included."""
    names = [(feature, transform, group) for feature, transform, group in terms]
    fills = list(scaler.fill)
    for index in np.flatnonzero(scaler.missing):
        names.append((terms[index][0], "missing", terms[index][2]))
        fills.append(np.nan)
    return [
        {
            "parameter_type": "term",
            "feature": feature,
            "transform": transform,
            "feature_group": group,
            "fill_value": fill,
            "mean_value": mean,
            "scale_value": scale,
            "coefficient": coefficient,
        }
        for (feature, transform, group), fill, mean, scale, coefficient in zip(
            names, fills, scaler.mean, scaler.scale, coefficients, strict=True
        )
    ]
