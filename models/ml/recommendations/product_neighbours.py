"""Train which products speak for which; see clientele/recommendations.py."""

from clientele.frames import read, read_clock, written
from clientele.recommendations import neighbours


def model(dbt, session):
    """Learn the neighbours of the shop's products; see the model's description."""
    # dbt finds a ref only in a statement of its own.
    clock = dbt.ref("as_of_date")
    sample = dbt.ref("int_recommendation_sample")
    purchases = read(sample).sort_values(
        ["snapshot_date", "customer_id", "product_id"], ignore_index=True
    )
    table = neighbours(
        purchases,
        read_clock(clock).date(),
        ridge=float(dbt.config.meta_get("ridge")),
        neighbour_count=int(dbt.config.meta_get("neighbour_count")),
        settings_hash=dbt.config.meta_get("settings_hash"),
    )
    return written(table)
