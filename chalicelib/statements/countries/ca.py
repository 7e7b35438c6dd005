"""
Canada: one official receipt for income tax purposes a year, with every element of Income Tax Regulation 3501(1).

Courts void a receipt that lacks one element, so the donor's full name and
address are asked for first. A year's receipt must not cover a gift that has
an official receipt already: single gifts never get one, and the year's is
drawn up only when the year is over.

What was had in return may be worth 80 % of a gift at most: above that the
Income Tax Act, 248(30), sees no intention to give, and no receipt is due.
"""

from chalicelib.statements.country import Country, Translation

IN_SPANISH = Translation(
    receipt_sentences=(
        "Este no es un recibo oficial a efectos del impuesto sobre la renta.",
        "{legal_name} emite uno solo por todos sus donativos de un año, en inglés, cuando el año ha terminado.",
    ),
    receipt_above="Este donativo no figurará en él: lo que recibió a cambio vale más del {limit} % de su importe.",
)

CANADA = Country(
    locale="en_CA",
    currency="cad",
    paper="us-letter",
    required=("legal_name", "tax_number_label", "tax_number", "address"),
    receipt_sentences=(
        "This is not an official receipt for income tax purposes.",
        "{legal_name} issues one such receipt for all your gifts of a year when the year is over.",
    ),
    statement_layout="ca_statement",
    statement_required=("place_of_issue", "signatory", "signature"),
    donor_in_full=True,
    whole_years_only=True,
    advantage_limit=80,
    receipt_above="It will not cover this gift: what you had in return is worth more than {limit}% of the amount.",
    statement_above=(
        "No official receipt is issued for these gifts, and no total counts them: what you had in return for each is"
        " worth more than {limit}% of the amount kept."
    ),
    # Regulation 3501 fixes the words, and Canada's tax office reads English and French.
    statement_in_english=True,
    translations={"es": IN_SPANISH},
)
