"""The fitted scikit-learn pipelines of segments and churn, from their tables of parameters.

For notebooks and services: what the marts hold of a customer, these give for any row of features.
"""

import warnings

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.cluster import KMeans
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from clientele.mbg_nbd import mbg_features
from clientele.scaling import Scaler, Term, transformed
from clientele.trees import tree_values


def segment_pipeline(parameters: pd.DataFrame) -> tuple[Pipeline, list[str]]:
    """Rebuild the segment model.

    Parameters
    ----------
    parameters : DataFrame
        `ml.segment_parameters`, or the rows of one version of `ml.segment_model`; in any order.

    Returns
    -------
    tuple of (Pipeline, list of str)
        StandardScaler and KMeans, whose `feature_names_in_` are the columns to give them (of
        `int_segment_features`), in order; the segment_id of each number that `predict` answers.

    Raises
    ------
    ValueError
        Without a segment.
    """
    if "is_clustered" in parameters:
        # Versions of before feature sets were told apart by all their features.
        parameters = parameters[parameters["is_clustered"].astype("boolean").fillna(True)]
    wide = parameters.pivot(index="segment_id", columns="feature").sort_index()
    if wide.empty:
        raise ValueError("There is no segment among the parameters.")
    centroids, means, scales = (
        wide[name].astype("float64") for name in ("centroid", "mean", "scale")
    )
    pipeline = Pipeline(
        [("scale", StandardScaler()), ("segment", KMeans(len(wide), n_init=1, max_iter=1))]
    )
    with warnings.catch_warnings():
        # Only for the attributes that a fit leaves; its numbers are replaced.
        warnings.simplefilter("ignore", ConvergenceWarning)
        pipeline.fit(means + scales * centroids)
    scaler, kmeans = pipeline[0], pipeline[1]
    scaler.mean_, scaler.scale_ = means.to_numpy()[0], scales.to_numpy()[0]
    scaler.var_ = scaler.scale_**2
    kmeans.cluster_centers_ = np.ascontiguousarray(centroids.to_numpy())
    kmeans.labels_ = np.arange(len(wide), dtype="int32")
    return pipeline, wide.index.tolist()


def churn_pipeline(
    parameters: pd.DataFrame, day: pd.Timestamp, horizon: int = 90, fit: str = "production"
) -> Pipeline:
    """Rebuild the churn model, of whichever form, for customers of one day.

    Parameters
    ----------
    parameters : DataFrame
        `ml.churn_parameters`, in any order.
    day : Timestamp
        Day that the customers are looked at from; it decides the level.
    horizon : int
        The var `churn_horizon_days`.
    fit : str
        `production` or `backtest`.

    Returns
    -------
    Pipeline
        `predict_proba` takes rows of `int_customer_snapshots`; its second column is the probability
        of no order within the horizon.

    Raises
    ------
    ValueError
        When no model was trained, with the reason.
    """
    rows = parameters[(parameters["fit"] == fit) & (parameters["model"] == "churn")]
    kinds = {kind: of_kind for kind, of_kind in rows.groupby("parameter_type")}
    if rows.empty or kinds["status"]["feature"].iloc[0] not in ("trained", "no_skill"):
        reason = "none was trained" if rows.empty else kinds["status"]["note"].iloc[0]
        raise ValueError(f"There is no churn model: {reason}.")
    levels = kinds["level"].assign(day=pd.to_datetime(kinds["level"]["snapshot_date"]))
    level = levels[levels["day"] <= day].sort_values("day")["value"].iloc[-1]
    if "term" not in kinds and "node" not in kinds:
        share = DummyClassifier().fit(np.zeros((2, 1)), [0, 1])
        share.class_prior_ = np.array([expit(-level), expit(level)])
        return Pipeline([("share", share)])
    if "node" in kinds:
        terms = [(name, "identity", "") for name in sorted(set(kinds["node"]["feature"]) - {""})]
        return Pipeline(
            [
                ("values", FunctionTransformer(tree_values, kw_args={"terms": terms})),
                ("trees", TreeSum(kinds["node"], [name for name, _, _ in terms], level).fit()),
            ]
        )
    constants = kinds["constant"].set_index("feature")["value"]
    mbg = {name: float(constants[f"mbg_{name}"]) for name in ("r", "alpha", "a", "b")}
    terms, scaler, coefficients = scaled_terms(kinds["term"])
    logit = LogisticRegression()
    logit.classes_ = np.array([0, 1])
    logit.coef_ = coefficients[None, :]
    logit.intercept_ = np.array([level])
    logit.n_features_in_ = len(coefficients)
    return Pipeline(
        [
            ("mbg", FunctionTransformer(with_mbg, kw_args={"mbg": mbg, "horizon": horizon})),
            ("scale", FunctionTransformer(scaled, kw_args={"terms": terms, "scaler": scaler})),
            ("logit", logit),
        ]
    )


