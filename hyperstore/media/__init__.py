"""Pictures and the places they come from."""
