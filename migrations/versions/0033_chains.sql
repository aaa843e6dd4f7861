-- Null in an event that is not chained yet. The chained events of a company are the first of its log, up to
-- chain_position; chain_sha256 of the head is the hash of the last of them.
ALTER TABLE event ADD COLUMN chain_sha256 bytea;
ALTER TABLE company_head
    ADD COLUMN chain_position bigint NOT NULL DEFAULT 0,
    ADD COLUMN chain_sha256 bytea NOT NULL DEFAULT '';

-- The hash that chains an event to the one before: of that one's hash, which is empty for the first event, and of all
-- that the event's row says, in the binary form in which PostgreSQL sends it to its clients: it costs a third of text.
-- events.log.chains computes the same.
CREATE FUNCTION chained_sha256(
    p_before bytea, p_company bigint, p_position bigint, p_type text, p_version smallint, p_entity text, p_source text,
    p_external_id text, p_account text, p_livemode boolean, p_api_version text, p_occurred_at timestamptz,
    p_recorded_at timestamptz, p_correlation uuid, p_actor text, p_sha256 bytea
) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(
        p_before || int8send(p_company) || int8send(p_position) || int2send(p_version) || boolsend(p_livemode)
        || timestamptz_send(p_recorded_at) || p_sha256
        || array_send(ARRAY[p_type, p_entity, p_source, p_external_id, p_account, p_api_version, p_actor])
        || coalesce(timestamptz_send(p_occurred_at), '') || coalesce(uuid_send(p_correlation), '')
    )
$$;

-- Chain up to p_most events of a company that have no chain yet, from the first on, and tell how many then lack one.
-- The head is locked to commit, so that the log does not grow meanwhile: take small ranges.
CREATE FUNCTION chain_events(p_company bigint, p_most bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_head company_head;
    v_event record;
BEGIN
    SELECT * INTO v_head FROM company_head h WHERE h.company_id = p_company FOR UPDATE;
    -- Only what the log did not have is added: nothing that an event says is changed.
    PERFORM set_config('revmap.maintenance', 'on', true);
    FOR v_event IN
        SELECT e.position, e.type, e.version, e.entity, e.source, e.external_id, e.account_id, e.livemode,
               e.api_version, e.occurred_at, e.recorded_at, e.correlation_id, e.actor, e.payload_sha256, e.chain_sha256
        FROM event e
        WHERE e.company_id = p_company AND e.position > v_head.chain_position AND e.position <= v_head.position
        ORDER BY e.position LIMIT p_most
    LOOP
        EXIT WHEN v_event.position <> v_head.chain_position + 1;
        IF v_event.chain_sha256 IS NOT NULL THEN
            RAISE EXCEPTION 'position % of company % is chained, but its head is not: see flask events verify',
                v_event.position, p_company USING ERRCODE = 'EV403';
        END IF;
        v_head.chain_position := v_event.position;
        v_head.chain_sha256 := chained_sha256(
            v_head.chain_sha256, p_company, v_event.position, v_event.type, v_event.version, v_event.entity,
            v_event.source, v_event.external_id, v_event.account_id, v_event.livemode, v_event.api_version,
            v_event.occurred_at, v_event.recorded_at, v_event.correlation_id, v_event.actor, v_event.payload_sha256);
        UPDATE event e SET chain_sha256 = v_head.chain_sha256
        WHERE e.company_id = p_company AND e.position = v_event.position;
    END LOOP;
    PERFORM set_config('revmap.maintenance', 'off', true);
    UPDATE company_head h SET chain_position = v_head.chain_position, chain_sha256 = v_head.chain_sha256
    WHERE h.company_id = p_company;
    RETURN v_head.position - v_head.chain_position;
END $$;
