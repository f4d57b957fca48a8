"""Train the customer segments: KMeans centroids, the scaler, and a name for each segment.

The result is a small table of parameters; SQL scores every customer with it (macro
`nearest_segment`). One training is one version; older versions stay in the table.
"""

import hashlib
import json
import warnings
from datetime import date

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import silhouette_samples
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from clientele.frames import use_one_thread
from clientele.segment_names import name_segments, previous_version

KEYS = ("customer_id", "snapshot_date", "sample_number", "value_next_90")
RFM = ("log_recency", "log_frequency", "log_monetary")
FEATURE_SETS = ("rfm", "enriched")  # the simplest first
DTYPES = {
    "model_version": "string",
    "as_of_date": "object",
    "training_number": "int64",
    "segment_id": "string",
    "segment_name": "string",
    "archetype_name": "string",
    "previous_version": "string",
    "previous_share": "float64",
    "feature_set": "string",
    "feature": "string",
    "is_clustered": "boolean",
    "centroid": "float64",
    "mean": "float64",
    "scale": "float64",
    "segment_rows": "int64",
    "silhouette": "float64",
    "training_rows": "int64",
    "inertia": "float64",
    "model_status": "string",
    "status_reason": "string",
}
NO_VERSIONS = pd.DataFrame(columns=list(DTYPES))


def clustered_features(features: list[str], feature_set: str) -> list[str]:
    """Features that the segments of a set are told apart by; all others only describe them.

    Parameters
    ----------
    features : list of str
        All features of int_segment_sample, in order.
    feature_set : {"rfm", "enriched"}
        Recency, frequency and money alone, or all features.

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        For any other set.
    """
    if feature_set not in FEATURE_SETS:
        raise ValueError(f"segment_feature_set is {feature_set}; it must be auto, rfm or enriched")
    return [name for name in features if feature_set == "enriched" or name in RFM]


def segmentation(
    sample: pd.DataFrame, count: int, random_state: int, starts: int, start_rows: int
) -> Pipeline:
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
    use_one_thread()
    with warnings.catch_warnings():
        # Customers so alike that segments coincide are no reason to fail.
        warnings.simplefilter("ignore", ConvergenceWarning)
        best = KMeans(count, n_init=starts, random_state=random_state, tol=1e-8, max_iter=2000)
        centroids = best.fit(first_rows).cluster_centers_
        return make_pipeline(
            StandardScaler(),
            KMeans(count, init=centroids, n_init=1, tol=1e-8, max_iter=2000),
        ).fit(sample)


def segment_silhouettes(values: pd.DataFrame, labels: np.ndarray) -> pd.Series:
    """Mean silhouette of each segment's customers, -1 to 1.

    Parameters
    ----------
    values : pandas.DataFrame of shape (n_customers, n_features)
        Clustered features in standard deviations.
    labels : numpy.ndarray of int of shape (n_customers,)
        Segment of each.

    Returns
    -------
    pandas.Series
        By segment; empty where all are of one, or each is of one of its own.
    """
    if not 1 < len(np.unique(labels)) < len(labels):
        return pd.Series(dtype="float64")
    return pd.Series(silhouette_samples(values, labels)).groupby(labels).mean()


def train(
    sample: pd.DataFrame,
    archetypes: pd.DataFrame,
    versions: pd.DataFrame,
    *,
    as_of_date: date,
    feature_set: str,
    segment_count: int,
    random_state: int,
    starts: int,
    start_rows: int,
    silhouette_rows: int,
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
    feature_set : {"rfm", "enriched"}
        See `clustered_features`.
    segment_count, random_state, starts, start_rows
        See `segmentation`.
    silhouette_rows : int
        Rows, from the first, that the silhouette is taken over: it compares each with each.
    sample_rows : int
        The most rows that the sample could have.
    minimum_customers : int
        With fewer, the segments are called provisional.

    Returns
    -------
    pandas.DataFrame
        One row per segment and feature with columns DTYPES: centroid in standard deviations (of a
        feature that is not clustered: the mean of the segment's customers), mean and scale in units
        of the feature, inertia in squared standard deviations, silhouette of the segment's
        customers. Without a customer, one row that says so, with neither segment nor feature.

    Raises
    ------
    ValueError
        When segment_count is below 1 or above the number of archetypes, an archetype lacks a
        feature, or the feature set is unknown.
    """
    features = [column for column in sample.columns if column not in KEYS]
    if not 1 <= segment_count <= len(archetypes):
        raise ValueError(f"segment_count is {segment_count}; it must be 1 to {len(archetypes)}")
    if missing := set(features) - set(archetypes.columns):
        raise ValueError(f"segment_archetypes has no column {', '.join(sorted(missing))}")
    clustered = clustered_features(features, feature_set)
    settings = [features, clustered, segment_count, random_state, starts, start_rows, sample_rows]
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
    pipeline = segmentation(values[clustered], segment_count, random_state, starts, start_rows)
    kmeans = pipeline[-1]
    scaler = StandardScaler().fit(values)
    standardised = pd.DataFrame(scaler.transform(values), columns=features)
    # Names come from all that is known of a segment, also from what it was not told apart by.
    profile = standardised.groupby(kmeans.labels_).mean().reindex(range(kmeans.n_clusters))
    profile[clustered] = kmeans.cluster_centers_
    profile = profile.fillna(0.0)
    named = name_segments(
        profile, scaler, archetypes, versions, previous, sample=values, labels=kmeans.labels_
    )
    silhouettes = segment_silhouettes(
        standardised[clustered][:silhouette_rows], kmeans.labels_[:silhouette_rows]
    )
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
            "feature_set": feature_set,
            "feature": feature,
            "is_clustered": feature in clustered,
            "centroid": profile.loc[place, feature],
            "mean": scaler.mean_[column],
            "scale": scaler.scale_[column],
            "segment_rows": int(sizes[place]),
            "silhouette": silhouettes.get(place),
            "inertia": kmeans.inertia_,
            "model_status": status,
            "status_reason": " ".join(reasons) or None,
        }
        for place in named.sort_values("segment_id").index
        for column, feature in enumerate(features)
    ]
    return pd.DataFrame(rows).reindex(columns=list(DTYPES)).astype(DTYPES)
