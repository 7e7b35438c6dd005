"""Gift Aid in the United Kingdom: declarations, and the schedule of a claim."""
