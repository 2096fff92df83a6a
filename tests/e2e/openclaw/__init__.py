"""The plugin in a real OpenClaw, with our service and a scripted model server: `python -m tests.e2e.openclaw`."""
