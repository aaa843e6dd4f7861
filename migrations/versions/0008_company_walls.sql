-- The second wall between companies: what the web process reads and writes for a company is done in the role revmap_app,
-- which sees the rows of the company that the transaction names, and without a name none.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'revmap_app') THEN
        BEGIN
            CREATE ROLE revmap_app NOLOGIN;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;  -- another database of this server was as quick
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'this user may not create roles; have an administrator run: CREATE ROLE revmap_app NOLOGIN; GRANT revmap_app TO %;', quote_ident(current_user)
                    USING ERRCODE = 'insufficient_privilege';
        END;
    END IF;
    BEGIN
        PERFORM set_config('role', 'revmap_app', true);
        PERFORM set_config('role', 'none', true);
    EXCEPTION WHEN insufficient_privilege THEN
        BEGIN
            EXECUTE format('GRANT revmap_app TO %I', session_user);
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE EXCEPTION 'this user may not act as revmap_app; have an administrator run: GRANT revmap_app TO %;', quote_ident(session_user)
                USING ERRCODE = 'insufficient_privilege';
        END;
    END;
END $$;

-- Null when no company was named: then nothing is equal to it.
CREATE FUNCTION walled_company_id() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(current_setting('revmap.company_id', true), '')::bigint
$$;

-- Wall in a table that has a company_id. The owner, as whom workers and commands act, sees all of it; the policy that
-- says so is there because FORCE holds for owners as well. Tables of projections are not forced: they are filled by
-- COPY, which PostgreSQL refuses wherever row-level security holds.
CREATE FUNCTION wall_in_company(p_table regclass, p_privileges text, p_is_forced boolean DEFAULT true) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', p_table);
    IF p_is_forced THEN
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', p_table);
    END IF;
    EXECUTE format('CREATE POLICY owner_sees_all ON %s TO %I USING (true) WITH CHECK (true)', p_table,
                   (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = p_table));
    EXECUTE format('CREATE POLICY company_sees_its_own ON %s TO revmap_app USING (company_id = walled_company_id())',
                   p_table);
    IF p_privileges <> '' THEN
        EXECUTE format('GRANT %s ON %s TO revmap_app', p_privileges, p_table);
    END IF;
END $$;

SELECT wall_in_company(
    c.oid,
    CASE
        WHEN c.relname IN ('parked_event', 'user_session') THEN ''
        WHEN c.relname IN ('event', 'event_conflict') THEN 'SELECT, INSERT'
        WHEN b.attname IS NOT NULL OR c.relname LIKE 'projection\_%' THEN 'SELECT'
        ELSE 'SELECT, INSERT, UPDATE, DELETE'
    END,
    b.attname IS NULL)
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'company_id' AND NOT a.attisdropped
-- What has builds is a projection.
LEFT JOIN pg_attribute b ON b.attrelid = c.oid AND b.attname = 'build' AND NOT b.attisdropped
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
ORDER BY c.relname;

ALTER TABLE company ENABLE ROW LEVEL SECURITY;
ALTER TABLE company FORCE ROW LEVEL SECURITY;
DO $$
BEGIN
    EXECUTE format('CREATE POLICY owner_sees_all ON company TO %I USING (true) WITH CHECK (true)', current_user);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO revmap_app', current_schema());
END $$;
CREATE POLICY company_sees_its_own ON company TO revmap_app USING (id = walled_company_id());
GRANT SELECT ON company TO revmap_app;
