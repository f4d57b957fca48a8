"""What trains: pure functions on pandas frames, one subject per module.

The Python models of dbt (models/ml) call them, on DuckDB and on Snowflake; so do notebooks and
services: `clientele.pipelines` rebuilds the fitted scikit-learn pipelines from the tables of
parameters.
"""

# dbt trains several models at once, in threads of one process. Two threads that import pandas or
# scikit-learn for the first time at once may each see half of it; Python imports a package's own
# `__init__` in one thread at a time, so it is done here.
import pandas  # noqa: F401
import scipy.optimize  # noqa: F401
import scipy.special  # noqa: F401
import sklearn.cluster
import sklearn.ensemble
import sklearn.linear_model
import sklearn.metrics
import sklearn.pipeline
import sklearn.preprocessing  # noqa: F401
