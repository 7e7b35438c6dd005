"""A stateful stand-in for the part of Stripe that giving uses. See README.md beside this file."""

from local.standin.standin import Standin
from local.standin.world import API_VERSION

__all__ = ["API_VERSION", "Standin"]
