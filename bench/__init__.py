"""Benchmarks, beside a floor measured in the same run where there is one: `python -m bench NAME`. Imports all."""
