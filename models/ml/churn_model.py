"""Train the churn model: a ridge logit, or boosted trees, that SQL scores from the rows returned.

p = sigmoid(level(d) + sum_j coefficient_j * clip((t_j(x_j) - mean_j) / scale_j, -6, 6))

- The slopes are learnt within snapshot dates (one nearly free dummy each), because customers of one
  day can be compared and days cannot: a whole shop churns more after Christmas.
- The level of the day that is scored comes from the levels of past days: last year's level of that
  season plus half the year's drift where the history reaches back, else the most recent ones.
- Three of the features are those of an MBG/NBD model (Batislam, Denizel and Filiztekin 2007,
  doi 10.1016/j.ijresmar.2006.12.005): four numbers per shop, then elementary functions.
- The ridge, the freedom of the MBG/NBD slope and the rule of the level are chosen by rolling
  origin: log loss on later days, never the test date.
- Where buying does not rise or fall with the features one by one (a yearly service, say), a
  challenger takes the place of the sum: boosted trees of depth two, which SQL walks. It has to have
  a log loss at least 1 % lower, and lower on every origin; the simpler form is kept otherwise.

Two fits of one function: `backtest` knows what was known one horizon before as_of_date and is
tested on what came after; `production` knows everything up to as_of_date and scores.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import betaln, expit, gammaln, logit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

DAY = pd.Timedelta(days=1)
CLIP = 6.0
DUMMY_SCALE = 30.0  # a ridge on a column this long is nearly none
HALF_LIFE_DAYS = 180
MBG_CUSTOMERS = 20_000
CHOICE_ROWS = 40_000
GRID = [(c, free) for c in (0.001, 0.003, 0.01, 0.03) for free in (1.0, 10.0)]
LEVEL_RULES = ("last2", "ewma180", "all")
DEFAULT_CHOICE = ((0.003, 10.0), "last2")
TREES = {"max_iter": 150, "learning_rate": 0.07, "l2_regularization": 5.0, "max_bins": 63}
UNKNOWN = -1e9  # what a tree takes an unknown feature for: below every known one
CHALLENGER_MARGIN = 0.01
CHALLENGER_ORIGINS = 2
SEASON_TOLERANCE_DAYS = 16
SEASON_HISTORY_DAYS = 150
LEVEL_WEEKS = 26  # levels are published this far ahead, so that scoring need not retrain

COLUMNS = {
    "model_version": "str",
    "as_of_date": "date",
    "fit": "str",
    "model": "str",
    "parameter_type": "str",
    "feature": "str",
    "transform": "str",
    "feature_group": "str",
    "snapshot_date": "date",
    "fill_value": "float",
    "mean_value": "float",
    "scale_value": "float",
    "coefficient": "float",
    "tree": "int",
    "node": "int",
    "threshold": "float",
    "value": "float",
    "note": "str",
}


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
    def terms(self):
        """List of (feature, transform, group) in a fixed order."""
        return [
            (feature, transform, group)
            for group, transforms in self.features.items()
            for transform, names in transforms.items()
            for feature in names
        ]


class TooLittleDataError(ValueError):
    """The shop is too small or too young for a model; the message says why."""


def fit_mbg(order_days, recency, tenure, seed=0, penalty=1e-3):
    """Fit an MBG/NBD model by penalised maximum likelihood.

    Parameters
    ----------
    order_days : array of float, shape (n,)
        Days with an order, 1 or more.
    recency, tenure : array of float, shape (n,)
        Days since the last and the first of them.
    seed : int
        Seed of the draw of 20,000 customers, where there are more.
    penalty : float
        Weight of the squared logarithms of the parameters.

    Returns
    -------
    dict of float
        r, alpha (days), a, b.
    """
    x, t_x, age = (
        np.asarray(values, float)
        for values in (order_days - 1, np.subtract(tenure, recency), tenure)
    )
    if len(x) > MBG_CUSTOMERS:
        drawn = pd.RangeIndex(len(x)).to_series().sample(MBG_CUSTOMERS, random_state=seed)
        x, t_x, age = x[drawn], t_x[drawn], age[drawn]
    unit = 10 / age.max()
    t_x, age = t_x * unit, age * unit

    def loss(logs):
        logs = np.clip(logs, -8, 8)
        r, alpha, a, b = np.exp(logs)
        shared = (
            gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x + 1) - betaln(a, b)
        )
        alive = -(r + x) * np.log(alpha + age)
        gone = np.log(a) - np.log(b + x) - (r + x) * np.log(alpha + t_x)
        return -(shared + np.logaddexp(alive, gone)).mean() + penalty * np.sum(logs**2)

    starts = ([0, 1, 0, 0], [-1, 0, -1, 1])
    best = min((minimize(loss, s, method="L-BFGS-B") for s in starts), key=lambda found: found.fun)
    r, alpha, a, b = np.exp(np.clip(best.x, -8, 8))
    return {"r": float(r), "alpha": float(alpha / unit), "a": float(a), "b": float(b)}


def mbg_features(frame, mbg, horizon):
    """Features of an MBG/NBD model; macros/scoring/mbg_features.sql is the same in SQL.

    Parameters
    ----------
    frame : DataFrame
        Columns order_days, recency_days, tenure_days.
    mbg : dict of float
        As fit_mbg returns it.
    horizon : int
        Days ahead.

    Returns
    -------
    DataFrame
        mbg_alive, the log odds of being alive; mbg_no_order, the log odds of no order within the
        horizon; mbg_orders, the logarithm of the orders expected in it.
    """
    x = frame["order_days"].to_numpy(float) - 1
    age = frame["tenure_days"].to_numpy(float)
    t_x = age - frame["recency_days"].to_numpy(float)
    r, alpha, a, b = mbg["r"], mbg["alpha"], mbg["a"], mbg["b"]
    odds = np.log(b + x) - np.log(a) + (r + x) * (np.log(alpha + t_x) - np.log(alpha + age))
    alive = 1 / (1 + np.exp(-np.clip(odds, -500, 500)))
    no_order = 1 - alive * (1 - ((alpha + age) / (alpha + age + horizon)) ** (r + x))
    no_order = np.clip(no_order, 1e-5, 1 - 1e-5)
    return pd.DataFrame(
        {
            "mbg_alive": np.clip(odds, -8, 8),
            "mbg_no_order": np.log(no_order / (1 - no_order)),
            "mbg_orders": np.log(alive * (r + x) / (alpha + age) * horizon + 1e-4),
        },
        index=frame.index,
    )


def transformed(frame, terms):
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
    def _filled(values, fill, missing):
        absent = np.isnan(values)
        filled = np.where(absent, np.nan_to_num(fill), values)
        return np.column_stack([filled, absent[:, missing].astype(float)])

    @classmethod
    def fit(cls, values, weights):
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

    def transform(self, values):
        """Standardised columns, clipped to +-6; 0 for a constant one."""
        matrix = self._filled(values, self.fill, self.missing)
        return np.nan_to_num(np.clip((matrix - self.mean) / self.scale, -CLIP, CLIP))


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
    def fit(cls, margins, churned, dates, history):
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

    def around(self, day):
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

    def at(self, day, rule):
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


@dataclass(frozen=True)
class Logit:
    """A sum of standardised features.

    Attributes
    ----------
    terms : list of (feature, transform, group)
    scaler : Scaler
    coefficients : array, shape (p + scaler.missing.sum(),)
    """

    terms: list
    scaler: Scaler
    coefficients: np.ndarray
    name = "ridge_logit"

    def margins(self, frame):
        """Log odds before the level, shape (n,)."""
        return self.scaler.transform(transformed(frame, self.terms)) @ self.coefficients

    def probabilities(self, frame, level):
        """Chance of no order, shape (n,), by scikit-learn."""
        estimator = LogisticRegression()
        estimator.classes_ = np.array([0, 1])
        estimator.coef_ = np.atleast_2d(self.coefficients)
        estimator.intercept_ = np.array([level])
        return estimator.predict_proba(self.scaler.transform(transformed(frame, self.terms)))[:, 1]

    def rows(self):
        """Parameter rows, and what the level has to take up for SQL to sum them to the margin."""
        return term_rows(self.terms, self.scaler, self.coefficients), 0.0


@dataclass(frozen=True)
class Trees:
    """Boosted trees of depth two.

    Attributes
    ----------
    terms : list of (feature, transform, group)
        Without those of the MBG/NBD model: SQL comes to them but for the last bit, which would send
        a customer on a threshold the other way. Transforms are not used: a tree only orders values.
    estimator : HistGradientBoostingClassifier
    start : float
        Log odds that the boosting starts from.
    """

    terms: list
    estimator: HistGradientBoostingClassifier
    start: float
    name = "boosted_trees"

    @staticmethod
    def _values(frame, terms):
        values = transformed(frame, [(feature, "identity", group) for feature, _, group in terms])
        return np.where(np.isnan(values), UNKNOWN, values)

    @classmethod
    def fit(cls, frame, terms, churned, weights, seed):
        """Learn from features, churned, shape (n,), and row weights, shape (n,)."""
        terms = [term for term in terms if not term[0].startswith("mbg_")]
        estimator = HistGradientBoostingClassifier(
            **TREES,
            max_depth=2,
            min_samples_leaf=int(np.clip(len(frame) / 200, 20, 100)),
            early_stopping=False,
            random_state=seed,
        )
        estimator.fit(cls._values(frame, terms), churned, sample_weight=weights)
        return cls(terms, estimator, float(logit(np.average(churned, weights=weights))))

    def margins(self, frame):
        """Log odds before the level, shape (n,)."""
        return self.estimator.decision_function(self._values(frame, self.terms))

    def probabilities(self, frame, level):
        """Chance of no order, shape (n,)."""
        return expit(self.margins(frame) + level)

    def rows(self):
        """Parameter rows of the nodes, and what the level has to take up.

        Nodes are numbered as in a heap: those below node i are 2 i, where the feature is at most
        the threshold, and 2 i + 1. The value of a node is what its mean adds to that of the node
        above (Saabas 2014), so that the values on a customer's way add up to the tree, and each
        belongs to the feature that was split on.
        """
        found, offset = [], self.start
        # scikit-learn has no public way to the trees of this estimator.
        for number, (predictor,) in enumerate(self.estimator._predictors):
            nodes = predictor.nodes
            offset += self._mean(nodes, 0)
            ways = [(1, 0, self._mean(nodes, 0))]
            while ways:
                place, index, above = ways.pop()
                node, mean = nodes[index], self._mean(nodes, index)
                row = {"parameter_type": "node", "tree": number, "node": place,
                       "value": mean - above}  # fmt: skip
                if not node["is_leaf"]:
                    feature, _, group = self.terms[node["feature_idx"]]
                    row |= {"feature": feature, "feature_group": group,
                            "threshold": float(node["num_threshold"])}  # fmt: skip
                    ways += [(2 * place, node["left"], mean), (2 * place + 1, node["right"], mean)]
                found.append(row)
        return found, offset

    @classmethod
    def _mean(cls, nodes, index):
        node = nodes[index]
        if node["is_leaf"]:
            return float(node["value"])
        below = [node["left"], node["right"]]
        return float(
            np.average([cls._mean(nodes, i) for i in below], weights=nodes["count"][below])
        )


@dataclass(frozen=True)
class ChurnFit:
    """A fitted model: what it takes to score a customer."""

    form: Logit | Trees
    horizon: int
    mbg: dict
    levels: Levels
    rule: str = "last2"

    def margins(self, frame):
        """Log odds before the level, shape (n,)."""
        return self.form.margins(frame.join(mbg_features(frame, self.mbg, self.horizon)))

    def probabilities(self, frame, day):
        """Chance of no order within the horizon, shape (n,)."""
        frame = frame.join(mbg_features(frame, self.mbg, self.horizon))
        return self.form.probabilities(frame, self.levels.at(day, self.rule)[0])


def labelled_before(frame, day, horizon):
    """Rows whose outcome was known on a day."""
    return frame[frame["snapshot_date"] + horizon * DAY <= day]


def mbg_of(frame, day, seed):
    """MBG/NBD model of the customers of a day, or of the newest snapshot before it."""
    known = frame[frame["snapshot_date"] <= day]
    newest = known[known["snapshot_date"] == known["snapshot_date"].max()]
    return fit_mbg(
        newest["order_days"].to_numpy(float),
        newest["recency_days"].to_numpy(float),
        newest["tenure_days"].to_numpy(float),
        seed,
    )


def fit_forms(rows, settings, mbg, grid, with_trees=False):
    """Fit the logit once per setting of a grid, and the trees, sharing what does not depend on it.

    Parameters
    ----------
    rows : DataFrame
        Training rows: features, is_churned, snapshot_date, history_days.
    settings : Settings
    mbg : dict of float
    grid : list of (float, float)
        Inverse strength C of the ridge; how many times freer the slope of mbg_no_order is.
    with_trees : bool

    Returns
    -------
    dict of ChurnFit
        By setting of the grid; the trees under `trees`.
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
    dummies = (dates[:, None] == np.unique(dates)[None, :]) * DUMMY_SCALE
    names = [feature for feature, _, _ in terms]
    freed = names.index("mbg_no_order") if "mbg_no_order" in names else None
    history = rows["history_days"].to_numpy(int)

    def with_levels(form, margins):
        levels = Levels.fit(margins, churned, dates, history)
        return ChurnFit(form, settings.horizon, mbg, levels)

    fits = {}
    for c, free in grid:
        stretch = np.ones(matrix.shape[1])
        if freed is not None:
            stretch[freed] = free
        logit_model = LogisticRegression(C=c, solver="newton-cholesky", max_iter=200, tol=1e-6)
        logit_model.fit(np.hstack([matrix * stretch, dummies]), churned, sample_weight=weights)
        coefficients = logit_model.coef_[0][: matrix.shape[1]] * stretch
        fits[c, free] = with_levels(Logit(terms, scaler, coefficients), matrix @ coefficients)
    if with_trees:
        trees = Trees.fit(rows, terms, churned, weights, settings.seed)
        fits["trees"] = with_levels(trees, trees.margins(rows))
    return fits


