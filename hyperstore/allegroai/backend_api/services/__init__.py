"""`allegroai.backend_api.services`: where requests to a server were, which is not there."""

__all__: list[str] = []
