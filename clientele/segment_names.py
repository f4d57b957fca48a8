"""Names of the customer segments, and their identity from one training to the next."""

import warnings
from datetime import date

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.preprocessing import StandardScaler

from clientele.pipelines import segment_pipeline

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


def misfits(profile: pd.DataFrame, scaler: StandardScaler, archetypes: pd.DataFrame) -> np.ndarray:
    """Names that would be untrue of a segment, however near it comes to their profile.

    Profiles are relative to the shop's average customer; `new` or `at risk` are not.

    Parameters
    ----------
    profile : pandas.DataFrame of shape (n_segments, n_features)
        Mean of each segment's customers in standard deviations.
    scaler : sklearn.preprocessing.StandardScaler
        Fitted on the features in the order of `profile`.
    archetypes : pandas.DataFrame
        Seed `segment_archetypes`.

    Returns
    -------
    numpy.ndarray of bool of shape (n_segments, n_archetypes)
    """
    typical = pd.DataFrame(
        scaler.inverse_transform(profile.to_numpy()), columns=profile.columns, index=profile.index
    )
    recency = np.expm1(typical[["log_recency"]].to_numpy())
    tenure = typical[["tenure_days"]].to_numpy()
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


def shared_customers(
    previous: pd.DataFrame, sample: pd.DataFrame, labels: np.ndarray
) -> pd.DataFrame:
    """Count whom each new segment shares with each segment of the previous version.

    Parameters
    ----------
    previous : pandas.DataFrame
        What `previous_version` returned, with a row.
    sample : pandas.DataFrame of shape (n_customers, n_features)
        Customers, who are scored by the previous version.
    labels : numpy.ndarray of int of shape (n_customers,)
        New segment of each.

    Returns
    -------
    pandas.DataFrame
        Customers by new segment (rows) and previous segment_id (columns). Without a row when the
        previous version knows a feature that the sample lacks.
    """
    pipeline, segment_ids = segment_pipeline(previous)
    if missing := set(pipeline.feature_names_in_) - set(sample.columns):
        warnings.warn(
            f"Segments start anew: the previous version was told apart by {sorted(missing)}.",
            stacklevel=2,
        )
        return pd.DataFrame(columns=segment_ids)
    earlier = np.array(segment_ids)[pipeline.predict(sample[pipeline.feature_names_in_])]
    return pd.crosstab(labels, earlier)


def name_segments(
    profile: pd.DataFrame,
    scaler: StandardScaler,
    archetypes: pd.DataFrame,
    versions: pd.DataFrame,
    previous: pd.DataFrame,
    *,
    sample: pd.DataFrame,
    labels: np.ndarray,
) -> pd.DataFrame:
    """Give each segment its id and name.

    A segment keeps id and name of the segment of the previous version that it shares its customers
    with, by optimal assignment, whatever features either was told apart by. Any other gets an id
    that no version ever used, and the archetype that is nearest and free, by optimal assignment.

    Parameters
    ----------
    profile : pandas.DataFrame of shape (n_segments, n_features)
        Mean of each segment's customers in standard deviations.
    scaler : sklearn.preprocessing.StandardScaler
        Fitted on the features in the order of `profile`.
    archetypes : pandas.DataFrame
        Seed `segment_archetypes`: segment_name and a target per feature in standard deviations.
    versions : pandas.DataFrame
        All versions, for the ids in use.
    previous : pandas.DataFrame
        What `previous_version` returned.
    sample, labels
        Customers and their new segments, as in `shared_customers`.

    Returns
    -------
    pandas.DataFrame of shape (n_segments, 4)
        segment_id, segment_name, archetype_name (by assignment to the archetypes alone) and
        previous_share (of the segment's customers, those whom the previous version has in the
        segment of that id), in the order of the profile.
    """
    centroids = profile.to_numpy()
    targets = archetypes[profile.columns].to_numpy(dtype="float64")
    names = archetypes["segment_name"].tolist()
    untrue = misfits(profile, scaler, archetypes)
    nearest = assign(centroids, targets, untrue)
    named = pd.DataFrame(
        {
            "segment_id": pd.Series([None] * len(centroids), dtype="string"),
            "segment_name": pd.Series([None] * len(centroids), dtype="string"),
            "archetype_name": [names[nearest[row]] for row in range(len(centroids))],
            "previous_share": np.nan,
        }
    )
    if not previous.empty:
        shared = shared_customers(previous, sample, labels)
        earlier_names = previous.groupby("segment_id")["segment_name"].first()
        for row, column in zip(*linear_sum_assignment(-shared.to_numpy()), strict=True):
            place, segment_id = shared.index[row], shared.columns[column]
            if shared.loc[place, segment_id] == 0:
                continue
            named.loc[place, "segment_id"] = segment_id
            named.loc[place, "segment_name"] = earlier_names[segment_id]
            named.loc[place, "previous_share"] = (
                shared.loc[place, segment_id] / shared.loc[place].sum()
            )
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
