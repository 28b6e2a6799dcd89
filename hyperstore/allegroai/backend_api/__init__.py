"""`allegroai.backend_api`: where requests to a server were, which is not there."""

from hyperstore.allegroai.backend_api import services

__all__ = ["services"]
