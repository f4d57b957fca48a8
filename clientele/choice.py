"""Choice of the churn model's form and settings by rolling origin: never on the test date.

On each of several past dates every candidate is learnt on what was known then, and its log loss is
measured on what came after. Forms are tried from the simplest up: the constant share, a logit of
recency, frequency and monetary, the ridge logit, boosted trees. A simpler form stays where a more
complex one is no better by log loss or by the Brier score, the constant where it is not better by
more than chance.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from clientele.baselines import SimpleRules
from clientele.churn_fit import Setting, Settings, fit_forms, labelled_before, mbg_of
from clientele.levels import DAY, LEVEL_RULES
from clientele.measures import brier_skill, log_losses

CHOICE_ROWS = 40_000
ORIGINS = 6
GRID = [(c, free) for c in (0.001, 0.003, 0.01, 0.03) for free in (1.0, 10.0)]
DEFAULT_CHOICE = ((0.003, 10.0), "last2")
CHALLENGER_MARGIN = 0.01
CHALLENGER_ORIGINS = 2
# Standard errors that a simpler form may be behind and still stay. None of the RFM logit: where the
# other features bring nothing, the ridge has drawn them to nothing already.
PATIENCE = {"rfm_logit": 0.0, "constant": 2.0}
FEWEST_OF_EACH = 20

Candidate = tuple[Setting, str]  # with the rule of its level


@dataclass(frozen=True)
class Origin:
    """A past date: what every candidate said of its customers, and what came of them.

    Attributes
    ----------
    date : Timestamp
    churned : array of float, shape (n,)
    log_odds : dict of array, shape (n,)
        By candidate.
    baselines : dict of array, shape (n,)
        Probabilities by simple rule.
    """

    date: pd.Timestamp
    churned: np.ndarray
    log_odds: dict[Candidate, np.ndarray]
    baselines: dict[str, np.ndarray]


@dataclass(frozen=True)
class Choice:
    """What was chosen.

    Attributes
    ----------
    setting : Setting
    rule : str
        Of the level.
    metrics : dict of float
        Number of origins, mean log loss on them of the best of each form.
    skills : dict of (float, float, float)
        Skill over the constant share on the origins, and two standard errors below and above: of
        the choice (`churn`) and of each simple rule.
    """

    setting: Setting
    rule: str
    metrics: dict[str, float]
    skills: dict[str, tuple[float, float, float]]


def origin_dates(frame: pd.DataFrame, day: pd.Timestamp, horizon: int) -> list[pd.Timestamp]:
    """Return the newest past dates that a choice on a day looks at, ascending.

    Their outcome is known on the day, and that of two dates before them was known on them.
    """
    days = sorted(labelled_before(frame, day, horizon)["snapshot_date"].unique())
    return [d for d in days if sum(e + horizon * DAY <= d for e in days) >= 2][-ORIGINS:]


def origin_of(frame: pd.DataFrame, date: pd.Timestamp, settings: Settings) -> Origin | None:
    """Fit every candidate as of a past date; None where too few churned, or too few did not."""
    rows = labelled_before(frame, date, settings.horizon)
    test = frame[frame["snapshot_date"] == date]
    if len(rows) > CHOICE_ROWS:
        rows = rows.sample(CHOICE_ROWS, random_state=settings.seed)
    churned = rows["is_churned"].to_numpy(float)
    if min(churned.sum(), (1 - churned).sum()) < FEWEST_OF_EACH:
        return None
    mbg = mbg_of(frame, date, settings.seed)
    fits = fit_forms(rows, settings, mbg, ["constant", "rfm_logit", *GRID, "trees"])
    log_odds = {}
    for setting, fitted in fits.items():
        margins = fitted.margins(test)
        for rule in LEVEL_RULES:
            log_odds[setting, rule] = margins + fitted.levels.at(date, rule)[0]
    outcome = test["is_churned"].to_numpy(float)
    return Origin(date, outcome, log_odds, SimpleRules.fit(rows).probabilities(test))


def choose(origins: list[Origin], day: pd.Timestamp, horizon: int) -> Choice:
    """Choose the form, its settings and the level rule by mean log loss on past dates.

    Parameters
    ----------
    origins : list of Origin, ascending
        Those whose outcome was not known on `day`, and all but the newest, are left out.
    day : Timestamp
    horizon : int

    Returns
    -------
    Choice
        Of all ridge logits within 0.1 % of the best the one with the strongest ridge.
    """
    known = [origin for origin in origins if origin.date + horizon * DAY <= day][-ORIGINS:]
    if not known:
        return Choice(*DEFAULT_CHOICE, {"origins": 0.0}, {})
    losses = {
        candidate: [log_losses(o.churned, expit(o.log_odds[candidate])) for o in known]
        for candidate in known[0].log_odds
    }
    means = {candidate: np.mean([x.mean() for x in found]) for candidate, found in losses.items()}

    def best(*settings: Setting) -> Candidate:
        return min((one for one in means if one[0] in settings), key=means.get)

    near = [one for one in means if one[0] in GRID and means[one] <= means[best(*GRID)] * 1.001]
    logit = chosen = min(near, key=lambda one: (one[0][0], -one[0][1], LEVEL_RULES.index(one[1])))
    trees = best("trees")
    if (
        len(known) >= CHALLENGER_ORIGINS
        and means[trees] <= (1 - CHALLENGER_MARGIN) * means[logit]
        and all(a.mean() < b.mean() for a, b in zip(losses[trees], losses[logit], strict=True))
    ):
        chosen = trees
    for setting, patience in PATIENCE.items():
        simple = best(setting)
        behind = means[simple] - means[chosen]
        is_near = behind <= patience * standard_error(losses[simple], losses[chosen])
        if is_near or brier(known, simple) <= brier(known, chosen):
            chosen = simple
    metrics = {"origins": float(len(known))} | {
        f"rolling_log_loss_{name}": float(means[candidate])
        for name, candidate in [
            ("constant", best("constant")),
            ("rfm_logit", best("rfm_logit")),
            ("logit", logit),
            ("trees", trees),
        ]
    }
    return Choice(*chosen, metrics, skills_of(known, chosen, horizon))


def brier(origins: list[Origin], candidate: Candidate) -> float:
    """Mean Brier score of a candidate over past dates."""
    scores = [np.mean((expit(o.log_odds[candidate]) - o.churned) ** 2) for o in origins]
    return float(np.mean(scores))


def standard_error(one: list[np.ndarray], other: list[np.ndarray]) -> float:
    """Return that of a mean difference: of customers within a date or of dates, the larger."""
    differences = [a - b for a, b in zip(one, other, strict=True)]
    within = float(np.mean([x.std() / np.sqrt(len(x)) for x in differences]))
    means = [x.mean() for x in differences]
    if len(means) == 1:
        return within
    return max(within, float(np.std(means, ddof=1) / np.sqrt(len(means))))


def skills_of(
    origins: list[Origin], candidate: Candidate, horizon: int
) -> dict[str, tuple[float, float, float]]:
    """Skill of a candidate, as `churn`, and of the simple rules over the constant share."""
    said = {name: [o.baselines[name] for o in origins] for name in origins[0].baselines}
    said["churn"] = [expit(o.log_odds[candidate]) for o in origins]
    errors = {
        name: [(p - o.churned) ** 2 for p, o in zip(of_name, origins, strict=True)]
        for name, of_name in said.items()
    }
    dates = [origin.date for origin in origins]
    return {
        name: brier_skill(dates, of_name, errors["constant"], horizon)
        for name, of_name in errors.items()
    }
