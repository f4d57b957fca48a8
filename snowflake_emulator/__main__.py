"""Run the emulator until it is interrupted, and print what to export."""

from .launch import main

main()
