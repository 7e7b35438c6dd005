"""Everything that talks to Stripe. Nothing outside this folder imports its SDK."""
