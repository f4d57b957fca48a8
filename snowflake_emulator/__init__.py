"""A Snowflake account on this machine, for tests and to try things out: see README.md here."""

from .launch import Emulator

__all__ = ["Emulator"]
