"""How fast it is: `python -m benchmarks` measures everything, `python -m benchmarks.http` and `.route` one part."""
