"""
Canada: one official receipt for income tax purposes a year, with every element of Income Tax Regulation 3501(1).

Courts void a receipt that lacks one element, so the donor's full name and
address are asked for first. A year's receipt must not cover a gift that has
an official receipt already: single gifts never get one, and the year's is
drawn up only when the year is over.
"""

from chalicelib.statements.country import Country, Translation

IN_SPANISH = Translation(
    receipt_sentences=(
        "Este no es un recibo oficial a efectos del impuesto sobre la renta.",
        "{legal_name} emite uno solo por todos sus donativos de un año, en inglés, cuando el año ha terminado.",
    ),
)

CANADA = Country(
    locale="en_CA",
    currency="cad",
    paper="us-letter",
    required=("legal_name", "tax_number", "address"),
    receipt_sentences=(
        "This is not an official receipt for income tax purposes.",
        "{legal_name} issues one such receipt for all your gifts of a year when the year is over.",
    ),
    statement_layout="ca_statement",
    statement_required=("place_of_issue", "signatory", "signature"),
    donor_in_full=True,
    whole_years_only=True,
    # Regulation 3501 fixes the words, and Canada's tax office reads English and French.
    statement_in_english=True,
    translations={"es": IN_SPANISH},
)
