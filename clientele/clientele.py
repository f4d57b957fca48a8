"""The package `clientele` on Snowflake, where imported files lie side by side in one folder.

A procedure finds this file by its name and the other modules, as parts of a package, by `__path__`.
Elsewhere the folder itself is the package, and nobody reads this file.
"""

import sys

__path__ = [sys._xoptions["snowflake_import_directory"]]
