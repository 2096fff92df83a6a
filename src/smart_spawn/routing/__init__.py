"""A request and a catalogue → a decision: filter, rank, explain. Pure: equal inputs give equal decisions."""
