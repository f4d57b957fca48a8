"""dbt in a process that is forked from one that has imported it: imports are half of a start."""

import atexit
import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["dbt.cli.main", "dbt.adapters.duckdb.impl", "dbt.adapters.snowflake.impl"]
)


def run_dbt(arguments, env, cwd, timeout=None):
    """Run the command line of dbt.

    Parameters
    ----------
    arguments : list of str or Path
        What stands after `dbt`.
    env : dict
        The whole environment.
    cwd : Path
    timeout : float, optional
        Seconds after which it is killed.

    Returns
    -------
    subprocess.CompletedProcess or None
        None if it was killed.
    """
    arguments = [str(each) for each in arguments]
    with tempfile.TemporaryDirectory() as folder:
        outputs = [Path(folder) / name for name in ("stdout", "stderr")]
        process = FORKS.Process(target=_dbt, args=(arguments, dict(env), cwd, *outputs))
        process.start()
        process.join(timeout)
        if process.is_alive():
            process.kill()
            process.join()
            return None
        texts = [path.read_text() for path in outputs]
        return subprocess.CompletedProcess(["dbt", *arguments], process.exitcode, *texts)


def _dbt(arguments, env, cwd, *outputs):
    for path, stream in zip(outputs, (1, 2), strict=True):
        with path.open("w") as file:
            os.dup2(file.fileno(), stream)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    # As the command finds them: without the folders that pytest adds.
    sys.path[:] = [each for each in sys.path if each.startswith((sys.prefix, sys.base_prefix))]
    sys.argv = ["dbt", *arguments]
    from dbt.cli.main import cli

    try:
        cli()
    finally:
        # A forked process runs none of them by itself; adapters close their connections in one.
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
