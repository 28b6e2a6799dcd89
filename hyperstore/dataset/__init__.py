"""Store, Dataset and DatasetVersion: what users hold."""
