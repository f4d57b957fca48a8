"""Time and memory of the build at scale, beside hand-written SQL and pandas on the same shop.

    python benchmarks/scale.py --lines 10000000

Generates the shop (or reuses --raw), then runs each contender as a process of its own, one after
the other, and prints a Markdown table: wall seconds, processor seconds, peak memory, lines/s.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).parents[1]
HAND_WRITTEN = """
import duckdb, pathlib, sys
database = duckdb.connect(sys.argv[2])
database.execute("set preserve_insertion_order = false; set memory_limit = '4GB'")
sql = pathlib.Path("benchmarks/handwritten.sql").read_text().replace("{raw}", sys.argv[1])
database.execute(sql)
"""


def measure(command, environment):
    """Wall seconds, processor seconds and peak memory in GB of one process that must succeed."""
    started = time.monotonic()
    process = subprocess.Popen(
        command, cwd=PROJECT, env=os.environ | environment, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(map(str, command))} failed with status {status}")
    seconds = time.monotonic() - started
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024**2


def main():
    """Run every contender and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--raw", type=Path, help="a folder that holds a generated shop already")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        raw = arguments.raw or Path(folder) / "raw"
        if not arguments.raw:
            subprocess.run(
                [sys.executable, PROJECT / "sample/generate.py"]
                + ["--lines", str(arguments.lines), "--out", raw],
                check=True,
            )
        dbt = [Path(sys.executable).parent / "dbt", "--quiet", "build"]
        dbt += ["--target", "duckdb", "--target-path", f"{folder}/target"]
        tables = ["--resource-type", "seed", "snapshot", "model", "--select"]
        contenders = {
            "hand-written SQL": [sys.executable, "-c", HAND_WRITTEN, raw, f"{folder}/hand.duckdb"],
            "pandas": [sys.executable, "benchmarks/notebook.py", raw],
            "dbt: the same tables, and all they need": dbt
            + [*tables, "+customer_rfm", "+daily_sales"],
            "dbt: every model, training included": dbt + tables[:-1],
            "dbt: every model and test": dbt,
        }
        print("| | wall s | processor s | peak GB | lines/s |\n|---|---|---|---|---|")
        for name, command in contenders.items():
            database = Path(folder) / "clientele.duckdb"
            environment = {"CLIENTELE_RAW_DIR": str(raw), "CLIENTELE_DUCKDB": str(database)}
            wall, processor, peak = measure(command, environment)
            # Every contender builds for the first time.
            database.unlink(missing_ok=True)
            figures = f"{wall:.1f} | {processor:.1f} | {peak:.1f} | {arguments.lines / wall:,.0f}"
            print(f"| {name} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
