"""How far probabilities are from what came true."""

import numpy as np


def log_loss(churned: np.ndarray, p: np.ndarray) -> float:
    """Mean negative log likelihood of probabilities."""
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return float(-np.mean(churned * np.log(p) + (1 - churned) * np.log(1 - p)))


def calibration_error(churned: np.ndarray, p: np.ndarray, bins: int = 10) -> float:
    """Mean distance of predicted and observed rate over bins of equal size, weighted by size."""
    order = np.argsort(p, kind="stable")
    parts = np.array_split(order, bins)
    return float(
        sum(abs(churned[i].mean() - p[i].mean()) * len(i) for i in parts if len(i)) / len(p)
    )
