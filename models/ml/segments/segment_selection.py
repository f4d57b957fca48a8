"""Measure 2 to 10 segments; see clientele/segment_selection.py."""

from clientele.frames import read, read_clock, written
from clientele.segment_selection import compare


def model(dbt, session):
    """Measure 2 to 10 segments on the shop's customers; see the model's description."""
    # dbt finds a ref only in a statement of its own.
    clock = dbt.ref("as_of_date")
    sample = dbt.ref("int_segment_sample")
    as_of_date = read_clock(clock).date()
    sample = read(
        sample.filter(
            f"snapshot_date = cast('{as_of_date}' as date)"
            f" and sample_number <= {int(dbt.config.meta_get('sample_rows'))}"
        )
    ).sort_values("sample_number", ignore_index=True)
    table = compare(
        sample,
        as_of_date=as_of_date,
        counts=range(2, 11),
        random_state=int(dbt.config.meta_get("random_state")),
        starts=int(dbt.config.meta_get("starts")),
        silhouette_rows=int(dbt.config.meta_get("silhouette_rows")),
    )
    return written(table)
