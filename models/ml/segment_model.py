"""Train the customer segments: KMeans centroids, the scaler, and a name for each segment.

The model returns a small table of parameters; SQL scores every customer with it
(macro `nearest_segment`). One training is one version; older versions stay in the table.
"""

import hashlib
import json
import warnings

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

KEYS = ("customer_id", "snapshot_date", "sample_number")
DTYPES = {
    "model_version": "string",
    "as_of_date": "object",
    "training_number": "int64",
    "segment_id": "string",
    "segment_name": "string",
    "archetype_name": "string",
    "previous_version": "string",
    "previous_distance": "float64",
    "feature": "string",
    "centroid": "float64",
    "mean": "float64",
    "scale": "float64",
    "segment_rows": "int64",
    "training_rows": "int64",
    "inertia": "float64",
    "model_status": "string",
    "status_reason": "string",
}
LIMITS = ["minimum_recency_days", "maximum_recency_days", "maximum_tenure_days"]
MISFIT = 1e6  # squared standard deviations that no profile is away


def read(relation) -> pd.DataFrame:
    """Read a relation of DuckDB or Snowpark.

    Parameters
    ----------
    relation : duckdb.DuckDBPyRelation or snowflake.snowpark.DataFrame
        What `dbt.ref` or `session.sql` gave.

    Returns
    -------
    pandas.DataFrame
        Its rows; column names in lower case.
    """
    frame = relation.to_pandas() if hasattr(relation, "to_pandas") else relation.df()
    return frame.rename(columns=str.lower)


def segmentation(sample: pd.DataFrame, count: int, random_state: int, starts: int, start_rows: int):
    """Fit the scaler and the centroids.

    KMeans finds a local optimum, and on customers the best two of them often differ by a thousandth
    of the inertia and a tenth of the customers. So many starts are tried on the first rows, and the
    best of them is refined on all.

    Parameters
    ----------
    sample : pandas.DataFrame of shape (n_customers, n_features)
        Features, in an order that does not depend on the build.
    count : int
        Segments wanted; fewer come when fewer customers differ.
    random_state : int
        Seed of the starts.
    starts : int
        Starts tried (`n_init`).
    start_rows : int
        Rows, from the first, that they are tried on.

    Returns
    -------
    sklearn.pipeline.Pipeline
        StandardScaler and KMeans, fitted.

    Raises
    ------
    ValueError
        For a sample without a row.
    """
    if sample.empty:
        raise ValueError("there is no customer to train on")
    values = StandardScaler().fit_transform(sample)
    first_rows = values[:start_rows]
    count = min(count, len(np.unique(first_rows, axis=0)))
    # One thread adds up in one order: the same sample gives the same centroids to the last bit.
    # For good, since models that train at the same time share the setting.
    threadpool_limits(limits=1)
    with warnings.catch_warnings():
        # Customers so alike that segments coincide are no reason to fail.
        warnings.simplefilter("ignore", ConvergenceWarning)
        best = KMeans(count, n_init=starts, random_state=random_state, tol=1e-8, max_iter=2000)
        centroids = best.fit(first_rows).cluster_centers_
        return make_pipeline(
            StandardScaler(),
            KMeans(count, init=centroids, n_init=1, tol=1e-8, max_iter=2000),
        ).fit(sample)


def assign(left: np.ndarray, right: np.ndarray, misfits=False) -> dict[int, int]:
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


def previous_version(versions: pd.DataFrame, model_version: str, as_of_date) -> pd.DataFrame:
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


