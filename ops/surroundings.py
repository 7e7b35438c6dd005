"""Which deployment a command is about: its tables, queues and secrets, by the stack's name or in the local run."""

from __future__ import annotations

import os

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from chalicelib.settings import Settings

# The function whose settings a command takes on: it does by the clock what `reconcile` does by hand.
FUNCTION = "ReconcileDaily"
LIMITS = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})


class Nowhere(Exception):
    """The deployment cannot be found; the message says why."""


def enter(stack: str) -> None:
    """Take on the settings of a stack, or of the local run if none is named. Raises Nowhere."""
    if stack:
        os.environ.update(_of_stack(stack))
    else:
        _join_local_run()


def _of_stack(stack: str) -> dict[str, str]:
    """
    What the stack's own function is given.

    Its secrets stay references to the Parameter Store, read with the caller's credentials.
    """
    try:
        found = boto3.client("cloudformation", config=LIMITS).describe_stack_resource(
            StackName=stack, LogicalResourceId=FUNCTION
        )
        function = found["StackResourceDetail"]["PhysicalResourceId"]
        given = boto3.client("lambda", config=LIMITS).get_function_configuration(FunctionName=function)
    except ClientError as fault:
        raise Nowhere(f"The stack {stack} cannot be looked at: {fault}") from fault
    variables = given.get("Environment", {}).get("Variables", {})
    return {name: value for name, value in variables.items() if name.lower() in Settings.__struct_fields__}


def _join_local_run() -> None:
    from local.run import Faulty, Run  # brings moto, which production has no use for

    try:
        Run.from_environment().join()
    except Faulty as fault:
        raise Nowhere(str(fault)) from fault
