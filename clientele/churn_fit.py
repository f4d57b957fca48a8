"""One fit of the churn model, in either form, on what was known on a day."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from clientele.baselines import Constant
from clientele.levels import DAY, HALF_LIFE_DAYS, Levels
from clientele.logit import Logit, date_dummies, ridge_coefficients
from clientele.mbg_nbd import fit_mbg, mbg_features
from clientele.scaling import Scaler, Term, transformed
from clientele.trees import Trees

# A ridge logit by (inverse strength C of the ridge, how many times freer the slope of mbg_no_order
# is), or `constant`, `rfm_logit`, `trees`.
Setting = tuple[float, float] | str
RFM = ("recency_days", "order_days", "monetary")
RFM_RIDGE = 1.0


@dataclass(frozen=True)
class Settings:
    """What the model is told by its YAML.

    Attributes
    ----------
    features : dict
        Group of features -> transform (`signed_log` or `identity`) -> names.
    horizon : int
        Days without an order after which a customer counts as churned.
    minimum_customers, minimum_snapshots : int
        Below either, no model is trained.
    seed : int
        Seed of the draws that bound the cost of a fit.
    """

    features: dict
    horizon: int
    minimum_customers: int
    minimum_snapshots: int
    seed: int

    @property
    def terms(self) -> list[Term]:
        """List of (feature, transform, group) in a fixed order."""
        return [
            (feature, transform, group)
            for group, transforms in self.features.items()
            for transform, names in transforms.items()
            for feature in names
        ]


class TooLittleDataError(ValueError):
    """The shop is too small or too young for a model; the message says why."""


@dataclass(frozen=True)
class ChurnFit:
    """A fitted model: what it takes to score a customer."""

    form: Logit | Trees | Constant
    horizon: int
    mbg: dict
    levels: Levels
    rule: str = "last2"

    def margins(self, frame: pd.DataFrame) -> np.ndarray:
        """Log odds before the level, shape (n,)."""
        return self.form.margins(frame.join(mbg_features(frame, self.mbg, self.horizon)))

    def probabilities(self, frame: pd.DataFrame, day: pd.Timestamp) -> np.ndarray:
        """Chance of no order within the horizon, shape (n,)."""
        frame = frame.join(mbg_features(frame, self.mbg, self.horizon))
        return self.form.probabilities(frame, self.levels.at(day, self.rule)[0])


def labelled_before(frame: pd.DataFrame, day: pd.Timestamp, horizon: int) -> pd.DataFrame:
    """Rows whose outcome was known on a day."""
    return frame[frame["snapshot_date"] + horizon * DAY <= day]


def mbg_of(frame: pd.DataFrame, day: pd.Timestamp, seed: int) -> dict[str, float]:
    """MBG/NBD model of the customers of a day, or of the newest snapshot before it."""
    known = frame[frame["snapshot_date"] <= day]
    newest = known[known["snapshot_date"] == known["snapshot_date"].max()]
    return fit_mbg(
        newest["order_days"].to_numpy(float),
        newest["recency_days"].to_numpy(float),
        newest["tenure_days"].to_numpy(float),
        seed,
    )


def fit_forms(
    rows: pd.DataFrame, settings: Settings, mbg: dict[str, float], wanted: list[Setting]
) -> dict[Setting, ChurnFit]:
    """Fit the model in several forms or settings, sharing what does not depend on them.

    Parameters
    ----------
    rows : DataFrame
        Training rows: features, is_churned, snapshot_date, history_days.
    settings : Settings
    mbg : dict of float
    wanted : list of Setting

    Returns
    -------
    dict of ChurnFit
        By setting.
    """
    terms = settings.terms
    rows = rows.join(mbg_features(rows, mbg, settings.horizon))
    values = transformed(rows, terms)
    dates = rows["snapshot_date"].to_numpy()
    ages = (dates.max() - dates) / np.timedelta64(1, "D")
    weights = 0.5 ** (ages / HALF_LIFE_DAYS)
    scaler = Scaler.fit(values, weights)
    matrix = scaler.transform(values)
    churned = rows["is_churned"].to_numpy(float)
    dummies = date_dummies(dates)
    names = [feature for feature, _, _ in terms]
    history = rows["history_days"].to_numpy(int)

    def with_levels(form: Logit | Trees | Constant, margins: np.ndarray) -> ChurnFit:
        levels = Levels.fit(margins, churned, dates, history)
        return ChurnFit(form, settings.horizon, mbg, levels)

    fits = {}
    for setting in wanted:
        if setting == "constant":
            fits[setting] = with_levels(Constant(), np.zeros(len(rows)))
        elif setting == "trees":
            trees = Trees.fit(rows, terms, churned, weights, settings.seed)
            fits[setting] = with_levels(trees, trees.margins(rows))
        elif setting == "rfm_logit":
            places = [names.index(feature) for feature in RFM]
            plain = np.ones(len(places))
            slopes = ridge_coefficients(
                matrix[:, places], dummies, churned, weights, RFM_RIDGE, plain
            )
            form = Logit([terms[i] for i in places], scaler.of(places), slopes, "rfm_logit")
            fits[setting] = with_levels(form, matrix[:, places] @ slopes)
        else:
            c, free = setting
            stretch = np.ones(matrix.shape[1])
            if "mbg_no_order" in names:
                stretch[names.index("mbg_no_order")] = free
            slopes = ridge_coefficients(matrix, dummies, churned, weights, c, stretch)
            fits[setting] = with_levels(Logit(terms, scaler, slopes), matrix @ slopes)
    return fits


def check(rows: pd.DataFrame, settings: Settings) -> None:
    """Raise TooLittleDataError unless the rows can carry a model."""
    customers = rows["customer_id"].nunique()
    snapshots = rows["snapshot_date"].nunique()
    if snapshots < settings.minimum_snapshots:
        raise TooLittleDataError(
            f"{snapshots} past snapshot dates have a known outcome, "
            f"{settings.minimum_snapshots} are needed"
        )
    if customers < settings.minimum_customers:
        raise TooLittleDataError(
            f"{customers} customers have a known outcome, {settings.minimum_customers} are needed"
        )
    if rows["is_churned"].nunique() < 2:
        which = "all" if rows["is_churned"].iloc[0] else "none"
        raise TooLittleDataError(
            f"{which} of the customers churned, so there is nothing to tell apart"
        )
