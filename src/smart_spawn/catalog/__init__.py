"""Every scored model at one moment: built from batches, frozen, content-addressed, stored and exported."""
