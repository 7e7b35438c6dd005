"""Email sign-up: interests, consent, and leaving as easily as joining."""
