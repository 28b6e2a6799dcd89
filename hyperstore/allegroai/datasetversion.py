"""`allegroai.datasetversion`: datasets and their versions."""

import hyperstore.maintenance.automatic  # noqa: F401 - it tidies the stores that their calls open.
from hyperstore.dataset.dataset import Dataset, DatasetVersion

__all__ = ["Dataset", "DatasetVersion"]
