"""
Australia: a receipt of a deductible gift recipient, as ITAA 1997 s 30-228 wants it.

It states the name, the ABN, and that it is for a gift. For a contribution to
an event it also states the amount and the market value of what was had.
"""

from chalicelib.statements.country import Country, InReturn, Translation

IN_SPANISH = Translation(
    in_return=InReturn(
        receipt_nothing="Este recibo corresponde a un donativo a {legal_name}, {tax_number_label} {tax_number}.",
        receipt_something=(
            "Este recibo corresponde a una contribución a {legal_name}, {tax_number_label} {tax_number}. El valor"
            " indicado es el valor de mercado de lo que usted recibió a cambio."
        ),
        statement_nothing="Este recibo corresponde a donativos a {legal_name}, {tax_number_label} {tax_number}.",
        statement_something=(
            "Este recibo corresponde a donativos a {legal_name}, {tax_number_label} {tax_number}, y, donde se"
            " describe algo recibido a cambio, a contribuciones; el valor indicado es el valor de mercado de lo que"
            " usted recibió."
        ),
    ),
    receipt_sentences=(
        "{legal_name} puede recibir donativos deducibles. Conserve este recibo con sus documentos fiscales.",
    ),
    statement_sentences=(
        "{legal_name} puede recibir donativos deducibles.",
        "Un donativo que tiene además su propio recibo es el mismo donativo: dedúzcalo una sola vez.",
    ),
)

AUSTRALIA = Country(
    locale="en_AU",
    currency="aud",
    paper="a4",
    required=("legal_name", "tax_number_label", "tax_number", "address"),
    in_return=InReturn(
        receipt_nothing="This receipt is for a gift to {legal_name}, {tax_number_label} {tax_number}.",
        receipt_something=(
            "This receipt is for a contribution to {legal_name}, {tax_number_label} {tax_number}. The value shown is"
            " the market value of what you had in return."
        ),
        statement_nothing="This receipt is for gifts to {legal_name}, {tax_number_label} {tax_number}.",
        statement_something=(
            "This receipt is for gifts to {legal_name}, {tax_number_label} {tax_number}, and, where something in return"
            " is described, for contributions; the value shown is the market value of what you had."
        ),
    ),
    receipt_sentences=("{legal_name} is a deductible gift recipient. Keep this receipt with your tax records.",),
    statement_layout="au_statement",
    statement_sentences=(
        "{legal_name} is a deductible gift recipient.",
        "A gift that has a receipt of its own is the same gift: claim it once.",
    ),
    translations={"es": IN_SPANISH},
)
