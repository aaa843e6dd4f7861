-- Append events to their companies' logs: one round trip, any number of companies, all or nothing.
--
-- The heads are locked in ascending order and held to commit. So in one company the order of positions is the order of
-- commits, and a reader that has seen position n has nothing below n still to come. Numbers come from the head, which a
-- rollback gives back: there are no gaps. A null company is passed over.
--
-- Gives a row for every event, in the order given: its position, and whether this call wrote it. An event the log
-- already holds (company, source, external id) keeps its old position; if its body differs, the new body is set aside
-- in event_conflict.
--
-- With p_if_after the append is conditional: error EV409 when the one company's log has, after that position, an event
-- of p_if_types about p_if_entity (each of them optional).
CREATE FUNCTION append_events(
    p_company bigint[], p_type text[], p_version smallint[], p_entity text[], p_source text[], p_external_id text[],
    p_account text[], p_livemode boolean[], p_api_version text[], p_occurred_at timestamptz[],
    p_correlation uuid[], p_actor text[], p_payload_zstd bytea[], p_sha256 bytea[],
    p_if_after bigint DEFAULT NULL, p_if_types text[] DEFAULT NULL, p_if_entity text DEFAULT NULL
) RETURNS TABLE (ord bigint, at_position bigint, was_inserted boolean) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_companies bigint[] := ARRAY(SELECT DISTINCT c FROM unnest(p_company) c WHERE c IS NOT NULL ORDER BY c);
    v_locked integer;
    v_now timestamptz;
BEGIN
    PERFORM 1 FROM company_head h WHERE h.company_id = ANY (v_companies) ORDER BY h.company_id FOR UPDATE;
    GET DIAGNOSTICS v_locked = ROW_COUNT;
    IF v_locked < cardinality(v_companies) THEN
        INSERT INTO company_head (company_id) SELECT c FROM unnest(v_companies) c ORDER BY c ON CONFLICT DO NOTHING;
        PERFORM 1 FROM company_head h WHERE h.company_id = ANY (v_companies) ORDER BY h.company_id FOR UPDATE;
    END IF;

    IF p_if_after IS NOT NULL AND EXISTS (
        SELECT FROM event e
        WHERE e.company_id = v_companies[1] AND e.position > p_if_after
          AND (p_if_types IS NULL OR e.type = ANY (p_if_types))
          AND (p_if_entity IS NULL OR e.entity = p_if_entity)
    ) THEN
        RAISE EXCEPTION 'append condition failed: company % has moved past %', v_companies[1], p_if_after
            USING ERRCODE = 'EV409';
    END IF;

    -- Read under the locks, so that recorded_at never runs against the positions.
    v_now := clock_timestamp();
    RETURN QUERY
    WITH item AS MATERIALIZED (
        SELECT i.*, k.position AS known_position, k.payload_sha256 AS known_sha256,
               row_number() OVER (PARTITION BY i.company_id, i.source, i.external_id ORDER BY i.ord) AS telling
        FROM unnest(p_company, p_type, p_version, p_entity, p_source, p_external_id, p_account, p_livemode,
                    p_api_version, p_occurred_at, p_correlation, p_actor, p_payload_zstd, p_sha256)
            WITH ORDINALITY AS i (company_id, type, version, entity, source, external_id, account_id, livemode,
                                  api_version, occurred_at, correlation_id, actor, payload_zstd, sha256, ord)
        -- A plan made while the log is small is kept while it grows. LIMIT makes it one probe an item, and the sum
        -- hides the company from the indexes that begin with it, so that no plan can choose to walk a company's log.
        LEFT JOIN LATERAL (
            SELECT e.position, e.payload_sha256 FROM event e
            WHERE e.external_id = i.external_id AND e.source = i.source AND e.company_id + 0 = i.company_id LIMIT 1
        ) k ON true
        WHERE i.company_id IS NOT NULL
    ), numbered AS MATERIALIZED (
        SELECT i.ord, i.company_id, i.source, i.external_id, i.sha256,
               h.position + row_number() OVER (PARTITION BY i.company_id ORDER BY i.ord) AS position
        FROM item i JOIN company_head h ON h.company_id = i.company_id
        WHERE i.known_position IS NULL AND i.telling = 1
    ), inserted AS (
        INSERT INTO event (company_id, position, type, version, entity, source, external_id, account_id, livemode,
                           api_version, occurred_at, recorded_at, correlation_id, actor, payload_zstd,
                           payload_sha256)
        SELECT i.company_id, n.position, i.type, i.version, i.entity, i.source, i.external_id, i.account_id, i.livemode,
               i.api_version, i.occurred_at, v_now, i.correlation_id, i.actor, i.payload_zstd, i.sha256
        FROM numbered n JOIN item i ON i.ord = n.ord
        ORDER BY n.company_id, n.position
    ), moved AS (
        UPDATE company_head h SET position = n.last, last_recorded_at = v_now
        FROM (SELECT company_id, max(position) AS last FROM numbered GROUP BY company_id) n
        WHERE h.company_id = n.company_id
    ), placed AS (
        SELECT i.ord, i.company_id, i.payload_zstd, i.sha256, coalesce(n.ord = i.ord, false) AS is_new,
               coalesce(i.known_position, n.position) AS position, coalesce(i.known_sha256, n.sha256) AS held_sha256
        FROM item i LEFT JOIN numbered n
            ON n.company_id = i.company_id AND n.source = i.source AND n.external_id = i.external_id
    ), contradicted AS (
        INSERT INTO event_conflict (company_id, position, payload_sha256, payload_zstd, received_at)
        SELECT p.company_id, p.position, p.sha256, p.payload_zstd, v_now FROM placed p WHERE p.sha256 <> p.held_sha256
        ON CONFLICT DO NOTHING
    )
    SELECT p.ord, p.position, p.is_new FROM placed p ORDER BY p.ord;
END $$;
