"""Train the churn model; see clientele/churn.py."""

from clientele.churn import parameter_table
from clientele.churn_fit import Settings
from clientele.frames import read, read_clock, written


def model(dbt, session):
    """Return the parameters of all fits, one row each; see the model's description."""
    # dbt finds a ref only in a statement of its own.
    clock = dbt.ref("as_of_date")
    sample = dbt.ref("int_training_sample")
    settings = Settings(
        features=dbt.config.meta_get("features"),
        horizon=int(dbt.config.meta_get("churn_horizon_days")),
        minimum_customers=int(dbt.config.meta_get("minimum_customers")),
        minimum_snapshots=int(dbt.config.meta_get("minimum_labelled_snapshots")),
        seed=int(dbt.config.meta_get("random_seed")),
    )
    settings_hash = dbt.config.meta_get("settings_hash")
    return written(parameter_table(read(sample), read_clock(clock), settings, settings_hash))
