"""Measure feature sets and 2 to 10 segments; see clientele/segment_selection.py."""

from clientele.frames import read, read_clock, written
from clientele.segment_selection import compare


def model(dbt, session):
    """Measure the shop's customers in segments of each kind; see the model's description."""
    # dbt finds a ref only in a statement of its own.
    clock = dbt.ref("as_of_date")
    sample = dbt.ref("int_segment_sample")
    sample = sample.filter(f"sample_number <= {int(dbt.config.meta_get('sample_rows'))}")
    table = compare(
        read(sample).sort_values(["snapshot_date", "sample_number"], ignore_index=True),
        as_of_date=read_clock(clock).date(),
        feature_set=dbt.config.meta_get("feature_set"),
        segment_count=int(dbt.config.meta_get("segment_count")),
        counts=range(2, 11),
        random_state=int(dbt.config.meta_get("random_state")),
        starts=int(dbt.config.meta_get("starts")),
        silhouette_rows=int(dbt.config.meta_get("silhouette_rows")),
    )
    return written(table)
