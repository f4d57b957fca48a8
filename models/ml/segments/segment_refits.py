"""Fit the segments again to the customers of each month; see clientele/segment_refits.py."""

from clientele.frames import read, written
from clientele.segment_refits import refit


def model(dbt, session):
    """Fit the segments again to the customers of each month; see the model's description."""
    # dbt finds a ref only in a statement of its own.
    sample = dbt.ref("int_segment_sample")
    parameters = dbt.ref("segment_parameters")
    sample = sample.filter(f"sample_number <= {int(dbt.config.meta_get('sample_rows'))}")
    return written(refit(read(sample), read(parameters.filter("is_clustered"))))