def train(
    sample: pd.DataFrame,
    archetypes: pd.DataFrame,
    versions: pd.DataFrame,
    *,
    as_of_date,
    segment_count: int,
    random_state: int,
    starts: int,
    start_rows: int,
    sample_rows: int,
    minimum_customers: int,
) -> pd.DataFrame:
    """Train one version.

    Parameters
    ----------
    sample : pandas.DataFrame
        Rows of int_segment_sample of one day, in order of sample_number.
    archetypes : pandas.DataFrame
        Seed `segment_archetypes`.
    versions : pandas.DataFrame
        The versions so far, in the shape that this function returns; empty for the first.
    as_of_date : datetime.date
        Day of the sample.
    segment_count, random_state, starts, start_rows
        See `segmentation`.
    sample_rows : int
        The most rows that the sample could have.
    minimum_customers : int
        With fewer, the segments are called provisional.

    Returns
    -------
    pandas.DataFrame
        One row per segment and feature with columns DTYPES: centroid in standard deviations, mean
        and scale in units of the feature, inertia in squared standard deviations. Without a
        customer, one row that says so, with neither segment nor feature.

    Raises
    ------
    ValueError
        When segment_count is below 1 or above the number of archetypes, or an archetype lacks a
        feature.
    """
    features = [column for column in sample.columns if column not in KEYS]
    if not 1 <= segment_count <= len(archetypes):
        raise ValueError(f"segment_count is {segment_count}; it must be 1 to {len(archetypes)}")
    if missing := set(features) - set(archetypes.columns):
        raise ValueError(f"segment_archetypes has no column {', '.join(sorted(missing))}")
    settings = [features, segment_count, random_state, starts, start_rows, sample_rows]
    digest = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:8]
    model_version = f"{as_of_date:%Y-%m-%d}-{digest}"
    previous = previous_version(versions, model_version, as_of_date)
    same_day = versions[pd.to_datetime(versions["as_of_date"]) == pd.Timestamp(as_of_date)]
    others = same_day.loc[same_day["model_version"] != model_version, "training_number"]
    common = {
        "model_version": model_version,
        "as_of_date": as_of_date,
        # Among the versions of one day, the newest training is the one in use.
        "training_number": int(others.max()) + 1 if len(others) else 1,
        "training_rows": len(sample),
    }
    if sample.empty:
        empty = {"segment_rows": 0, "model_status": "no_customers"}
        table = pd.DataFrame(
            [common | empty | {"status_reason": "No customer has ordered before as_of_date."}]
        )
        return table.reindex(columns=list(DTYPES)).astype(DTYPES)
    values = sample[features].astype("float64")
    pipeline = segmentation(values, segment_count, random_state, starts, start_rows)
    scaler, kmeans = pipeline[0], pipeline[-1]
    named = name_segments(pipeline, features, archetypes, versions, previous)
    status, reasons = "segmented", []
    if len(values) < minimum_customers:
        status = "provisional"
        reasons.append(
            f"Trained on {len(values)} customers, fewer than {minimum_customers}: "
            "segments may change with the next training."
        )
    if len(named) < segment_count:
        status = "fewer_segments"
        reasons.append(
            f"Only {len(named)} customers differ, so there are not {segment_count} segments."
        )
    if constant := values.columns[values.min() == values.max()].tolist():
        reasons.append(f"Equal for all customers, so without effect: {', '.join(constant)}.")
    sizes = np.bincount(kmeans.labels_, minlength=len(named))
    rows = [
        common
        | named.loc[place].to_dict()
        | {
            "previous_version": None if previous.empty else previous["model_version"].iloc[0],
            "feature": feature,
            "centroid": kmeans.cluster_centers_[place, column],
            "mean": scaler.mean_[column],
            "scale": scaler.scale_[column],
            "segment_rows": int(sizes[place]),
            "inertia": kmeans.inertia_,
            "model_status": status,
            "status_reason": " ".join(reasons) or None,
        }
        for place in named.sort_values("segment_id").index
        for column, feature in enumerate(features)
    ]
    return pd.DataFrame(rows).reindex(columns=list(DTYPES)).astype(DTYPES)


def model(dbt, session):
    """Train the segments of the shop's customers; see `train`."""
    # dbt finds a ref only in a statement of its own.
    clock = dbt.ref("as_of_date")
    sample = dbt.ref("int_segment_sample")
    archetypes = dbt.ref("segment_archetypes")
    as_of_date = pd.Timestamp(read(clock)["as_of_date"].iloc[0]).date()
    sample_rows = int(dbt.config.meta_get("sample_rows"))
    sample = read(
        sample.filter(
            f"snapshot_date = cast('{as_of_date}' as date) and sample_number <= {sample_rows}"
        )
    ).sort_values("sample_number", ignore_index=True)
    if dbt.is_incremental:
        versions = read(session.sql(f"select * from {dbt.this}"))
    else:
        versions = pd.DataFrame(columns=list(DTYPES))
    table = train(
        sample,
        read(archetypes),
        versions,
        as_of_date=as_of_date,
        segment_count=int(dbt.config.meta_get("segment_count")),
        random_state=int(dbt.config.meta_get("random_state")),
        starts=int(dbt.config.meta_get("starts")),
        start_rows=int(dbt.config.meta_get("start_rows")),
        sample_rows=sample_rows,
        minimum_customers=int(dbt.config.meta_get("minimum_customers")),
    )
    return table.rename(columns=str.upper)
