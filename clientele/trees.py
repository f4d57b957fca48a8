"""Boosted trees of depth two, for shops where buying does not rise or fall with the features."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from sklearn.ensemble import HistGradientBoostingClassifier

from clientele.scaling import Term, transformed

TREES = {"max_iter": 150, "learning_rate": 0.07, "l2_regularization": 5.0, "max_bins": 63}
UNKNOWN = -1e9  # what a tree takes an unknown feature for: below every known one


def tree_values(frame: pd.DataFrame, terms: list[Term]) -> np.ndarray:
    """Features as trees take them: as they are, and UNKNOWN where they are not known."""
    values = transformed(frame, [(feature, "identity", group) for feature, _, group in terms])
    return np.where(np.isnan(values), UNKNOWN, values)


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

    terms: list[Term]
    estimator: HistGradientBoostingClassifier
    start: float
    name = "boosted_trees"

    @classmethod
    def fit(
        cls,
        frame: pd.DataFrame,
        terms: list[Term],
        churned: np.ndarray,
        weights: np.ndarray,
        seed: int,
    ) -> Self:
        """Learn from features, churned, shape (n,), and row weights, shape (n,)."""
        terms = [term for term in terms if not term[0].startswith("mbg_")]
        estimator = HistGradientBoostingClassifier(
            **TREES,
            max_depth=2,
            min_samples_leaf=int(np.clip(len(frame) / 200, 20, 100)),
            early_stopping=False,
            random_state=seed,
        )
        estimator.fit(tree_values(frame, terms), churned, sample_weight=weights)
        return cls(terms, estimator, float(logit(np.average(churned, weights=weights))))

    def margins(self, frame: pd.DataFrame) -> np.ndarray:
        """Log odds before the level, shape (n,)."""
        return self.estimator.decision_function(tree_values(frame, self.terms))

    def probabilities(self, frame: pd.DataFrame, level: float) -> np.ndarray:
        """Chance of no order, shape (n,)."""
        return expit(self.margins(frame) + level)

    def rows(self) -> tuple[list[dict], float]:
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
    def _mean(cls, nodes: np.ndarray, index: int) -> float:
        node = nodes[index]
        if node["is_leaf"]:
            return float(node["value"])
        below = [node["left"], node["right"]]
        return float(
            np.average([cls._mean(nodes, i) for i in below], weights=nodes["count"][below])
        )
