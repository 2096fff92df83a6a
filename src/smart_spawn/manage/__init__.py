"""What an owner does with the catalogue beside refreshing it: versions, archives, own models, own results."""
