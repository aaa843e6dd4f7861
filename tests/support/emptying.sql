-- What deletes all rows of a test database and sets its sequences back, and tells whether that was all there was to do.
CREATE SCHEMA tests;
CREATE TABLE tests.ddl (tag text);

CREATE FUNCTION tests.note_ddl() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO tests.ddl VALUES (tg_tag);
END $$;

CREATE FUNCTION tests.emptied(known_backends int[]) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    one record;
    is_filled boolean;
BEGIN
    IF EXISTS (SELECT FROM tests.ddl) OR EXISTS (
        SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend'
          AND pid <> pg_backend_pid() AND pid <> ALL (known_backends)
    ) THEN
        RETURN false;
    END IF;
    -- Neither foreign keys nor what refuses to change a log are asked.
    SET LOCAL session_replication_role = replica;
    SET LOCAL lock_timeout = '1s';
    FOR one IN
        SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
        WHERE schemaname = 'public' AND tablename <> 'alembic_version'
    LOOP
        EXECUTE 'SELECT EXISTS (SELECT FROM ' || one.name || ')' INTO is_filled;
        IF is_filled THEN
            EXECUTE 'DELETE FROM ' || one.name;
        END IF;
    END LOOP;
    PERFORM setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
    FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL;
    RETURN true;
END $$;

CREATE EVENT TRIGGER note_ddl ON ddl_command_end EXECUTE FUNCTION tests.note_ddl();
CREATE EVENT TRIGGER note_drop ON sql_drop EXECUTE FUNCTION tests.note_ddl();
-- Also what is changed while no trigger of a table is asked.
ALTER EVENT TRIGGER note_ddl ENABLE ALWAYS;
ALTER EVENT TRIGGER note_drop ENABLE ALWAYS;
