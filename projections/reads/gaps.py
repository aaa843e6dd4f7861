"""Find what the table lacks: lines beyond the embedded ones, prices and products never seen, facts in contradiction.

Every gap closes when a fact that fills it is folded. Each kind has an index of what is lacking; nothing else is read.
"""

from string import Template

_LIVE = """
    JOIN projection_active a ON a.projection = :projection AND a.company_id = x.company_id AND a.build = x.build
    JOIN projection_state s ON s.projection = a.projection AND s.company_id = a.company_id AND s.build = a.build
"""
_GAPS = Template(f"""
    SELECT x.company_id, x.livemode, 'invoice_lines' AS kind, x.id AS object_id, x.position AS changed,
           s.position AS folded
    FROM revenue_invoice x {_LIVE} WHERE (x.lacks_lines OR x.is_contested) AND x.lacks_lines $among
    UNION ALL
    SELECT x.company_id, x.livemode, 'invoice', x.id, x.position, s.position
    FROM revenue_invoice x {_LIVE} WHERE (x.lacks_lines OR x.is_contested) AND x.is_contested $among
    UNION ALL
    SELECT x.company_id, x.livemode, 'customer', x.id, x.position, s.position
    FROM revenue_customer x {_LIVE} WHERE x.is_contested $among
    UNION ALL
    SELECT x.company_id, x.livemode, 'credit_note', x.credit_note_id, x.position, s.position
    FROM revenue_credit_note x {_LIVE} WHERE x.is_gap $among
    UNION ALL
    SELECT x.company_id, x.livemode, 'product', x.id, x.position, s.position
    FROM revenue_product x {_LIVE} WHERE x.is_gap $among
    UNION ALL
    SELECT x.company_id, x.livemode, 'price', x.id, x.position, s.position
    FROM revenue_price x {_LIVE} WHERE x.is_contested $among
    UNION
    SELECT x.company_id, x.livemode, 'price', x.price_id, 0, s.position
    FROM revenue_line x {_LIVE} WHERE x.type = 'unknown' AND x.price_id IS NOT NULL $among
""")  # noqa: S608 - our own words

# Subqueries for FROM: the gaps of all companies, or of those in :company_ids, the position of the last event about the
# object, if any was seen, and the position each company is folded to. `kind` is invoice, invoice_lines, credit_note,
# price, product or customer; `object_id` is Stripe's id of what would close the gap. A price may be there twice.
GAPS = _GAPS.substitute(among="")
GAPS_AMONG = _GAPS.substitute(among="AND x.company_id = ANY (:company_ids)")
