"""The embedded default: everything production gets from AWS and Stripe, on loopback. Never packaged."""
