"""Published benchmark names to models, by exact rules."""
