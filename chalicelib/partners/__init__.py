"""Freedom Partners: monthly gifts, and the donor's control over them."""