def log_loss(churned, p):
    """Mean negative log likelihood of probabilities."""
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return float(-np.mean(churned * np.log(p) + (1 - churned) * np.log(1 - p)))


def calibration_error(churned, p, bins=10):
    """Mean distance of predicted and observed rate over bins of equal size, weighted by size."""
    order = np.argsort(p, kind="stable")
    parts = np.array_split(order, bins)
    return float(
        sum(abs(churned[i].mean() - p[i].mean()) * len(i) for i in parts if len(i)) / len(p)
    )


def choose(frame, day, settings):
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


def check(rows, settings):
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


def fit_simple(rows, terms):
    """Fit a plain logit without ridge to speak of: a baseline. Returns scaler and estimator."""
    values = transformed(rows, terms)
    scaler = Scaler.fit(values, np.ones(len(rows)))
    estimator = LogisticRegression(C=1e3, max_iter=1000)
    estimator.fit(scaler.transform(values), rows["is_churned"].to_numpy(int))
    return scaler, estimator


def silent_rule(rows):
    """Find the best rule `silent for more than X days` by AUC: X, churn rates below and above."""
    recency = rows["recency_days"].to_numpy(float)
    churned = rows["is_churned"].to_numpy(int)
    limit = max(range(10, 331, 5), key=lambda x: (roc_auc_score(churned, recency > x), -x))
    above = recency > limit
    # One more of each keeps a rate off 0 and 1, whose log odds are not finite.
    rates = [(churned[side].sum() + churned.mean()) / (side.sum() + 1) for side in (~above, above)]
    return limit, rates[0], rates[1]


