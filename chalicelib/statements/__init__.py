"""Receipts and tax statements as documents."""
