"""Work on a whole store: checking and collecting."""
