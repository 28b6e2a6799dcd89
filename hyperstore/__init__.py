"""hyperstore: an embedded, local-first, versioned store for computer-vision datasets."""
