"""Train the customer segments; see clientele/segments.py."""

from clientele.frames import read, read_clock, written
from clientele.segments import NO_VERSIONS, train


def model(dbt, session):
    """Train the segments of the shop's customers; see the model's description."""
    # dbt finds a ref only in a statement of its own.
    clock = dbt.ref("as_of_date")
    sample = dbt.ref("int_segment_sample")
    archetypes = dbt.ref("segment_archetypes")
    selection = dbt.ref("segment_selection")
    as_of_date = read_clock(clock).date()
    sample_rows = int(dbt.config.meta_get("sample_rows"))
    sample = read(
        sample.filter(
            f"snapshot_date = cast('{as_of_date}' as date) and sample_number <= {sample_rows}"
        )
    ).sort_values("sample_number", ignore_index=True)
    chosen = read(selection.filter("is_chosen"))["feature_set"]
    stored = dbt.is_incremental
    versions = read(session.sql(f"select * from {dbt.this}")) if stored else NO_VERSIONS
    table = train(
        sample,
        read(archetypes),
        versions,
        as_of_date=as_of_date,
        feature_set=chosen.iloc[0],
        segment_count=int(dbt.config.meta_get("segment_count")),
        random_state=int(dbt.config.meta_get("random_state")),
        starts=int(dbt.config.meta_get("starts")),
        start_rows=int(dbt.config.meta_get("start_rows")),
        silhouette_rows=int(dbt.config.meta_get("silhouette_rows")),
        sample_rows=sample_rows,
        minimum_customers=int(dbt.config.meta_get("minimum_customers")),
    )
    return written(table)
