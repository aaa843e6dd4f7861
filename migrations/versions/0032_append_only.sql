-- The log is written by receive_stripe_events and append_events alone: they act as its owner, and nobody else needs a right
-- to change it. Their search path is fixed, so that they mean these tables whatever the caller's session says.
--
-- Row-level security does not hold inside them. So a caller that named a company, or acts for one, appends to that
-- company's log and to no other; from the role of a company without a name nothing is appended at all.
CREATE FUNCTION refuse_other_companies(p_company bigint[]) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF (walled_company_id() IS NOT NULL OR current_setting('role') = 'revmap_app')
       AND EXISTS (SELECT FROM unnest(p_company) c WHERE c IS NOT NULL AND c IS DISTINCT FROM walled_company_id()) THEN
        RAISE EXCEPTION 'this transaction does not append to the log of another company'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
END $$;

-- What is in the log stays as it was written. Maintenance (moving a company, erasing it) says so in its transaction, and
-- is for the owner alone.
CREATE OR REPLACE FUNCTION refuse_change_of_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('revmap.maintenance', true) = 'on'
       AND pg_has_role((SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    RAISE EXCEPTION 'events are never changed: % of position % of company % in % was refused',
        TG_OP, OLD.position, OLD.company_id, TG_TABLE_NAME USING ERRCODE = 'EV403';
END $$;
CREATE TRIGGER event_conflict_is_immutable BEFORE UPDATE OR DELETE ON event_conflict
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_event();
CREATE TRIGGER event_conflict_is_not_truncated BEFORE TRUNCATE ON event_conflict
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncation_of_event();
CREATE TRIGGER company_head_is_kept BEFORE DELETE ON company_head
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_event();
CREATE TRIGGER company_head_is_not_truncated BEFORE TRUNCATE ON company_head
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncation_of_event();

DO $$
DECLARE
    v_function regprocedure := 'receive_stripe_events'::regproc;
BEGIN
    EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = %I, pg_temp', v_function, current_schema());
END $$;
