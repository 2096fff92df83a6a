"""The MCP surface: each tool translates, calls `SmartSpawn`, and translates back.

`tools.py` lists what there is. The library behind it is loaded by `server.py`, when the first client comes.
"""
