"""The types that a task may have."""

from enum import Enum

__all__ = ["TaskTypes"]


class TaskTypes(Enum):
    """What a program is for. It says so in the record of its run, and changes nothing else."""

    training = "training"
    testing = "testing"
    inference = "inference"
    data_processing = "data_processing"
    application = "application"
    monitor = "monitor"
    controller = "controller"
    optimizer = "optimizer"
    service = "service"
    qc = "qc"
    custom = "custom"

    def __str__(self) -> str:
        return self.value
