"""What trains: pure functions on pandas frames, one subject per module.

The Python models of dbt (models/ml) call them, on DuckDB and on Snowflake; so do notebooks and
services: `clientele.pipelines` rebuilds the fitted scikit-learn pipelines from the tables of
parameters.
"""
