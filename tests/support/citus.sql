-- A stand-in for the extension Citus 13.2, which the tests' PostgreSQL does not have: functions and tables of its names in
-- pg_catalog, which record calls and refuse what Citus is documented to refuse. Nothing is distributed. What a cluster
-- itself does, such as planning statements and moving rows, is not shown by it.
--
-- https://docs.citusdata.com/en/stable/develop/api_udf.html, and Citus' src/backend/distributed/commands.
SET allow_system_table_mods = on;

INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
VALUES (16000, 'citus', 10, 'pg_catalog'::regnamespace, false, '13.2-1');

CREATE TABLE pg_catalog.pg_dist_local_group (groupid integer PRIMARY KEY);
INSERT INTO pg_catalog.pg_dist_local_group VALUES (0);
CREATE TABLE pg_catalog.pg_dist_node (
    nodeid integer PRIMARY KEY, nodename text NOT NULL, noderole text NOT NULL DEFAULT 'primary',
    isactive boolean NOT NULL DEFAULT true, shouldhaveshards boolean NOT NULL DEFAULT true
);
INSERT INTO pg_catalog.pg_dist_node (nodeid, nodename) VALUES (1, 'node-1');
CREATE TABLE pg_catalog.pg_dist_schema (schemaid oid PRIMARY KEY, colocationid integer NOT NULL);
CREATE TABLE pg_catalog.pg_dist_object (classid oid, objid oid, objsubid integer DEFAULT 0);

DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I SET citus.enable_unsafe_triggers = off', current_database());
END $$;

CREATE SCHEMA standin;
CREATE TABLE standin.call (id bigint GENERATED ALWAYS AS IDENTITY, what text NOT NULL);
-- What fails next, as if a node were away at that moment.
CREATE TABLE standin.failing (what text);

CREATE FUNCTION standin.called(p_what text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF EXISTS (SELECT FROM standin.failing f WHERE starts_with(p_what, f.what)) THEN
        RAISE EXCEPTION 'connection to the remote node node-1:5432 failed' USING ERRCODE = 'connection_failure';
    END IF;
    INSERT INTO standin.call (what) VALUES (p_what);
END $$;

CREATE FUNCTION pg_catalog.citus_schema_distribute(schemaname regnamespace) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_refused text;
BEGIN
    IF (SELECT groupid FROM pg_dist_local_group) <> 0 THEN
        RAISE EXCEPTION 'operation is not allowed on this node';
    ELSIF NOT pg_has_role((SELECT nspowner FROM pg_namespace WHERE oid = schemaname), 'USAGE') THEN
        RAISE EXCEPTION 'must be owner of schema %', schemaname;
    ELSIF schemaname = 'public'::regnamespace THEN
        RAISE EXCEPTION 'public schema cannot be distributed';
    ELSIF EXISTS (SELECT FROM pg_dist_schema WHERE schemaid = schemaname) THEN
        RAISE NOTICE 'schema % is already distributed', schemaname;
        RETURN;
    END IF;
    SELECT format('must be owner of table %s', relname) INTO v_refused FROM pg_class
    WHERE relnamespace = schemaname AND relkind IN ('r', 'p') AND NOT pg_has_role(relowner, 'USAGE');
    IF v_refused IS NULL THEN
        SELECT format('"%s" references another schema', c.relname) INTO v_refused
        FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid JOIN pg_class r ON r.oid = f.confrelid
        WHERE f.contype = 'f' AND c.relnamespace <> r.relnamespace AND schemaname IN (c.relnamespace, r.relnamespace);
    END IF;
    IF v_refused IS NULL AND coalesce(current_setting('citus.enable_unsafe_triggers', true), 'off') <> 'on' THEN
        SELECT format('cannot distribute relation "%s" because it has triggers', c.relname) INTO v_refused
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE c.relnamespace = schemaname AND NOT t.tgisinternal;
    END IF;
    IF v_refused IS NOT NULL THEN
        RAISE EXCEPTION '%', v_refused;
    END IF;
    PERFORM standin.called(format('citus_schema_distribute(%s)', schemaname));
    INSERT INTO pg_dist_schema VALUES (schemaname, 1);
    -- The functions of triggers go to the nodes along with their tables.
    INSERT INTO pg_dist_object (classid, objid)
    SELECT DISTINCT 'pg_proc'::regclass, t.tgfoid FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = schemaname AND NOT t.tgisinternal;
END $$;

CREATE FUNCTION pg_catalog.create_distributed_function(
    function_name regprocedure, distribution_arg_name text DEFAULT NULL, colocate_with text DEFAULT 'default',
    force_delegation boolean DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_has_role((SELECT proowner FROM pg_proc WHERE oid = function_name), 'USAGE') THEN
        RAISE EXCEPTION 'must be owner of function %', function_name;
    END IF;
    PERFORM standin.called(format('create_distributed_function(%s)', function_name));
    INSERT INTO pg_dist_object (classid, objid) VALUES ('pg_proc'::regclass, function_name);
END $$;