def term_rows(terms, scaler, coefficients):
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


def baseline_rows(rows, day):
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


def level_row(day, value, note, model_name="churn"):
    """Parameter row of a level that holds from a day on."""
    return {
        "model": model_name,
        "parameter_type": "level",
        "snapshot_date": day,
        "value": value,
        "note": note,
    }


def metric_row(feature, value, note=None):
    """Parameter row of a number about the fit."""
    return {
        "model": "churn",
        "parameter_type": "metric",
        "feature": feature,
        "value": float(value),
        "note": note,
    }


def train(frame, day, settings):
    """Fit the model as of a day.

    Parameters
    ----------
    frame : DataFrame
        int_training_sample; rows whose outcome was not known on `day` are left out.
    day : Timestamp
    settings : Settings

    Returns
    -------
    tuple of (ChurnFit, dict of float, DataFrame)
        The fit, metrics of its choice, the rows it was trained on.

    Raises
    ------
    TooLittleDataError
        When the shop is too small, too young, or one-sided.
    """
    rows = labelled_before(frame, day, settings.horizon)
    check(rows, settings)
    setting, rule, metrics = choose(frame, day, settings)
    mbg = mbg_of(frame, day, settings.seed)
    is_trees = setting == "trees"
    fits = fit_forms(rows, settings, mbg, [] if is_trees else [setting], with_trees=is_trees)
    fitted = replace(fits[setting], rule=rule)
    metrics = metrics | {
        **({} if is_trees else {"ridge_c": setting[0], "mbg_freedom": setting[1]}),
        "train_rows": len(rows),
        "train_customers": rows["customer_id"].nunique(),
        "train_snapshots": rows["snapshot_date"].nunique(),
        "train_churn_rate": rows["is_churned"].mean(),
        "history_days": rows["history_days"].max() + (day - rows["snapshot_date"].max()) / DAY,
    }
    return fitted, metrics, rows


