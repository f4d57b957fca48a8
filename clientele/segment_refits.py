"""Fit the segments again to the customers of each month, to see how far the model in use is off.

Part of monitoring, not of training: it has to run when nothing is trained, to say when to train. It
starts from the centroids in use, so it costs seconds and each segment stays what it is.
"""

import warnings

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from clientele.frames import use_one_thread

DTYPES = {
    # ISO text: a column of dates without a row would have no type.
    "snapshot_date": "string",
    "segment_id": "string",
    "feature": "string",
    "centroid": "float64",
    "mean": "float64",
    "scale": "float64",
}


def refit(sample: pd.DataFrame, parameters: pd.DataFrame) -> pd.DataFrame:
    """Fit scaler and centroids to each day's customers, starting from the centroids in use.

    Parameters
    ----------
    sample : pandas.DataFrame
        Rows of int_segment_sample.
    parameters : pandas.DataFrame
        The version in use: segment_id, feature, centroid, mean, scale; may be empty.

    Returns
    -------
    pandas.DataFrame
        One row per day, segment and feature with columns DTYPES, as in the segment model. A day
        with fewer distinct customers than segments is missing.
    """
    rows = []
    if len(parameters):
        units = parameters.assign(
            value=parameters["centroid"] * parameters["scale"] + parameters["mean"]
        ).pivot(index="segment_id", columns="feature", values="value")
        features = units.columns.tolist()
        order = sample.assign(snapshot_date=pd.to_datetime(sample["snapshot_date"]))
        use_one_thread()
        with warnings.catch_warnings():
            # Customers so alike that segments coincide are no reason to fail.
            warnings.simplefilter("ignore", ConvergenceWarning)
            for day, customers in order.sort_values("sample_number").groupby("snapshot_date"):
                values = customers[features].to_numpy(dtype="float64")
                if len(np.unique(values, axis=0)) < len(units):
                    continue
                scaler = StandardScaler().fit(values)
                start = scaler.transform(units.to_numpy())
                kmeans = KMeans(len(units), init=start, n_init=1, tol=1e-8, max_iter=2000)
                kmeans.fit(scaler.transform(values))
                rows += [
                    (f"{day:%Y-%m-%d}", segment, feature, kmeans.cluster_centers_[place, column])
                    + (scaler.mean_[column], scaler.scale_[column])
                    for place, segment in enumerate(units.index)
                    for column, feature in enumerate(features)
                ]
    return pd.DataFrame(rows, columns=list(DTYPES)).astype(DTYPES)