def with_mbg(frame: pd.DataFrame, mbg: dict[str, float], horizon: int) -> pd.DataFrame:
    """Add the features of an MBG/NBD model to rows of `int_customer_snapshots`."""
    return frame.join(mbg_features(frame, mbg, horizon))


def scaled(frame: pd.DataFrame, terms: list[Term], scaler: Scaler) -> np.ndarray:
    """Standardise features, shape (n, p + indicators of missing values)."""
    return scaler.transform(transformed(frame, terms))


def scaled_terms(rows: pd.DataFrame) -> tuple[list[Term], Scaler, np.ndarray]:
    """Take terms, scaler and coefficients from the parameter rows of a sum."""
    plain = rows[rows["transform"] != "missing"].sort_values("feature")
    indicators = rows[rows["transform"] == "missing"].sort_values("feature")
    terms = list(plain[["feature", "transform", "feature_group"]].itertuples(index=False))
    both = pd.concat([plain, indicators])
    scaler = Scaler(
        fill=plain["fill_value"].to_numpy("float64"),
        missing=plain["feature"].isin(indicators["feature"]).to_numpy(),
        mean=both["mean_value"].to_numpy("float64"),
        scale=both["scale_value"].to_numpy("float64"),
    )
    return [tuple(term) for term in terms], scaler, both["coefficient"].to_numpy("float64")


class TreeSum(ClassifierMixin, BaseEstimator):
    """Boosted trees, from the rows of their nodes.

    Parameters
    ----------
    nodes : DataFrame
        tree, node (as in a heap), feature (empty for a leaf), threshold, value.
    features : list of str
        What the columns of X are.
    level : float
        Log odds that the values on a customer's way are added to.
    """

    def __init__(self, nodes: pd.DataFrame, features: list[str], level: float):
        self.nodes = nodes
        self.features = features
        self.level = level

    def fit(self, X=None, y=None) -> "TreeSum":
        """Lay the nodes out as arrays; nothing is learnt."""
        self.classes_ = np.array([0, 1])
        places = {name: place for place, name in enumerate(self.features)}
        self.trees_ = [
            {
                int(row.node): (places.get(row.feature), row.threshold, row.value)
                for row in tree.itertuples()
            }
            for _, tree in self.nodes.groupby("tree")
        ]
        return self

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Log odds, shape (n,)."""
        odds = np.full(len(X), float(self.level))
        for tree in self.trees_:
            ways = [(1, np.arange(len(X)))]
            while ways:
                node, rows = ways.pop()
                place, threshold, value = tree[node]
                odds[rows] += value
                if place is not None and len(rows):
                    is_above = X[rows, place] > threshold
                    ways += [(2 * node, rows[~is_above]), (2 * node + 1, rows[is_above])]
        return odds

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Probabilities of an order and of none, shape (n, 2)."""
        p = expit(self.decision_function(X))
        return np.column_stack([1 - p, p])

    def predict(self, X: np.ndarray) -> np.ndarray:
        """1 where no order is likelier than one, shape (n,)."""
        return (self.decision_function(X) > 0).astype(int)
