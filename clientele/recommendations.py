"""Which products speak for which: item-item weights, learnt from who bought what.

EASE (Steck 2019, Embarrassingly Shallow Autoencoders for Sparse Data, doi
10.1145/3308558.3313710): a ridge regression of each product on all others in closed form. The
weights add up to a score in SQL.
"""

from datetime import date

import numpy as np
import pandas as pd
from scipy import linalg, sparse

from clientele.frames import typed_table, use_one_thread

COLUMNS = {
    # ISO text: a column of dates without a row would have no type.
    "trained_date": "str",
    "model": "str",
    "product_id": "str",
    "neighbour_product_id": "str",
    "weight": "float",
    "customer_count": "int",
    "model_version": "str",
}


def ease(together: np.ndarray, ridge: float) -> np.ndarray:
    """Regress each product on all others.

    Parameters
    ----------
    together : ndarray of float, shape (products, products)
        Customers who bought both, each by the product of the two recency weights.
    ridge : float
        Penalty, in customers; above 0.

    Returns
    -------
    ndarray of float, shape (products, products)
        Entry (i, j): what having bought product i says of product j; 0 on the diagonal.
    """
    penalised = together + ridge * np.eye(len(together))
    inverse = linalg.inv(penalised, overwrite_a=True, check_finite=False)
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights


def item_cosine(together: np.ndarray) -> np.ndarray:
    """Cosine of the angle between products as vectors over customers; 0 on the diagonal."""
    length = np.sqrt(np.diag(together))
    weights = together / np.outer(length, length)
    np.fill_diagonal(weights, 0)
    return weights


def strongest(weights: np.ndarray, count: int) -> pd.DataFrame:
    """Keep the strongest neighbours of each product.

    Parameters
    ----------
    weights : ndarray of float, shape (products, products)
        Entry (i, j): weight of neighbour i for product j.
    count : int
        Neighbours kept at most, the largest weights by size, of equal ones the first.

    Returns
    -------
    DataFrame
        Columns product, neighbour (numbers) and weight, rounded to nine places so that the same
        neighbours are kept whatever order a library sums in; without weights of 0.
    """
    rounded = np.round(weights.T, 9)
    chosen = np.argsort(-np.abs(rounded), axis=1, kind="stable")[:, :count]
    kept = pd.DataFrame(
        {
            "product": np.repeat(np.arange(len(rounded)), chosen.shape[1]),
            "neighbour": chosen.ravel(),
            "weight": np.take_along_axis(rounded, chosen, axis=1).ravel(),
        }
    )
    return kept[kept["weight"] != 0]


def neighbours(
    purchases: pd.DataFrame,
    as_of_date: date,
    *,
    ridge: float,
    neighbour_count: int,
    settings_hash: str,
) -> pd.DataFrame:
    """Learn the neighbours of each product from the purchases known on each date.

    Parameters
    ----------
    purchases : pandas.DataFrame
        Rows of int_recommendation_sample: snapshot_date, customer_id, product_id, recency_weight.
    as_of_date : datetime.date
        Its weights are for publishing; on earlier dates item cosine is learnt too, to compare.
    ridge, neighbour_count
        See `ease` and `strongest`.
    settings_hash : str
        Tells versions of other settings apart.

    Returns
    -------
    pandas.DataFrame
        Columns COLUMNS, one row per date, model, product and neighbour.
    """
    use_one_thread()
    tables = []
    for day, known in purchases.groupby(pd.to_datetime(purchases["snapshot_date"]).dt.date):
        customers, customer_ids = pd.factorize(known["customer_id"])
        products, product_ids = pd.factorize(known["product_id"], sort=True)
        shape = (len(customer_ids), len(product_ids))
        lately = sparse.csr_matrix((known["recency_weight"], (customers, products)), shape=shape)
        weights = {"ease": ease((lately.T @ lately).toarray(), ridge)}
        if day < as_of_date:
            ever = sparse.csr_matrix((np.ones(len(known)), (customers, products)), shape=shape)
            weights["item_cosine"] = item_cosine((ever.T @ ever).toarray())
        for model, table in weights.items():
            kept = strongest(table, neighbour_count)
            tables.append(
                pd.DataFrame(
                    {
                        "trained_date": day.isoformat(),
                        "model": model,
                        "product_id": product_ids[kept["product"]],
                        "neighbour_product_id": product_ids[kept["neighbour"]],
                        "weight": kept["weight"].to_numpy(),
                        "customer_count": len(customer_ids),
                        "model_version": f"{day.isoformat()}-{settings_hash[:8]}",
                    }
                )
            )
    return typed_table(pd.concat(tables) if tables else [], COLUMNS)
