"""Choice of the churn model's form and settings by rolling origin: never on the test date."""

import numpy as np
import pandas as pd
from scipy.special import expit

from clientele.churn_fit import Settings, fit_forms, labelled_before, mbg_of
from clientele.levels import DAY, LEVEL_RULES
from clientele.measures import log_loss

CHOICE_ROWS = 40_000
GRID = [(c, free) for c in (0.001, 0.003, 0.01, 0.03) for free in (1.0, 10.0)]
DEFAULT_CHOICE = ((0.003, 10.0), "last2")
CHALLENGER_MARGIN = 0.01
CHALLENGER_ORIGINS = 2


def choose(
    frame: pd.DataFrame, day: pd.Timestamp, settings: Settings
) -> tuple[tuple[float, float] | str, str, dict[str, float]]:
    """Choose the form, its settings and the level rule by rolling origin.

    Parameters
    ----------
    frame : DataFrame
        Training rows; those not labelled on `day` are left out.
    day : Timestamp
        Origin of the fit.
    settings : Settings

    Returns
    -------
    tuple of ((float, float) or "trees", str, dict of float)
        Setting of the logit, or the trees; the rule; the number of origins and the mean log losses
        on them. Of all logits within 0.1 % of the best the one with the strongest ridge is taken.
    """
    horizon = settings.horizon
    labelled = labelled_before(frame, day, horizon)
    days = sorted(labelled["snapshot_date"].unique(), reverse=True)
    origins = [d for d in days if sum(e + horizon * DAY <= d for e in days) >= 2][:3]
    losses = {}
    for origin in origins:
        rows = labelled_before(frame, origin, horizon)
        test = frame[frame["snapshot_date"] == origin]
        if len(rows) > CHOICE_ROWS:
            rows = rows.sample(CHOICE_ROWS, random_state=settings.seed)
        churned = rows["is_churned"].to_numpy(float)
        if min(churned.sum(), (1 - churned).sum()) < 20:
            continue
        mbg = mbg_of(frame, origin, settings.seed)
        fits = fit_forms(rows, settings, mbg, GRID, with_trees=True)
        for setting, fitted in fits.items():
            margins = fitted.margins(test)
            for rule in LEVEL_RULES:
                p = expit(margins + fitted.levels.at(origin, rule)[0])
                loss = log_loss(test["is_churned"].to_numpy(float), p)
                losses.setdefault((setting, rule), []).append(loss)
    if not losses:
        return *DEFAULT_CHOICE, {"origins": 0.0}
    means = {candidate: float(np.mean(loss)) for candidate, loss in losses.items()}
    logits = {candidate: mean for candidate, mean in means.items() if candidate[0] != "trees"}
    near = [candidate for candidate in logits if logits[candidate] <= min(logits.values()) * 1.001]
    champion = min(near, key=lambda near: (near[0][0], -near[0][1], LEVEL_RULES.index(near[1])))
    challenger = min((("trees", rule) for rule in LEVEL_RULES), key=means.get)
    wins = (
        len(losses[champion]) >= CHALLENGER_ORIGINS
        and means[challenger] <= (1 - CHALLENGER_MARGIN) * means[champion]
        and np.less(losses[challenger], losses[champion]).all()
    )
    return *(challenger if wins else champion), {
        "origins": float(len(losses[champion])),
        "rolling_log_loss_logit": means[champion],
        "rolling_log_loss_trees": means[challenger],
    }
