"""`allegroai.backend_api.services`: where requests to a server were, which is not there."""

from hyperstore.allegroai.backend_api.services import datasets, frames

__all__ = ["datasets", "frames"]
