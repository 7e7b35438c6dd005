"""
The United States: a written acknowledgement as IRS Publication 1771 describes it.

Needed from $250 on, but had in time or not at all: courts refuse a sentence
that is added later. So what was had in return, or that nothing was, stands
on every document, whatever the amount.
"""

from chalicelib.statements.country import Country, InReturn, Translation

IN_SPANISH = Translation(
    in_return=InReturn(
        receipt_nothing="{legal_name} no le proporcionó bienes ni servicios a cambio de este donativo.",
        receipt_something=(
            "{legal_name} le proporcionó, a cambio de este pago, los bienes o servicios descritos arriba. Su valor"
            " es nuestra estimación de buena fe; solo es deducible la parte que lo supere."
        ),
        statement_nothing="{legal_name} no le proporcionó bienes ni servicios a cambio de estos donativos.",
        statement_something=(
            "Cuando junto a un donativo se describen bienes o servicios, {legal_name} se los proporcionó a cambio;"
            " su valor es nuestra estimación de buena fe, y solo es deducible la parte que lo supere."
            " {legal_name} no le proporcionó bienes ni servicios a cambio de ningún otro donativo de esta lista."
        ),
    ),
    receipt_sentences=("Conserve este recibo con sus documentos fiscales. No es asesoramiento jurídico.",),
    statement_sentences=("Conserve esta constancia con sus documentos fiscales. No es asesoramiento jurídico.",),
)

UNITED_STATES = Country(
    locale="en_US",
    currency="usd",
    paper="us-letter",
    # Publication 1771 asks for the name; number and address are custom, and how a donor's adviser finds the charity.
    required=("legal_name", "tax_number_label", "tax_number", "address"),
    in_return=InReturn(
        receipt_nothing="{legal_name} provided no goods or services in return for this gift.",
        receipt_something=(
            "{legal_name} provided the goods or services described above in return for this payment. Their value is"
            " our estimate in good faith; only what exceeds it is deductible."
        ),
        statement_nothing="{legal_name} provided no goods or services in return for these gifts.",
        statement_something=(
            "Where goods or services are described beside a gift, {legal_name} provided them in return; their value is"
            " our estimate in good faith, and only what exceeds it is deductible. {legal_name} provided no goods or"
            " services in return for any other gift listed here."
        ),
    ),
    receipt_sentences=("Keep this receipt with your tax records. It is not legal advice.",),
    statement_layout="us_statement",
    statement_sentences=("Keep this statement with your tax records. It is not legal advice.",),
    translations={"es": IN_SPANISH},
)
