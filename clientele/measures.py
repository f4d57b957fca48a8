"""How far probabilities are from what came true."""

import numpy as np
import pandas as pd


def log_losses(churned: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Negative log likelihood of each probability, shape (n,)."""
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return -(churned * np.log(p) + (1 - churned) * np.log(1 - p))


def log_loss(churned: np.ndarray, p: np.ndarray) -> float:
    """Mean negative log likelihood of probabilities."""
    return float(log_losses(churned, p).mean())


def brier_skill(
    dates: list[pd.Timestamp],
    errors: list[np.ndarray],
    constant_errors: list[np.ndarray],
    horizon: int,
) -> tuple[float, float, float]:
    """How much lower the Brier score is than that of a constant, over several dates.

    Skill is 1 - Brier score / Brier score of the constant (Murphy 1973): 0 for who knows no more
    than the share, 1 for who knows all.

    Parameters
    ----------
    dates : list of Timestamp, ascending
    errors, constant_errors : list of array, shape (n of the date,)
        Squared errors of each customer.
    horizon : int
        Days of outcome; dates closer than that share some of it, and count as one.

    Returns
    -------
    tuple of float
        Mean over the dates, and two standard errors below and above it: of customers within a date
        and of dates.
    """
    skills = np.array(
        [1 - a.mean() / b.mean() for a, b in zip(errors, constant_errors, strict=True)]
    )
    within = [
        np.std(a - (1 - skill) * b) / (b.mean() * np.sqrt(len(a)))
        for skill, a, b in zip(skills, errors, constant_errors, strict=True)
    ]
    apart = 1 + (dates[-1] - dates[0]).days / horizon
    spread = skills.var(ddof=1) / min(apart, len(skills)) if len(skills) > 1 else 0.0
    error = float(np.sqrt(np.mean(np.square(within)) + spread))
    mean = float(skills.mean())
    return mean, mean - 2 * error, mean + 2 * error


def calibration_error(churned: np.ndarray, p: np.ndarray, bins: int = 10) -> float:
    """Mean distance of predicted and observed rate over bins of equal size, weighted by size.

    Nothing tells customers of one probability apart, so that each carries the mean outcome of that
    probability, in whichever bin: the mean over all orders of them (McSherry and Najork 2008, doi
    10.1007/978-3-540-78646-7_38).
    """
    _, score = np.unique(p, return_inverse=True)
    observed = (np.bincount(score, churned) / np.bincount(score))[score]
    parts = np.array_split(np.argsort(p, kind="stable"), bins)
    return float(sum(abs((observed[i] - p[i]).sum()) for i in parts) / len(p))
