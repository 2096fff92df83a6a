"""Having models do a task: one file a mode."""
