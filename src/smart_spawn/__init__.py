"""Smart Spawn."""
