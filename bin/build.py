"""Build a DuckDB shop beside its database, and put the new one in its place when it is whole.

    python bin/build.py [options of `dbt build`]

DuckDB lets one process write a file while nobody reads it. So dbt works on a copy, in the folder
`.building` beside the database, and the finished copy takes the database's name in one step: who
reads gets the last good marts, before, while and after. A build that fails, or is killed, leaves
the database as it was, and what it built in the copy, to be looked at.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

DBT = Path(sys.executable).parent / "dbt"


def write_ahead_log(database):
    """Return the path of a database's write-ahead log, which a clean exit leaves empty or away."""
    return database.with_name(database.name + ".wal")


def build(database, options):
    """Build a copy of a database and swap it in.

    Parameters
    ----------
    database : Path
        The DuckDB file that is read; it need not exist yet.
    options : list of str
        Options of `dbt build`.

    Returns
    -------
    int
        dbt's exit status; the database was replaced only if it is 0.
    """
    # The same name in another folder: views in the file name their database by it.
    copy = database.parent / ".building" / database.name
    copy.parent.mkdir(parents=True, exist_ok=True)
    with copy.with_name(copy.name + ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Another build of {database} is running: wait for its end, or name another file "
                  "in CLIENTELE_DUCKDB.")  # fmt: skip
            return 1
        for path in (copy, write_ahead_log(copy)):
            path.unlink(missing_ok=True)
        try:
            for path in (database, write_ahead_log(database)):
                if path.exists():
                    shutil.copyfile(path, copy.with_name(path.name))
        except OSError as error:
            copy.unlink(missing_ok=True)
            print(f"{database} could not be copied into {copy.parent} ({error.strerror}): a build "
                  "needs room for a second database there.")  # fmt: skip
            return 1
        status = subprocess.run(
            [DBT, "build", "--target", "duckdb", *options],
            env=os.environ | {"CLIENTELE_DUCKDB": str(copy)},
            # The lock holds as long as dbt does, also when this process is killed before it.
            pass_fds=[lock.fileno()],
        ).returncode
        if status:
            print(f"The build did not end well: {database} is as it was before it; what was built "
                  f"stands in {copy}.")  # fmt: skip
            return status
        # The copy has taken in what the log held.
        write_ahead_log(database).unlink(missing_ok=True)
        copy.replace(database)
        return 0


if __name__ == "__main__":
    sys.exit(build(Path(os.environ.get("CLIENTELE_DUCKDB", "clientele.duckdb")), sys.argv[1:]))
