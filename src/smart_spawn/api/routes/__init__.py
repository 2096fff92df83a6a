"""One module a group of routes; each gives a router for one `SmartSpawn`."""
