"""
The United States: a written acknowledgement as IRS Publication 1771 describes it.

Needed from $250 on, but had in time or not at all: courts refuse a sentence
that is added later. So it stands on every document, whatever the amount.
"""

from chalicelib.statements.country import Country

UNITED_STATES = Country(
    locale="en_US",
    currency="usd",
    paper="us-letter",
    # Publication 1771 asks for the name; number and address are custom, and how a donor's adviser finds the charity.
    required=("legal_name", "tax_number", "address"),
    receipt_sentences=(
        "{legal_name} provided no goods or services in return for this gift.",
        "Keep this receipt with your tax records. It is not legal advice.",
    ),
    statement_layout="us_statement",
    statement_sentences=(
        "{legal_name} provided no goods or services in return for these gifts.",
        "Keep this statement with your tax records. It is not legal advice.",
    ),
)
