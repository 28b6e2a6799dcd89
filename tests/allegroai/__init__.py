"""What programs for allegroai and clearml find here."""
