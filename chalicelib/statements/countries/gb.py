"""
The United Kingdom: no receipt earns relief there; what counts is the donor's Gift Aid declaration.

The statement lists the gifts from 6 April to 5 April for a donor's own tax
return, and claims nothing about Gift Aid.
"""

from chalicelib.statements.country import Country, Translation

IN_SPANISH = Translation(
    receipt_sentences=(
        "{legal_name} recibió este donativo. Este recibo confirma el pago; no tiene efectos fiscales.",
    ),
    statement_sentences=(
        "Esta constancia reúne los donativos que usted hizo a {legal_name}, para su propia declaración de impuestos.",
        "No es una declaración de Gift Aid, y la desgravación depende de que haya una que ampare el donativo.",
    ),
)

UNITED_KINGDOM = Country(
    locale="en_GB",
    currency="gbp",
    paper="a4",
    required=("legal_name", "tax_number_label", "tax_number", "address"),
    receipt_sentences=("{legal_name} received this gift. This receipt confirms the payment; it is not a tax receipt.",),
    statement_layout="gb_statement",
    statement_sentences=(
        "This is a record of your gifts to {legal_name} for your own tax return.",
        "It is not a Gift Aid declaration, and tax relief depends on one that covers the gift.",
    ),
    translations={"es": IN_SPANISH},
)
