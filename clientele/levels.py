"""Levels: how many of a day's customers churn, when all that is known of each is taken off.

The slopes of a model are learnt within snapshot dates, because customers of one day can be compared
and days cannot. The level of a day to come follows from the levels of past days.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from scipy.special import expit

DAY = pd.Timedelta(days=1)
HALF_LIFE_DAYS = 180
LEVEL_RULES = ("last2", "ewma180", "all")
SEASON_TOLERANCE_DAYS = 16
SEASON_HISTORY_DAYS = 150


@dataclass(frozen=True)
class Levels:
    """Intercepts of past snapshot dates, and the rules that carry them to another day.

    Attributes
    ----------
    dates : DatetimeIndex, ascending
    values : array of float
        Log odds that make the mean prediction of the date its churn rate.
    rows : array of int
        Training rows of the date.
    history : array of int
        Days of the shop's history at the date.
    """

    dates: pd.DatetimeIndex
    values: np.ndarray
    rows: np.ndarray
    history: np.ndarray

    @classmethod
    def fit(
        cls, margins: np.ndarray, churned: np.ndarray, dates: np.ndarray, history: np.ndarray
    ) -> Self:
        """Solve mean(sigmoid(margin + level)) = churn rate for each date, by Newton's method."""
        levels, rows, histories = [], [], []
        days = np.unique(dates)
        for day in days:
            of_day = dates == day
            level = 0.0
            for _ in range(50):
                p = expit(margins[of_day] + level)
                step = (churned[of_day] - p).sum() / ((p * (1 - p)).sum() + 1e-9)
                # A day on which everybody or nobody churned has no finite level.
                level = float(np.clip(level + np.clip(step, -1, 1), -10, 10))
                if abs(step) < 1e-10:
                    break
            levels.append(level)
            rows.append(of_day.sum())
            histories.append(history[of_day][0])
        return cls(pd.DatetimeIndex(days), np.array(levels), np.array(rows), np.array(histories))

    def around(self, day: pd.Timestamp) -> float | None:
        """Level of the season of a day: the mean of the dates within 16 days, or None."""
        distance = np.abs((self.dates - day) / DAY)
        nearest = distance.argmin()
        if distance[nearest] > SEASON_TOLERANCE_DAYS:
            return None
        # A young shop has no old customers, and so a level that is too low.
        if self.history[nearest] < SEASON_HISTORY_DAYS:
            return None
        near = distance <= SEASON_TOLERANCE_DAYS
        return float(np.average(self.values[near], weights=1 / (1 + distance[near])))

    def at(self, day: pd.Timestamp, rule: str) -> tuple[float, str]:
        """Level of a day and the name of the rule that gave it.

        Parameters
        ----------
        day : Timestamp
        rule : str
            `last2`, `ewma180` or `all`: which recent levels hold where the season is not known.

        Returns
        -------
        tuple of (float, str)
        """
        year = 365 * DAY
        last_year = self.around(day - year)
        drifts = [
            self.values[i] - partner
            for i in range(len(self.dates) - 1, max(len(self.dates) - 4, -1), -1)
            if (partner := self.around(self.dates[i] - year)) is not None
        ]
        if last_year is not None and drifts:
            return last_year + 0.5 * float(np.mean(drifts)), "season"
        if rule == "last2":
            return float(self.values[-2:].mean()), rule
        weights = self.rows.astype(float)
        if rule == "ewma180":
            weights = weights * 0.5 ** (((self.dates[-1] - self.dates) / DAY) / HALF_LIFE_DAYS)
        return float(np.average(self.values, weights=weights)), rule
