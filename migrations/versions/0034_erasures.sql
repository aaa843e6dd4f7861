-- What remains of an erased company: no column is named company_id, as none of it is the company's own.
CREATE TABLE company_erasure (
    id bigint PRIMARY KEY,
    begun_at timestamptz NOT NULL,
    erased_at timestamptz,
    erased_by text NOT NULL,
    events bigint NOT NULL,
    chain_position bigint NOT NULL,
    chain_sha256 bytea NOT NULL,
    -- Whose accounts are still to be looked at; forgotten with the last step.
    user_ids bigint[] NOT NULL,
    CONSTRAINT company_erasure_forgotten_check CHECK (erased_at IS NULL OR user_ids = '{}')
);

-- A job that began before must not begin the log anew. append_events, which makes heads, acts as the owner.
CREATE FUNCTION refuse_log_of_erased_company() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM company_erasure e WHERE e.id = NEW.company_id) THEN
        RAISE EXCEPTION 'company % was erased', NEW.company_id USING ERRCODE = 'EV410';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER company_head_is_of_no_erased_company BEFORE INSERT ON company_head
    FOR EACH ROW EXECUTE FUNCTION refuse_log_of_erased_company();

-- Once a company is erased, what says so stays.
CREATE FUNCTION refuse_change_of_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.erased_at IS NULL THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'erasures are never changed: % was refused', TG_OP USING ERRCODE = 'EV403';
END $$;
CREATE TRIGGER company_erasure_is_kept BEFORE UPDATE OR DELETE ON company_erasure
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_erasure();
CREATE TRIGGER company_erasure_is_not_truncated BEFORE TRUNCATE ON company_erasure
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncation_of_event();
