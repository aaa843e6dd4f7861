-- What deletes all rows of a test database and sets its sequences back, and tells whether that was all there was to do.
-- Functions, triggers and sequences that a test has made are dropped. Temporary tables go with their transaction.
CREATE SCHEMA tests;
CREATE TABLE tests.made (object oid PRIMARY KEY, type text, name text);
CREATE TABLE tests.changed (tag text);

CREATE FUNCTION tests.note_ddl() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO tests.made SELECT objid, object_type, object_identity FROM pg_event_trigger_ddl_commands()
    WHERE command_tag IN ('CREATE FUNCTION', 'CREATE TRIGGER', 'CREATE SEQUENCE')
      AND objid > 'tests.made'::regclass; -- and none that was there before is replaced
    INSERT INTO tests.changed SELECT command_tag FROM pg_event_trigger_ddl_commands()
    WHERE schema_name IS DISTINCT FROM 'pg_temp' AND NOT EXISTS (SELECT FROM tests.made WHERE object = objid);
END $$;

CREATE FUNCTION tests.note_drop() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO tests.changed SELECT tg_tag FROM pg_event_trigger_dropped_objects()
    WHERE (original OR normal) AND NOT is_temporary AND NOT EXISTS (SELECT FROM tests.made WHERE object = objid);
END $$;

-- As a view, the question which tables have rows is planned once, and not for each test.
DO $$
BEGIN
    EXECUTE (
        SELECT 'CREATE VIEW tests.filled AS ' || string_agg(
            format('SELECT %L AS name WHERE EXISTS (SELECT FROM %I.%I)',
                   format('%I.%I', schemaname, tablename), schemaname, tablename), ' UNION ALL '
        )
        FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'
    );
END $$;

CREATE FUNCTION tests.emptied(known_backends int[]) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    one record;
BEGIN
    IF EXISTS (SELECT FROM tests.changed) OR EXISTS (
        SELECT FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase WHERE datname = current_database()
    ) OR EXISTS (
        SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend'
          AND pid <> pg_backend_pid() AND pid <> ALL (known_backends)
    ) THEN
        RETURN false;
    END IF;
    FOR one IN SELECT type, name FROM tests.made LOOP
        EXECUTE format('DROP %s IF EXISTS %s CASCADE', one.type, one.name);
    END LOOP;
    DELETE FROM tests.made; -- only now, or dropping them would be noted as a change
    FOR one IN SELECT name FROM tests.filled LOOP
        EXECUTE 'DELETE FROM ' || one.name;
    END LOOP;
    PERFORM setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
    FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL;
    RETURN true;
END $$;

CREATE EVENT TRIGGER note_ddl ON ddl_command_end EXECUTE FUNCTION tests.note_ddl();
CREATE EVENT TRIGGER note_drop ON sql_drop EXECUTE FUNCTION tests.note_drop();
-- Also what is changed while no trigger of a table is asked.
ALTER EVENT TRIGGER note_ddl ENABLE ALWAYS;
ALTER EVENT TRIGGER note_drop ENABLE ALWAYS;
