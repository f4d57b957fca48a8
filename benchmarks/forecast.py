"""The sales forecast beside AutoETS, AutoTheta and MSTL of statsforecast.

    python benchmarks/forecast.py --online-retail-2 <folder of online_retail_ii.parquet>

The sample goes through the dbt build, and Online Retail II where its folder is given. Every
peer forecasts from the days that the forecast knew, on its origins (`ml.forecast_backtest`), and is
measured alike. Rewrites the tables between the `benchmark forecast` comments of docs/models.md.
"""

import argparse
import tempfile
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from churn import MAPPINGS, PROJECT, SHOPS, dbt_build, publish
from statsforecast.models import MSTL, AutoETS, AutoTheta

HORIZON = 28
NAMES = {
    "forecast": "**the forecast**",
    "weekly_level_year": "weekly level x root of last year's growth",
    "weekly_level": "weekly level by weekday",
    "four_weeks": "mean of four same weekdays",
    "seasonal_naive": "seasonal naive (7 days)",
    "last_year": "last year's days x growth",
}
PEERS = {
    "AutoETS (statsforecast)": lambda: AutoETS(season_length=7),
    "AutoTheta (statsforecast)": lambda: AutoTheta(season_length=7),
    "MSTL (statsforecast)": lambda: MSTL(season_length=7),
}


def peer_rows(sales, backtest):
    """Forecast from each origin by every peer.

    Parameters
    ----------
    sales : Series
        Revenue by day, from the first sale.
    backtest : DataFrame
        `ml.forecast_backtest`.

    Returns
    -------
    DataFrame
        Columns origin_date, model, mase, naive_mase, sold, expected, open_days, covered_days.
    """
    rows = []
    for theirs in backtest[backtest["model"] == "seasonal_naive"].to_dict("records"):
        start = sales.index.get_loc(pd.Timestamp(theirs["origin_date"]))
        sold = sales.to_numpy()[start : start + HORIZON]
        # The newest known day is left out, as the forecast does.
        known = sales.to_numpy()[: start - 1]
        scale = np.abs(known[7:] - known[:-7]).mean()
        for name, peer in PEERS.items():
            # A forecast below 0 is one of 0.
            forecast = peer().forecast(known, h=HORIZON + 1, level=[80])
            expected, low, high = (
                np.maximum(forecast[key][1:], 0) for key in ("mean", "lo-80", "hi-80")
            )
            rows.append(
                {
                    "origin_date": theirs["origin_date"],
                    "model": name,
                    "mase": np.abs(sold - expected).mean() / scale,
                    "naive_mase": theirs["naive_mase"],
                    "sold": sold.sum(),
                    "expected": expected.sum(),
                    "open_days": HORIZON,
                    "covered_days": ((sold >= low) & (sold <= high)).sum(),
                }
            )
    return pd.DataFrame(rows)


def section(database, shop):
    """Return the table of a shop, best model first."""
    with duckdb.connect(str(database), read_only=True) as connection:
        backtest = connection.execute("from ml.forecast_backtest").df().rename(columns=str.lower)
        daily = connection.execute(
            "select order_date, revenue::double from sales.daily_sales order by 1"
        ).fetchall()
    sales = pd.Series([each[1] for each in daily], pd.to_datetime([each[0] for each in daily]))
    sales = sales[sales[sales > 0].index[0] :]
    rows = pd.concat([backtest.replace({"model": NAMES}), peer_rows(sales, backtest)])
    rows["error"] = rows["expected"] / rows["sold"] - 1
    rows["absolute_error"] = rows["error"].abs()
    models = rows.groupby("model").agg(
        origins=("mase", "size"),
        mase=("mase", "mean"),
        naive_mase=("naive_mase", "mean"),
        absolute_error=("absolute_error", "mean"),
        error=("error", "mean"),
        open_days=("open_days", "sum"),
        covered_days=("covered_days", "sum"),
    )
    models["relative"] = models["mase"] / models["naive_mase"]
    lines = [
        f"**{SHOPS.get(shop, 'The sample')}**: {backtest['origin_date'].nunique()} origins, "
        f"{backtest['origin_date'].min()} to {backtest['origin_date'].max()}.",
        "",
        "| model | origins | MASE | over seasonal naive | error of the 28-day total | bias | "
        "80 % interval holds |",
        "|" + "---|" * 7,
    ]
    lines += [
        f"| {name} | {model.origins:.0f} | {model.mase:.3f} | {model.relative:.3f} | "
        f"{model.absolute_error:.1%} | {model.error:+.1%} | "
        f"{model.covered_days / model.open_days:.1%} |"
        for name, model in models.sort_values("relative").iterrows()
    ]
    return "\n".join(lines)


def main():
    """Measure both shops and rewrite their tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--online-retail-2", help="folder of online_retail_ii.parquet")
    arguments = parser.parse_args()
    raws = {"sample": PROJECT / "sample"}
    if arguments.online_retail_2:
        raws["online_retail_2"] = Path(arguments.online_retail_2).resolve()
    with tempfile.TemporaryDirectory() as folder:
        for shop, raw in raws.items():
            database = Path(folder) / f"{shop}.duckdb"
            dbt_build(raw, MAPPINGS.get(shop), database, ["forecast_backtest"])
            publish(f"forecast {shop}", section(database, shop))


if __name__ == "__main__":
    main()
