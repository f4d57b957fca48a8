"""What DuckDB cannot do with an export's folder: a plugin of dbt-duckdb (profiles/profiles.yml).

An export is written beside the last one and takes its place when it is whole, so an export that
fails, or is killed, leaves the last one as it was.
"""

import os
import shutil
from pathlib import Path

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin

# Tells a folder that an export wrote from a folder of somebody's own, which is never replaced.
MARK = ".clientele_export"


def beside(folder: Path, purpose: str) -> Path:
    """Path of the folder's companion for a purpose, hidden, in the same parent."""
    return folder.with_name(f".{folder.name}.{purpose}")


def begin_export(folder: str) -> str:
    """Make an empty folder beside an export's folder to write into.

    Parameters
    ----------
    folder : str
        Where the export shall stand.

    Returns
    -------
    str
        The folder to write into.

    Raises
    ------
    duckdb.InvalidInputException
        The export's folder holds something that no export wrote.
    """
    target = Path(folder).resolve()
    previous = beside(target, "previous")
    if previous.exists() and not target.exists():
        # Killed between the two renames of publish_export.
        previous.rename(target)
    if target.is_file() or (
        target.is_dir() and any(target.iterdir()) and not (target / MARK).exists()
    ):
        raise duckdb.InvalidInputException(
            f"{target} holds files that no export wrote: name an empty or a new folder."
        )
    building = beside(target, "building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    (building / MARK).touch()
    return str(building)


def make_folders(path: str) -> str:
    """Make the folder of a file to be written; returns the path."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    return path


def write_text(path: str, text: str) -> str:
    """Write a text file in UTF-8; returns the path."""
    Path(make_folders(path)).write_text(text, encoding="utf-8")
    return path


def publish_export(folder: str) -> str:
    """Put what was written in the place of the last export; returns its path."""
    target = Path(folder).resolve()
    previous = beside(target, "previous")
    shutil.rmtree(previous, ignore_errors=True)
    if target.exists():
        target.rename(previous)
    os.rename(beside(target, "building"), target)
    shutil.rmtree(previous, ignore_errors=True)
    return str(target)


class Plugin(BasePlugin):
    """Registers the functions with the connection that dbt opens."""

    def configure_connection(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Register the functions, which change files and so run whenever they are named."""
        for function in (begin_export, make_folders, write_text, publish_export):
            connection.create_function(function.__name__, function, side_effects=True)
