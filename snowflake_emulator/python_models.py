"""What Python models may do on Snowflake: checks of what they did on the emulator."""

import json
from pathlib import Path


def wrong_python_models(emulator, target, bounded_from, limit):
    """Look for Python models that read too much, or whose columns plain SQL cannot read.

    Parameters
    ----------
    emulator : Emulator
        The emulator that they were built on.
    target : pathlib.Path
        dbt's target folder: `manifest.json`, and `run_results.json` of the run to look at.
    bounded_from : dict of str
        For each Python model the table in ANALYTICS, `schema.name`, that its sample is drawn from.
    limit : int
        Rows that the sample has at most.

    Returns
    -------
    list of str
        One sentence per fault, which names the model.
    """
    nodes = json.loads((Path(target) / "manifest.json").read_text())["nodes"]
    run = json.loads((Path(target) / "run_results.json").read_text())
    taken = emulator.query(
        f"""
        select try_parse_json(query_tag):node::varchar, max(rows_produced)
        from snowflake.account_usage.query_history
        where query_tag like '%{run["metadata"]["invocation_id"]}%' and query_text ilike 'select%'
        group by 1
        """,
        database="ANALYTICS",
    )
    taken = dict(taken)
    faults = []
    for result in run["results"]:
        node = nodes[result["unique_id"]]
        if node.get("language") != "python" or result["status"] != "success":
            continue
        name, rows = node["name"], taken.get(result["unique_id"], 0)
        if name not in bounded_from:
            faults.append(f"{name}: the test does not say which table its sample is drawn from.")
            continue
        [(whole,)] = emulator.query(f"select count(*) from analytics.{bounded_from[name]}")
        if not 0 < rows <= limit or rows >= whole:
            faults.append(
                f"{name}: one statement brought {rows} rows out of the server; its sample has at"
                f" most {limit} of the {whole} rows of {bounded_from[name]}."
            )
        described = emulator.query(f"describe table {node['relation_name']}")
        if lower := [row[0] for row in described if row[0] != row[0].upper()]:
            faults.append(
                f"{name}: the columns {', '.join(lower)} are lower-case, so SQL finds them in"
                " double quotes only; return them in upper case."
            )
    return faults
