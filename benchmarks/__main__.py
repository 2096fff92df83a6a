"""Measure everything and append the rows to RESULTS.md."""

from benchmarks import http, route

route.main()
http.main()
