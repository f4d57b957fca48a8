"""The MBG/NBD model of repeat buying: four numbers per shop, and features of each customer.

Batislam, Denizel and Filiztekin (2007), doi 10.1016/j.ijresmar.2006.12.005.
"""

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import betaln, gammaln

MBG_CUSTOMERS = 20_000  # a fit takes no more; four numbers need none


def fit_mbg(
    order_days: np.ndarray,
    recency: np.ndarray,
    tenure: np.ndarray,
    seed: int = 0,
    penalty: float = 1e-3,
) -> dict[str, float]:
    """Fit an MBG/NBD model by penalised maximum likelihood.

    Parameters
    ----------
    order_days : array of float, shape (n,)
        Days with an order, 1 or more.
    recency, tenure : array of float, shape (n,)
        Days since the last and the first of them.
    seed : int
        Seed of the draw of 20,000 customers, where there are more.
    penalty : float
        Weight of the squared logarithms of the parameters.

    Returns
    -------
    dict of float
        r, alpha (days), a, b.
    """
    x, t_x, age = (
        np.asarray(values, float)
        for values in (order_days - 1, np.subtract(tenure, recency), tenure)
    )
    if len(x) > MBG_CUSTOMERS:
        drawn = pd.RangeIndex(len(x)).to_series().sample(MBG_CUSTOMERS, random_state=seed)
        x, t_x, age = x[drawn], t_x[drawn], age[drawn]
    unit = 10 / age.max()
    t_x, age = t_x * unit, age * unit

    def loss(logs: np.ndarray) -> float:
        logs = np.clip(logs, -8, 8)
        r, alpha, a, b = np.exp(logs)
        shared = (
            gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x + 1) - betaln(a, b)
        )
        alive = -(r + x) * np.log(alpha + age)
        gone = np.log(a) - np.log(b + x) - (r + x) * np.log(alpha + t_x)
        return -(shared + np.logaddexp(alive, gone)).mean() + penalty * np.sum(logs**2)

    starts = ([0, 1, 0, 0], [-1, 0, -1, 1])
    best = min((minimize(loss, s, method="L-BFGS-B") for s in starts), key=lambda found: found.fun)
    r, alpha, a, b = np.exp(np.clip(best.x, -8, 8))
    return {"r": float(r), "alpha": float(alpha / unit), "a": float(a), "b": float(b)}


def mbg_values(
    order_days: np.ndarray,
    recency: np.ndarray,
    tenure: np.ndarray,
    mbg: dict[str, float],
    horizon: int,
) -> dict[str, np.ndarray]:
    """Ask an MBG/NBD model about customers; macros/scoring/mbg_features.sql is the same in SQL.

    Parameters
    ----------
    order_days, recency, tenure : array of float, shape (n,)
        As for fit_mbg.
    mbg : dict of float
        As fit_mbg returns it.
    horizon : int
        Days ahead.

    Returns
    -------
    dict of array, shape (n,)
        mbg_alive, the log odds of being alive; mbg_no_order, the log odds of no order within the
        horizon; mbg_orders, the logarithm of the orders expected in it; alive and no_order, the
        two chances.
    """
    x, t_x = order_days - 1, tenure - recency
    r, alpha, a, b = mbg["r"], mbg["alpha"], mbg["a"], mbg["b"]
    odds = np.log(b + x) - np.log(a) + (r + x) * (np.log(alpha + t_x) - np.log(alpha + tenure))
    alive = 1 / (1 + np.exp(-np.clip(odds, -500, 500)))
    no_order = 1 - alive * (1 - ((alpha + tenure) / (alpha + tenure + horizon)) ** (r + x))
    no_order = np.clip(no_order, 1e-5, 1 - 1e-5)
    return {
        "mbg_alive": np.clip(odds, -8, 8),
        "mbg_no_order": np.log(no_order / (1 - no_order)),
        "mbg_orders": np.log(alive * (r + x) / (alpha + tenure) * horizon + 1e-4),
        "alive": alive,
        "no_order": no_order,
    }


def mbg_features(frame: pd.DataFrame, mbg: dict[str, float], horizon: int) -> pd.DataFrame:
    """Features of an MBG/NBD model: mbg_alive, mbg_no_order and mbg_orders of `mbg_values`.

    Parameters
    ----------
    frame : DataFrame
        Columns order_days, recency_days, tenure_days.
    mbg : dict of float
        As fit_mbg returns it.
    horizon : int
        Days ahead.

    Returns
    -------
    DataFrame
    """
    columns = (
        frame[name].to_numpy(float) for name in ("order_days", "recency_days", "tenure_days")
    )
    values = mbg_values(*columns, mbg, horizon)
    names = ["mbg_alive", "mbg_no_order", "mbg_orders"]
    return pd.DataFrame({name: values[name] for name in names}, index=frame.index)
