"""The statements that erase a company: see `tenants.erasing`."""

from sqlalchemy import text

IS_OWNER = text("SELECT bool_and(pg_has_role(relowner, 'USAGE')) FROM pg_class WHERE oid = CAST('event' AS regclass)")
ERASURES = text("""
    SELECT id, begun_at, erased_at, erased_by, events, chain_position, chain_sha256 FROM company_erasure
    WHERE id = :company_id
""")
# The company's row is locked first; a company without events has no head.
HEAD = text("""
    SELECT coalesce(h.position, 0) AS events, coalesce(h.chain_position, 0) AS chain_position,
           coalesce(h.chain_sha256, '') AS chain_sha256
    FROM (SELECT id FROM company WHERE id = :company_id FOR UPDATE) c
    LEFT JOIN LATERAL (SELECT * FROM company_head WHERE company_id = c.id FOR UPDATE) h ON true
""")
IS_CONNECTED = text("""
    SELECT EXISTS (SELECT FROM account_owner WHERE company_id = :company_id)
        OR EXISTS (SELECT FROM stripe_connection WHERE company_id = :company_id AND status <> 'disconnected')
""")
ADD_ERASURE = text("""
    INSERT INTO company_erasure (id, begun_at, erased_by, events, chain_position, chain_sha256, user_ids)
    SELECT :company_id, :now, :actor, :events, :chain_position, :chain_sha256,
           ARRAY(SELECT user_id FROM membership WHERE company_id = :company_id ORDER BY 1)
""")
# Nobody reads, changes or appends from here on. Sessions of whoever has another company go on there.
CLOSE = (
    text("DELETE FROM company_head WHERE company_id = :company_id"),
    text("DELETE FROM api_key WHERE company_id = :company_id"),
    text("DELETE FROM membership WHERE company_id = :company_id"),
    text("UPDATE user_account SET last_company_id = NULL WHERE last_company_id = :company_id"),
    text("""
        DELETE FROM user_session s USING company_erasure e
        WHERE e.id = :company_id AND s.user_id = ANY (e.user_ids)
          AND NOT EXISTS (SELECT FROM membership m WHERE m.user_id = s.user_id)
    """),
    text("UPDATE user_session SET company_id = NULL WHERE company_id = :company_id"),
)
ACCOUNTS = text("""
    SELECT account_id FROM (
        SELECT account_id FROM stripe_connection WHERE company_id = :company_id
        UNION
        SELECT account_id FROM event WHERE company_id = :company_id AND source = 'revmap' AND account_id IS NOT NULL
    ) a
    WHERE NOT EXISTS (SELECT FROM account_owner o WHERE o.account_id = a.account_id) ORDER BY 1
""")
PARKED_BITE = text("""
    DELETE FROM parked_event WHERE ctid = ANY (
        ARRAY(SELECT ctid FROM parked_event WHERE account_id = :account_id LIMIT :most FOR UPDATE SKIP LOCKED))
""")
TABLES = text("""
    SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE a.attname = 'company_id' AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND c.relnamespace = CAST(current_schema() AS regnamespace)
    ORDER BY 1
""")
LINKS = text("""
    SELECT child.relname AS child, parent.relname AS parent
    FROM pg_constraint f JOIN pg_class child ON child.oid = f.conrelid JOIN pg_class parent ON parent.oid = f.confrelid
    WHERE f.contype = 'f' AND child.oid <> parent.oid AND 2 = (
        SELECT count(*) FROM pg_attribute a
        WHERE a.attrelid IN (child.oid, parent.oid) AND a.attname = 'company_id' AND NOT a.attisdropped)
    ORDER BY 1, 2
""")
BITE = """
    DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE company_id = :company_id LIMIT :most))
      AND company_id = :company_id
"""
UNTIE = text("UPDATE user_account SET last_company_id = NULL WHERE last_company_id = :company_id")
# What is deleted with the person does not hold them.
PERSON_REFERENCES = text("""
    SELECT CAST(CAST(f.conrelid AS regclass) AS text) AS child, quote_ident(a.attname) AS child_column
    FROM pg_constraint f JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
    WHERE f.contype = 'f' AND f.confrelid = CAST('user_account' AS regclass) AND f.confdeltype <> 'c' ORDER BY 1, 2
""")
PERSON = """
    DELETE FROM user_account u USING company_erasure e
    WHERE e.id = :company_id AND u.id = ANY (e.user_ids) AND {others}
"""
FINISH = text("""
    WITH gone AS (DELETE FROM company WHERE id = :company_id)
    UPDATE company_erasure SET erased_at = :now, user_ids = '{}' WHERE id = :company_id AND erased_at IS NULL
""")
