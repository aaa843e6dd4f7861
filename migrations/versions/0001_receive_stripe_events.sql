-- Keep events as Stripe sent them: each joins the log of the company that owns its account, or is parked.
--
-- An account is owned in one mode. Test events of an account that is connected live belong to the same company, since
-- Stripe sends both to a live endpoint; live events of an account connected for tests only belong to nobody.
-- Gives a row for every event, in the order given; company and position are null for a parked one.
CREATE FUNCTION receive_stripe_events(
    p_type text[], p_entity text[], p_external_id text[], p_account text[], p_livemode boolean[], p_api_version text[],
    p_occurred_at timestamptz[], p_correlation uuid[], p_payload_zstd bytea[], p_sha256 bytea[]
) RETURNS TABLE (ord bigint, company_id bigint, at_position bigint, was_inserted boolean) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_count integer := cardinality(p_type);
    v_company bigint[] := ARRAY(
        SELECT (SELECT o.company_id FROM account_owner o
                WHERE o.account_id = i.account_id AND (o.livemode OR NOT i.livemode)
                ORDER BY o.livemode = i.livemode DESC LIMIT 1)
        FROM unnest(p_account, p_livemode) WITH ORDINALITY AS i (account_id, livemode, ord) ORDER BY i.ord);
BEGIN
    IF array_position(v_company, NULL) IS NOT NULL THEN
        RETURN QUERY
        WITH item AS (
            SELECT i.* FROM unnest(v_company, p_type, p_entity, p_external_id, p_account, p_livemode, p_api_version,
                                   p_occurred_at, p_correlation, p_payload_zstd, p_sha256)
                WITH ORDINALITY AS i (company_id, type, entity, external_id, account_id, livemode, api_version,
                                      occurred_at, correlation_id, payload_zstd, sha256, ord)
            WHERE i.company_id IS NULL
        ), parked AS (
            INSERT INTO parked_event (account_id, livemode, external_id, type, entity, source, api_version, occurred_at,
                                      correlation_id, payload_zstd, payload_sha256)
            SELECT coalesce(account_id, ''), livemode, external_id, type, entity, 'stripe', api_version, occurred_at,
                   correlation_id, payload_zstd, sha256
            FROM item ORDER BY account_id, livemode, external_id, ord
            ON CONFLICT DO NOTHING RETURNING external_id
        )
        SELECT i.ord, NULL::bigint, NULL::bigint, i.external_id IN (SELECT external_id FROM parked) FROM item i;
    END IF;

    RETURN QUERY
    SELECT a.ord, v_company[a.ord], a.at_position, a.was_inserted
    FROM append_events(v_company, p_type, array_fill(1::smallint, ARRAY[v_count]), p_entity,
                       array_fill('stripe'::text, ARRAY[v_count]), p_external_id, p_account, p_livemode, p_api_version,
                       p_occurred_at, p_correlation, array_fill(NULL::text, ARRAY[v_count]), p_payload_zstd, p_sha256) a;
END $$;