def parameters_of(frame, day, settings):
    """Parameter rows of a fit as of a day and its baselines; one status row where it cannot be."""
    try:
        fitted, metrics, rows = train(frame, day, settings)
    except TooLittleDataError as error:
        return [{"model": "churn", "parameter_type": "status", "feature": "insufficient_history",
                 "note": str(error)}]  # fmt: skip
    form_rows, offset = fitted.form.rows()
    found = [{**row, "model": "churn"} for row in form_rows]
    for week in range(LEVEL_WEEKS + 1):
        ahead = day + 7 * week * DAY
        value, rule = fitted.levels.at(ahead, fitted.rule)
        found.append(level_row(ahead, value + offset, rule))
    found += [
        {"model": "churn", "parameter_type": "constant", "feature": f"mbg_{name}", "value": value}
        for name, value in fitted.mbg.items()
    ]
    found += [
        level_row(past, value + offset, f"{count} rows")
        for past, value, count in zip(
            fitted.levels.dates, fitted.levels.values, fitted.levels.rows, strict=True
        )
    ]
    found += [metric_row(name, value) for name, value in metrics.items()]
    found += baseline_rows(rows, day)
    found.append({"model": "churn", "parameter_type": "status", "feature": "trained",
                  "note": fitted.form.name})  # fmt: skip
    return found


