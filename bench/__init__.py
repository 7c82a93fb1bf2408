"""The measurements: each figure is a ratio to a peer, taken in one run, and judged by a bound.

Run `python -m bench` from the project's root; `--only`, `--quick` and `--rows` narrow it.
"""
