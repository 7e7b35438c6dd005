"""Limits that keep abusers from Stripe and from our donors' mailboxes."""
