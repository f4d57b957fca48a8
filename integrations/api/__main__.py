"""Serve the API, or make a key: python -m integrations.api [new-key | --vars VARS --port PORT]."""

import argparse
import hashlib
import os
import secrets
import sys
from pathlib import Path

import uvicorn

from integrations.api.app import create_app
from integrations.api.shop import PROJECT, NotBuilt, Shop, project_settings
from integrations.api.store import PredictionStore

KEY_HASH = "CLIENTELE_API_KEY_SHA256"


def main():
    """Take the command line."""
    parser = argparse.ArgumentParser(prog="integrations.api", description=__doc__.partition(":")[0])
    parser.add_argument("command", nargs="?", choices=["serve", "new-key"], default="serve")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument(
        "--predictions",
        type=Path,
        default=PROJECT / "predictions.duckdb",
        help="file to keep them in",
    )
    parser.add_argument(
        "--vars", default="", help="what the build was given as --vars, such as a shop's mapping"
    )
    arguments = parser.parse_args()
    if arguments.command == "new-key":
        key = secrets.token_urlsafe(32)
        print(f"Key, for who calls (it is kept nowhere): {key}")
        print(f"export {KEY_HASH}={hashlib.sha256(key.encode()).hexdigest()}")
        return
    key_hash = os.environ.get(KEY_HASH, "").lower()
    if len(key_hash) != 64:
        sys.exit(
            f"{KEY_HASH} holds no SHA-256 of a key: make one by"
            " `python -m integrations.api new-key`."
        )
    database = Path(os.environ.get("CLIENTELE_DUCKDB", PROJECT / "clientele.duckdb"))
    try:
        shop = Shop(database, project_settings(arguments.vars))
    except NotBuilt as error:
        sys.exit(str(error))
    app = create_app(shop, PredictionStore(arguments.predictions), key_hash)
    uvicorn.run(app, host=arguments.host, port=arguments.port)


if __name__ == "__main__":
    main()
