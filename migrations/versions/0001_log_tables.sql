CREATE TABLE company_head (
    company_id bigint CONSTRAINT company_head_pkey PRIMARY KEY,
    position bigint NOT NULL DEFAULT 0 CONSTRAINT company_head_position_check CHECK (position >= 0),
    last_recorded_at timestamptz
) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0.02);

CREATE TABLE event (
    company_id bigint NOT NULL,
    position bigint NOT NULL,
    type text NOT NULL,
    version smallint NOT NULL DEFAULT 1,
    entity text,
    source text NOT NULL,
    external_id text NOT NULL,
    account_id text,
    livemode boolean NOT NULL,
    api_version text,
    occurred_at timestamptz,
    recorded_at timestamptz NOT NULL,
    correlation_id uuid,
    actor text,
    payload_zstd bytea NOT NULL,
    payload_sha256 bytea NOT NULL,
    CONSTRAINT event_pkey PRIMARY KEY (company_id, position),
    CONSTRAINT event_dedup_key UNIQUE (external_id, source, company_id)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05);
CREATE INDEX event_entity_idx ON event (entity, company_id, position);
-- Compressed before it comes here: trying again would only cost time.
ALTER TABLE event ALTER payload_zstd SET STORAGE EXTERNAL;

CREATE TABLE event_conflict (
    company_id bigint NOT NULL,
    position bigint NOT NULL,
    payload_sha256 bytea NOT NULL,
    payload_zstd bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT event_conflict_pkey PRIMARY KEY (company_id, position, payload_sha256)
);

CREATE TABLE account_owner (
    account_id text NOT NULL,
    livemode boolean NOT NULL,
    company_id bigint NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT account_owner_pkey PRIMARY KEY (account_id, livemode),
    CONSTRAINT account_owner_company_id_key UNIQUE (company_id)
);

CREATE SEQUENCE parked_event_ordinal;
CREATE TABLE parked_event (
    account_id text NOT NULL,
    livemode boolean NOT NULL,
    external_id text NOT NULL,
    ordinal bigint NOT NULL DEFAULT nextval('parked_event_ordinal'),
    type text NOT NULL,
    entity text,
    source text NOT NULL,
    api_version text,
    occurred_at timestamptz,
    correlation_id uuid,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    payload_zstd bytea NOT NULL,
    payload_sha256 bytea NOT NULL,
    CONSTRAINT parked_event_pkey PRIMARY KEY (account_id, livemode, external_id)
);
ALTER SEQUENCE parked_event_ordinal OWNED BY parked_event.ordinal;

-- What is in the log stays as it was written. Maintenance (moving a company, erasing it) says so in its transaction.
CREATE FUNCTION refuse_change_of_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('revmap.maintenance', true) = 'on' THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    RAISE EXCEPTION 'events are never changed: % of position % of company % was refused', TG_OP, OLD.position, OLD.company_id
        USING ERRCODE = 'EV403';
END $$;
CREATE TRIGGER event_is_immutable BEFORE UPDATE OR DELETE ON event
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_event();

CREATE FUNCTION refuse_truncation_of_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are never truncated' USING ERRCODE = 'EV403';
END $$;
CREATE TRIGGER event_is_not_truncated BEFORE TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncation_of_event();
