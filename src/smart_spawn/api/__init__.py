"""The HTTP surface: each handler translates, calls `SmartSpawn`, and translates back."""
