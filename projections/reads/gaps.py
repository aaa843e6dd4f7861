"""Find what the table lacks: lines beyond the embedded ones, prices never seen, facts that contradict each other.

Every gap closes when a fact that fills it is folded.
"""

# A subquery for FROM: the gaps of the companies in :company_ids, or of all, and the position each is folded to.
# `kind` is invoice, invoice_lines, price or customer; `object_id` is Stripe's id of what would close the gap.
GAPS = """
    WITH live AS (
        SELECT a.company_id, a.build, s.position AS folded FROM projection_active a
        JOIN projection_state s ON s.projection = a.projection AND s.company_id = a.company_id AND s.build = a.build
        WHERE a.projection = :projection
          AND (CAST(:company_ids AS bigint[]) IS NULL OR a.company_id = ANY (:company_ids))
    )
    SELECT l.company_id, i.livemode, 'invoice_lines' AS kind, i.id AS object_id, l.folded
    FROM live l JOIN revenue_invoice i ON i.company_id = l.company_id AND i.build = l.build
    WHERE (i.lacks_lines OR i.is_contested) AND i.lacks_lines
    UNION ALL
    SELECT l.company_id, i.livemode, 'invoice', i.id, l.folded
    FROM live l JOIN revenue_invoice i ON i.company_id = l.company_id AND i.build = l.build
    WHERE (i.lacks_lines OR i.is_contested) AND i.is_contested
    UNION ALL
    SELECT l.company_id, c.livemode, 'customer', c.id, l.folded
    FROM live l JOIN revenue_customer c ON c.company_id = l.company_id AND c.build = l.build
    WHERE c.is_contested
    UNION ALL
    SELECT DISTINCT l.company_id, r.livemode, 'price', r.price_id, l.folded
    FROM live l JOIN revenue_line r ON r.company_id = l.company_id AND r.build = l.build
    WHERE r.type = 'unknown' AND r.price_id IS NOT NULL
"""
