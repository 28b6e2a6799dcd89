"""`allegroai.backend_api.services.datasets`: its requests went to a server, and there is none.

Programs import it beside the calls that they use; each name that they ask for is an error that says
what to call instead.
"""

__all__ = []
