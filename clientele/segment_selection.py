"""Measure feature sets and numbers of segments, and choose the features.

Silhouettes of different features do not compare. So within a set they, and the elbow of inertia,
are there for whoever chooses `segment_count`; between sets decides what the segments were good for:
the share of the next 90 days' revenue that they explained on past dates, then how stable they are.
"""

import warnings
from datetime import date

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import (
    adjusted_rand_score,
    calinski_harabasz_score,
    davies_bouldin_score,
    silhouette_score,
)
from sklearn.pipeline import Pipeline

from clientele.frames import use_one_thread
from clientele.segments import FEATURE_SETS, KEYS, clustered_features, segmentation

PAST_DATES = 6
DTYPES = {
    "as_of_date": "object",
    "feature_set": "string",
    "segment_count": "int64",
    "inertia": "float64",
    "silhouette": "float64",
    "calinski_harabasz": "float64",
    "davies_bouldin": "float64",
    "smallest_segment_share": "float64",
    "explained_share": "float64",
    "explained_dates": "int64",
    "seed_agreement": "float64",
    "month_agreement": "float64",
    "is_chosen": "boolean",
    "training_rows": "int64",
}


def explained_share(labels: np.ndarray, revenue: np.ndarray) -> float:
    """Share of the variance of the logarithm of 1 + revenue that lies between segments, 0 to 1.

    Parameters
    ----------
    labels : numpy.ndarray of int of shape (n_customers,)
        Segment of each customer.
    revenue : numpy.ndarray of shape (n_customers,)
        What they brought afterwards, in money; less than nothing counts as nothing.

    Returns
    -------
    float
        NaN where all brought the same.
    """
    amounts = pd.Series(np.log1p(np.maximum(revenue.astype("float64"), 0.0)))
    total = ((amounts - amounts.mean()) ** 2).sum()
    between = ((amounts.groupby(labels).transform("mean") - amounts.mean()) ** 2).sum()
    return float(between / total) if total > 0 else float("nan")


def past_fits(
    months: pd.DataFrame, features: list[str], count: int, random_state: int, starts: int
) -> tuple[list[float], float]:
    """Fit a set to the customers of each past date.

    Parameters
    ----------
    months : pandas.DataFrame
        Rows of int_segment_sample whose next 90 days are known.
    features : list of str
        Features of the set.
    count, random_state, starts
        See `segmentation`.

    Returns
    -------
    tuple of (list of float, float)
        Explained share on each date, oldest first, NaN where all customers brought the same; mean
        adjusted Rand index of each date's segments and those that the fit of the date before gives
        the same customers.
    """
    shares, agreements = [], []
    before: Pipeline | None = None
    for _, customers in months.groupby("snapshot_date"):
        values = customers[features].astype("float64")
        fitted = segmentation(values, count, random_state, starts, len(values))
        labels = fitted[-1].labels_
        shares.append(explained_share(labels, customers["value_next_90"].to_numpy()))
        if before is not None:
            agreements.append(adjusted_rand_score(before.predict(values), labels))
        before = fitted
    return shares, float(np.mean(agreements)) if agreements else float("nan")


def measures(values: np.ndarray, labels: np.ndarray, silhouette_rows: int) -> dict[str, float]:
    """Measure one segmentation, as far as measures are defined for it; see `compare`."""
    few = labels[:silhouette_rows]
    found = {"smallest_segment_share": np.bincount(labels).min() / len(labels)}
    if len(np.unique(labels)) > 1:
        found["calinski_harabasz"] = calinski_harabasz_score(values, labels)
        found["davies_bouldin"] = davies_bouldin_score(values, labels)
    if 1 < len(np.unique(few)) < len(few):
        found["silhouette"] = silhouette_score(values[:silhouette_rows], few)
    return found


def choose(shares: dict[str, list[float]], stability: dict[str, float]) -> str:
    """Choose the feature set.

    Parameters
    ----------
    shares : dict of str to list of float
        Explained shares of `rfm` and `enriched` on the same dates.
    stability : dict of str to float
        Mean of the agreements between seeds and between months; NaN where unknown.

    Returns
    -------
    str
        The set that explains more, when it does so by more than the standard error of the
        difference over at least three dates; else the more stable one; of equals `rfm`.
    """
    gains = np.array(shares["enriched"]) - np.array(shares["rfm"])
    gains = gains[np.isfinite(gains)]
    if len(gains) < 3:
        return "rfm"
    if abs(gains.mean()) > gains.std(ddof=1) / np.sqrt(len(gains)):
        return "enriched" if gains.mean() > 0 else "rfm"
    return "enriched" if stability["enriched"] > stability["rfm"] else "rfm"