def sensitivity(frame, as_of, settings):
    """How well churn can be told at other horizons; metric rows, one set per horizon.

    Each horizon is tested on the newest snapshot whose outcome is known, with training rows whose
    outcome was known then. The horizon of the features stays that of the settings.
    """
    own_gap = frame["purchase_gap_80"].max() if len(frame) else np.nan
    horizons = {f"{days} days": days for days in (30, 60, 90, 180)}
    if np.isfinite(own_gap) and own_gap >= 1:
        horizons["80 % purchase gap"] = int(own_gap)
    found = []
    for name, horizon in horizons.items():
        later = frame["days_to_next_order"].to_numpy(float, na_value=np.nan)
        labelled = frame.assign(is_churned=~(later < horizon))
        labelled = labelled_before(labelled, as_of, horizon)
        if labelled.empty:
            continue
        day = labelled["snapshot_date"].max()
        test = labelled[labelled["snapshot_date"] == day]
        told = replace(settings, horizon=horizon)
        rows = labelled_before(labelled, day, horizon)
        row = {"horizon_days": horizon, "test_customers": len(test),
               "churn_rate": test["is_churned"].mean()}  # fmt: skip
        try:
            check(rows, settings)
            mbg = mbg_of(frame, day, settings.seed)
            fitted = fit_forms(rows, told, mbg, [DEFAULT_CHOICE[0]])[DEFAULT_CHOICE[0]]
            churned = test["is_churned"].to_numpy(float)
            p = fitted.probabilities(test, day)
            row |= {
                "brier": np.mean((p - churned) ** 2),
                "log_loss": log_loss(churned, p),
                "calibration_error": calibration_error(churned, p),
            }
            if 0 < churned.mean() < 1:
                row["auc"] = roc_auc_score(churned, p)
        except TooLittleDataError:
            pass
        found += [
            {
                "model": "churn",
                "parameter_type": "sensitivity",
                "feature": metric,
                "snapshot_date": day,
                "value": float(value),
                "note": name,
            }
            for metric, value in row.items()
        ]
    return found


