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
-- Stripe tells an event by webhook (source stripe) and in its list of events (source stripe.events): it is one event,
-- whichever came first. The two render it in different API versions, so that a body that differs only from that of the
-- other way contradicts nothing and is not set aside.
--
-- With p_if_after the append is conditional: error EV409 when the one company's log has, after that position, an event
-- of p_if_types about p_if_entity (each of them optional).
--
-- The head is marked as behind, unless it is already: a worker that has folded all of its log takes the mark off.
--
-- It acts as the owner of the log, as chain_events does. A transaction that named a company appends to its log only.
--
-- Every event is chained to the one before, as long as all before it are: see chained_sha256. So a log from before there
-- were chains grows without one until chain_events has made up for it. Heads are kept in variables meanwhile, and
-- written once at the end: an expression costs a fraction of what it does within a statement.
--
-- A loop, because a few events are the common case: starting one statement that does all of it at once costs more than
-- ten turns of the loop.
CREATE OR REPLACE FUNCTION append_events(
    p_company bigint[], p_type text[], p_version smallint[], p_entity text[], p_source text[], p_external_id text[],
    p_account text[], p_livemode boolean[], p_api_version text[], p_occurred_at timestamptz[],
    p_correlation uuid[], p_actor text[], p_payload_zstd bytea[], p_sha256 bytea[],
    p_if_after bigint DEFAULT NULL, p_if_types text[] DEFAULT NULL, p_if_entity text DEFAULT NULL
) RETURNS TABLE (ord bigint, at_position bigint, was_inserted boolean) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_companies bigint[] := ARRAY(SELECT DISTINCT c FROM unnest(p_company) c WHERE c IS NOT NULL ORDER BY c);
    v_positions bigint[];
    v_chain_positions bigint[];
    v_chains bytea[];
    v_head integer;
    v_now timestamptz;
    v_item record;
    v_held_sha256 bytea;
    v_held_source text;
    v_chain_sha256 bytea;
BEGIN
    PERFORM refuse_other_companies(v_companies);
    SELECT array_agg(h.position), array_agg(h.chain_position), array_agg(h.chain_sha256)
    INTO v_positions, v_chain_positions, v_chains
    FROM (SELECT * FROM company_head h WHERE h.company_id = ANY (v_companies) ORDER BY h.company_id FOR UPDATE) h;
    IF cardinality(v_companies) > coalesce(cardinality(v_positions), 0) THEN
        INSERT INTO company_head (company_id) SELECT c FROM unnest(v_companies) c ORDER BY c ON CONFLICT DO NOTHING;
        SELECT array_agg(h.position), array_agg(h.chain_position), array_agg(h.chain_sha256)
        INTO v_positions, v_chain_positions, v_chains
        FROM (SELECT * FROM company_head h WHERE h.company_id = ANY (v_companies) ORDER BY h.company_id FOR UPDATE) h;
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
    FOR v_item IN
        SELECT i.* FROM unnest(p_company, p_type, p_version, p_entity, p_source, p_external_id, p_account, p_livemode,
                               p_api_version, p_occurred_at, p_correlation, p_actor, p_payload_zstd, p_sha256)
            WITH ORDINALITY AS i (company_id, type, version, entity, source, external_id, account_id, livemode,
                                  api_version, occurred_at, correlation_id, actor, payload_zstd, sha256, ord)
        WHERE i.company_id IS NOT NULL
    LOOP
        ord := v_item.ord;
        -- A plan made while the log is small is kept while it grows. The sum hides the company from the indexes that
        -- begin with it, so that no plan can choose to walk a company's whole log.
        -- The external id alone finds the one or two rows, so that the second source costs no second look into the
        -- index. Logs from before hold some events from both: the one of the webhook is then the event.
        SELECT e.position, e.payload_sha256, e.source INTO at_position, v_held_sha256, v_held_source FROM event e
        WHERE e.external_id = v_item.external_id
          AND CASE e.source WHEN 'stripe.events' THEN 'stripe' ELSE e.source END
            = CASE v_item.source WHEN 'stripe.events' THEN 'stripe' ELSE v_item.source END
          AND e.company_id + 0 = v_item.company_id
        ORDER BY e.source LIMIT 1;
        was_inserted := NOT FOUND;
        IF was_inserted THEN
            v_head := array_position(v_companies, v_item.company_id);
            at_position := v_positions[v_head] + 1;
            v_chain_sha256 := NULL;
            IF v_chain_positions[v_head] = v_positions[v_head] THEN
                v_chain_sha256 := chained_sha256(
                    v_chains[v_head], v_item.company_id, at_position, v_item.type, v_item.version, v_item.entity,
                    v_item.source, v_item.external_id, v_item.account_id, v_item.livemode, v_item.api_version,
                    v_item.occurred_at, v_now, v_item.correlation_id, v_item.actor, v_item.sha256);
                v_chain_positions[v_head] := at_position;
                v_chains[v_head] := v_chain_sha256;
            END IF;
            v_positions[v_head] := at_position;
            INSERT INTO event (company_id, position, type, version, entity, source, external_id, account_id, livemode,
                               api_version, occurred_at, recorded_at, correlation_id, actor, payload_zstd,
                               payload_sha256, chain_sha256)
            VALUES (v_item.company_id, at_position, v_item.type, v_item.version, v_item.entity, v_item.source,
                    v_item.external_id, v_item.account_id, v_item.livemode, v_item.api_version, v_item.occurred_at,
                    v_now, v_item.correlation_id, v_item.actor, v_item.payload_zstd, v_item.sha256,
                    v_chain_sha256);
        ELSIF v_held_sha256 <> v_item.sha256 AND v_held_source = v_item.source THEN
            INSERT INTO event_conflict (company_id, position, payload_sha256, payload_zstd, received_at)
            VALUES (v_item.company_id, at_position, v_item.sha256, v_item.payload_zstd, v_now)
            ON CONFLICT DO NOTHING;
        END IF;
        RETURN NEXT;
    END LOOP;

    UPDATE company_head h SET position = n.position, last_recorded_at = v_now,
        behind_since = coalesce(h.behind_since, v_now), chain_position = n.chain_position, chain_sha256 = n.chain_sha256
    FROM unnest(v_companies, v_positions, v_chain_positions, v_chains)
        AS n (company_id, position, chain_position, chain_sha256)
    WHERE h.company_id = n.company_id AND h.position < n.position;
END $$;

DO $$
DECLARE
    v_function regprocedure;
BEGIN
    FOR v_function IN
        SELECT oid FROM pg_proc
        WHERE proname IN ('append_events', 'chain_events') AND pronamespace = current_schema()::regnamespace
    LOOP
        EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = %I, pg_temp', v_function, current_schema());
    END LOOP;
END $$;
