-- The builds of a company, and those that are being made.
CREATE INDEX projection_state_of_company ON projection_state (company_id, projection);
CREATE INDEX projection_state_building ON projection_state (company_id) WHERE status = 'building';

-- Which connections have no entry in the schedule yet.
ALTER TABLE stripe_connection ADD COLUMN is_scheduled boolean NOT NULL DEFAULT false;
UPDATE stripe_connection c SET is_scheduled = true
WHERE EXISTS (SELECT FROM sync_schedule s WHERE s.company_id = c.company_id);
CREATE INDEX stripe_connection_unscheduled ON stripe_connection (company_id)
    WHERE status = 'connected' AND NOT is_scheduled;

-- How many syncs of all companies ended in an hour, so that nobody counts them one by one.
CREATE TABLE sync_run_count (
    hour timestamptz NOT NULL,
    status text NOT NULL,
    runs bigint NOT NULL,
    repaired bigint NOT NULL,
    CONSTRAINT sync_run_count_pkey PRIMARY KEY (hour, status)
);
GRANT SELECT, INSERT, UPDATE ON sync_run_count TO revmap_app;
INSERT INTO sync_run_count (hour, status, runs, repaired)
SELECT date_trunc('hour', finished_at, 'UTC'), status, count(*), sum(repaired) FROM sync_run
WHERE finished_at > clock_timestamp() - interval '2 days' GROUP BY 1, 2;

-- What is old enough to be deleted.
CREATE INDEX fetch_request_answered ON fetch_request (answered_at) WHERE answered_at IS NOT NULL;
CREATE INDEX parked_event_received ON parked_event (received_at);

-- Nobody has read it since the release before this one.
DROP TABLE connection_state;
DELETE FROM projection_active WHERE projection = 'connection';
DELETE FROM projection_state WHERE projection = 'connection';

-- Which companies have events that their tables lack: an index of those alone, however many others there are. It comes
-- last, because appends wait from here on.
ALTER TABLE company_head ADD COLUMN behind_since timestamptz;
CREATE INDEX company_head_behind ON company_head (behind_since) WHERE behind_since IS NOT NULL;
UPDATE company_head h SET behind_since = clock_timestamp()
WHERE EXISTS (
    SELECT FROM projection_active a
    JOIN projection_state s ON s.projection = a.projection AND s.company_id = a.company_id AND s.build = a.build
    WHERE a.company_id = h.company_id AND s.position < h.position
) OR NOT EXISTS (SELECT FROM projection_active a WHERE a.company_id = h.company_id);
