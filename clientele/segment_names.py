"""Names of the customer segments, and their identity from one training to the next."""

from datetime import date

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.pipeline import Pipeline

LIMITS = ["minimum_recency_days", "maximum_recency_days", "maximum_tenure_days"]
MISFIT = 1e6  # squared standard deviations that no profile is away


def assign(
    left: np.ndarray, right: np.ndarray, misfits: np.ndarray | bool = False
) -> dict[int, int]:
    """Pair the rows of two sets of points so that the sum of squared distances is smallest.

    Parameters
    ----------
    left : numpy.ndarray of shape (n_left, n_features)
        Points.
    right : numpy.ndarray of shape (n_right, n_features)
        Points in the same units.
    misfits : numpy.ndarray of bool of shape (n_left, n_right), or False
        Pairs to be made only where there is no other way.

    Returns
    -------
    dict of int to int
        Row of `left` to row of `right`, min(n_left, n_right) of them.
    """
    if not len(left) or not len(right):
        return {}
    squares = ((left[:, None, :] - right[None, :, :]) ** 2).sum(axis=2)
    rows, columns = linear_sum_assignment(squares + MISFIT * np.asarray(misfits))
    return dict(zip(rows.tolist(), columns.tolist(), strict=True))


def misfits(pipeline: Pipeline, features: list[str], archetypes: pd.DataFrame) -> np.ndarray:
    """Names that would be untrue of a segment, however near it comes to their profile.

    Profiles are relative to the shop's average customer; `new` or `at risk` are not.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        What `segmentation` returned, fitted on `features` in their order.
    features : list of str
        Names of the features.
    archetypes : pandas.DataFrame
        Seed `segment_archetypes`.

    Returns
    -------
    numpy.ndarray of bool of shape (n_segments, n_archetypes)
    """
    typical = pipeline[0].inverse_transform(pipeline[-1].cluster_centers_)
    recency = np.expm1(typical[:, [features.index("log_recency")]])
    tenure = typical[:, [features.index("tenure_days")]]
    limits = archetypes[LIMITS].astype("float64")
    # A comparison with no limit, NaN, is false.
    return (
        (recency < limits["minimum_recency_days"].to_numpy())
        | (recency > limits["maximum_recency_days"].to_numpy())
        | (tenure > limits["maximum_tenure_days"].to_numpy())
    )


def previous_version(versions: pd.DataFrame, model_version: str, as_of_date: date) -> pd.DataFrame:
    """Parameters of the version that this one takes its identities from.

    Parameters
    ----------
    versions : pandas.DataFrame
        The model's own table, all versions; may be empty.
    model_version : str
        The version to be trained; a version does not precede itself.
    as_of_date : datetime.date
        Its day; later versions do not precede it.

    Returns
    -------
    pandas.DataFrame
        Rows of the newest version before it, none for the first.
    """
    days = pd.to_datetime(versions["as_of_date"])
    before = versions[
        versions["segment_id"].notna()
        & (versions["model_version"] != model_version)
        & (days <= pd.Timestamp(as_of_date))
    ]
    if before.empty:
        return before
    order = before.sort_values(["as_of_date", "training_number", "model_version"])
    return before[before["model_version"] == order["model_version"].iloc[-1]]


def name_segments(
    pipeline: Pipeline,
    features: list[str],
    archetypes: pd.DataFrame,
    versions: pd.DataFrame,
    previous: pd.DataFrame,
) -> pd.DataFrame:
    """Give each centroid its id and name.

    A centroid matched to one of the previous version keeps its id and name. Any other gets an id
    that no version ever used, and the archetype that is nearest and free, by optimal assignment.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        What `segmentation` returned, fitted on `features` in their order.
    features : list of str
        Names of the features.
    archetypes : pandas.DataFrame
        Seed `segment_archetypes`: segment_name and a target per feature in standard deviations.
    versions : pandas.DataFrame
        All versions, for the ids in use.
    previous : pandas.DataFrame
        What `previous_version` returned.

    Returns
    -------
    pandas.DataFrame of shape (n_segments, 4)
        segment_id, segment_name, archetype_name (by assignment to the archetypes alone) and
        previous_distance (to the matched centroid, in standard deviations), in the order of the
        centroids.
    """
    scaler, kmeans = pipeline[0], pipeline[-1]
    centroids = kmeans.cluster_centers_
    targets = archetypes[features].to_numpy(dtype="float64")
    names = archetypes["segment_name"].tolist()
    untrue = misfits(pipeline, features, archetypes)
    nearest = assign(centroids, targets, untrue)
    named = pd.DataFrame(
        {
            "segment_id": pd.Series([None] * len(centroids), dtype="string"),
            "segment_name": pd.Series([None] * len(centroids), dtype="string"),
            "archetype_name": [names[nearest[row]] for row in range(len(centroids))],
            "previous_distance": np.nan,
        }
    )
    if not previous.empty:
        # Both in today's standard deviations, over the features that both versions have.
        units = previous.assign(value=previous["centroid"] * previous["scale"] + previous["mean"])
        earlier = units.pivot(index="segment_id", columns="feature", values="value")
        shared = [feature for feature in features if feature in earlier.columns]
        columns = [features.index(feature) for feature in shared]
        points = (earlier[shared].to_numpy() - scaler.mean_[columns]) / scaler.scale_[columns]
        earlier_names = previous.groupby("segment_id")["segment_name"].first()
        for row, column in assign(centroids[:, columns], points).items():
            gap = np.linalg.norm(centroids[row, columns] - points[column])
            named.loc[row, "segment_id"] = earlier.index[column]
            named.loc[row, "segment_name"] = earlier_names[earlier.index[column]]
            named.loc[row, "previous_distance"] = gap
    unnamed = np.flatnonzero(named["segment_name"].isna())
    taken = set(named["segment_name"].dropna())
    free = [place for place, name in enumerate(names) if name not in taken]
    for row, column in assign(
        centroids[unnamed], targets[free], untrue[np.ix_(unnamed, free)]
    ).items():
        named.loc[unnamed[row], "segment_name"] = names[free[column]]
    used = versions["segment_id"].dropna().str[1:].astype(int).max() if len(versions) else np.nan
    number = 0 if pd.isna(used) or previous.empty else int(used)
    # In the order of the seed, so that the ids of a first version do not depend on the starts.
    for row in sorted(unnamed, key=lambda place: names.index(named.loc[place, "segment_name"])):
        number += 1
        named.loc[row, "segment_id"] = f"S{number:02d}"
    return named