def parameter_table(rows, version, as_of):
    """Rows as a table with a fixed type per column and upper-case names, which Snowflake needs."""
    table = pd.DataFrame(rows).reindex(columns=list(COLUMNS))
    table["model_version"] = version
    table["as_of_date"] = as_of
    for column, kind in COLUMNS.items():
        if kind == "float":
            table[column] = pd.to_numeric(table[column]).astype("float64")
        elif kind == "int":
            table[column] = pd.to_numeric(table[column]).astype("Int64")
        elif kind == "date":
            table[column] = pd.to_datetime(table[column]).astype("datetime64[us]")
        else:
            # A column of nothing but nulls would take no type.
            table[column] = table[column].astype("string").fillna("")
    return table.rename(columns=str.upper)


def read(relation):
    """Read a relation of either warehouse as a DataFrame with lower-case columns."""
    frame = relation.to_pandas() if hasattr(relation, "to_pandas") else relation.df()
    return frame.rename(columns=str.lower)


def training_frame(frame):
    """Rows of the sample, in the types and the order that the fits rely on."""
    frame = frame.assign(
        snapshot_date=pd.to_datetime(frame["snapshot_date"]).astype("datetime64[ns]"),
        is_churned=frame["is_churned"].astype("boolean").fillna(False).astype(bool),
        days_to_next_order=pd.to_numeric(frame["days_to_next_order"]).astype("Float64"),
        purchase_gap_80=pd.to_numeric(frame["purchase_gap_80"]).astype("float64"),
        monetary=pd.to_numeric(frame["monetary"]).astype("float64"),
    )
    return frame.sort_values(["snapshot_date", "customer_id"], ignore_index=True)


def model(dbt, session):
    """Return the parameters of both fits, one row each; see the model's description."""
    settings = Settings(
        features=dbt.config.meta_get("features"),
        horizon=int(dbt.config.meta_get("churn_horizon_days")),
        minimum_customers=int(dbt.config.meta_get("minimum_customers")),
        minimum_snapshots=int(dbt.config.meta_get("minimum_labelled_snapshots")),
        seed=int(dbt.config.meta_get("random_seed")),
    )
    settings_hash = dbt.config.meta_get("settings_hash")
    clock = read(dbt.ref("as_of_date"))
    as_of = pd.Timestamp(clock["as_of_date"].iloc[0])
    frame = training_frame(read(dbt.ref("int_training_sample")))
    # One thread: sums of doubles then come to the same bits on every run.
    # For good, since models that train at the same time share the setting.
    threadpool_limits(limits=1)
    rows = [
        {**row, "fit": fit}
        for fit, day in (("backtest", as_of - settings.horizon * DAY), ("production", as_of))
        for row in parameters_of(frame, day, settings)
    ]
    rows += [{**row, "fit": "backtest"} for row in sensitivity(frame, as_of, settings)]
    version = f"{as_of:%Y-%m-%d}-{settings_hash[:8]}"
    return parameter_table(rows, version, as_of)
