"""Measure how well 2 to 10 segments describe the customers, for whoever chooses `segment_count`."""

import warnings
from datetime import date

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score
from sklearn.preprocessing import StandardScaler

from clientele.frames import use_one_thread
from clientele.segments import KEYS

DTYPES = {
    "as_of_date": "object",
    "segment_count": "int64",
    "inertia": "float64",
    "silhouette": "float64",
    "calinski_harabasz": "float64",
    "davies_bouldin": "float64",
    "smallest_segment_share": "float64",
    "training_rows": "int64",
}


def compare(
    sample: pd.DataFrame,
    *,
    as_of_date: date,
    counts: range,
    random_state: int,
    starts: int,
    silhouette_rows: int,
) -> pd.DataFrame:
    """Fit each number of segments and measure it.

    Parameters
    ----------
    sample : pandas.DataFrame
        Rows of int_segment_sample of one day, in order of sample_number.
    as_of_date : datetime.date
        Day of the sample.
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
        One row per number of segments with columns DTYPES: inertia in squared standard deviations
        (lower is better; it always falls), silhouette -1 to 1 (higher), calinski_harabasz (higher),
        davies_bouldin (lower), smallest_segment_share 0 to 1. Measures are null where fewer
        customers differ than segments are asked for, or every customer would be a segment.
    """
    features = [column for column in sample.columns if column not in KEYS]
    values = sample[features].to_numpy(dtype="float64")
    distinct = len(np.unique(values, axis=0))
    values = StandardScaler().fit_transform(values) if len(values) else values
    rows = []
    use_one_thread()
    with warnings.catch_warnings():
        # Customers so alike that segments coincide are no reason to fail.
        warnings.simplefilter("ignore", ConvergenceWarning)
        for count in counts:
            row = {"as_of_date": as_of_date, "segment_count": count, "training_rows": len(values)}
            if count <= distinct and count < len(values):
                kmeans = KMeans(count, n_init=starts, random_state=random_state, max_iter=2000)
                labels = kmeans.fit_predict(values)
                few = labels[:silhouette_rows]
                sizes = np.bincount(labels, minlength=count)
                row |= {
                    "inertia": kmeans.inertia_,
                    "smallest_segment_share": sizes.min() / len(labels),
                }
                if (sizes > 0).sum() > 1:
                    row["calinski_harabasz"] = calinski_harabasz_score(values, labels)
                    row["davies_bouldin"] = davies_bouldin_score(values, labels)
                if 1 < len(np.unique(few)) < len(few):
                    row["silhouette"] = silhouette_score(values[:silhouette_rows], few)
            rows.append(row)
    return pd.DataFrame(rows).reindex(columns=list(DTYPES)).astype(DTYPES)