def compare(
    sample: pd.DataFrame,
    *,
    as_of_date: date,
    feature_set: str,
    segment_count: int,
    counts: range,
    random_state: int,
    starts: int,
    silhouette_rows: int,
) -> pd.DataFrame:
    """Fit each feature set and number of segments, measure it, and choose the set.

    Parameters
    ----------
    sample : pandas.DataFrame
        Rows of int_segment_sample, in order of snapshot_date and sample_number.
    as_of_date : datetime.date
        Day whose customers are measured; of the days before, the last six whose next 90 days are
        known tell what the segments explain.
    feature_set : {"auto", "rfm", "enriched"}
        The set to use, or `auto`: the one that `choose` names.
    segment_count : int
        Number of segments in use; at this number the sets are compared.
    counts : range
        Numbers of segments, 2 or more.
    random_state : int
        Seed of the starts.
    starts : int
        Starts tried for each (`n_init`).
    silhouette_rows : int
        Rows, from the first, that the silhouette is taken over: it compares each with each.

    Returns
    -------
    pandas.DataFrame
        One row per feature set and number of segments with columns DTYPES: inertia in squared
        standard deviations (lower is better; it always falls), silhouette -1 to 1 (higher),
        calinski_harabasz (higher), davies_bouldin (lower), smallest_segment_share 0 to 1; where the
        number is segment_count also explained_share 0 to 1 (mean of explained_dates dates) and the
        adjusted Rand index between two seeds and between following months. Measures are null where
        fewer customers differ than segments are asked for, or every customer would be a segment.

    Raises
    ------
    ValueError
        For an unknown feature set.
    """
    features = [column for column in sample.columns if column not in KEYS]
    if feature_set != "auto":
        clustered_features(features, feature_set)
    days = pd.to_datetime(sample["snapshot_date"])
    today = sample[days == pd.Timestamp(as_of_date)]
    months = sample[sample["value_next_90"].notna()]
    past_dates = sorted(set(months["snapshot_date"]))[-PAST_DATES:]
    months = months[months["snapshot_date"].isin(past_dates)]
    rows, shares, stability = [], {}, {}
    use_one_thread()
    with warnings.catch_warnings():
        # Customers so alike that segments coincide are no reason to fail.
        warnings.simplefilter("ignore", ConvergenceWarning)
        for name in FEATURE_SETS:
            clustered = clustered_features(features, name)
            values = today[clustered].astype("float64")
            distinct = len(np.unique(values, axis=0))
            shares[name], month_agreement = past_fits(
                months, clustered, segment_count, random_state, starts
            )
            for count in counts:
                row = {"segment_count": count, "feature_set": name, "explained_dates": 0}
                if count <= distinct and count < len(values):
                    scaler, kmeans = segmentation(values, count, random_state, starts, len(values))
                    row["inertia"] = kmeans.inertia_
                    row |= measures(scaler.transform(values), kmeans.labels_, silhouette_rows)
                    if count == segment_count:
                        again = segmentation(values, count, random_state + 1, starts, len(values))
                        row["seed_agreement"] = adjusted_rand_score(
                            kmeans.labels_, again[-1].labels_
                        )
                if count == segment_count:
                    row["month_agreement"] = month_agreement
                    known = np.array(shares[name])[np.isfinite(shares[name])]
                    row["explained_dates"] = len(known)
                    row["explained_share"] = known.mean() if len(known) else np.nan
                    stability[name] = np.nanmean([row.get("seed_agreement", 0.0), month_agreement])
                rows.append(row)
    chosen = feature_set
    if feature_set == "auto":
        # One segment, or more than are measured, is told apart by nothing or by guess.
        chosen = choose(shares, stability) if segment_count in counts else "rfm"
    table = pd.DataFrame(rows).assign(
        as_of_date=as_of_date,
        training_rows=len(today),
        is_chosen=lambda rows: rows["feature_set"] == chosen,
    )
    return table.reindex(columns=list(DTYPES)).astype(DTYPES)
