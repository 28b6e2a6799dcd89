"""`allegroai.backend_interface`: another path to DatasetVersion."""

from hyperstore.allegroai.datasetversion import Dataset, DatasetVersion

__all__ = ["Dataset", "DatasetVersion"]
