-- An export of one view of the table that people are told of daily or monthly, at an hour of a time zone.
CREATE TABLE export_schedule (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT export_schedule_pkey PRIMARY KEY,
    company_id bigint NOT NULL CONSTRAINT export_schedule_company_id_fkey REFERENCES company (id),
    format text NOT NULL,
    -- Parameters of the export, as in its URL.
    view jsonb NOT NULL,
    recurs text NOT NULL,
    -- Of the month; the last one of shorter months.
    day smallint,
    hour smallint NOT NULL,
    time_zone text NOT NULL,
    emails text[] NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    idempotency_key text,
    -- Null while paused.
    due_at timestamptz,
    CONSTRAINT export_schedule_format_check CHECK (format IN ('csv', 'xlsx')),
    CONSTRAINT export_schedule_recurs_check CHECK (recurs IN ('daily', 'monthly')),
    CONSTRAINT export_schedule_day_check CHECK ((recurs = 'monthly') = (day IS NOT NULL) AND day BETWEEN 1 AND 31),
    CONSTRAINT export_schedule_hour_check CHECK (hour BETWEEN 0 AND 23)
);
CREATE INDEX export_schedule_of_company ON export_schedule (company_id, id);
CREATE UNIQUE INDEX export_schedule_once ON export_schedule (company_id, idempotency_key);
-- Who is due is found without looking at anybody else.
CREATE INDEX export_schedule_due ON export_schedule (due_at) WHERE due_at IS NOT NULL;

-- A moment at which a schedule was due, and the position of the log at that moment.
CREATE TABLE export_run (
    schedule_id bigint NOT NULL CONSTRAINT export_run_schedule_id_fkey REFERENCES export_schedule (id) ON DELETE CASCADE,
    due_at timestamptz NOT NULL,
    company_id bigint NOT NULL,
    position bigint NOT NULL,
    told_at timestamptz NOT NULL,
    CONSTRAINT export_run_pkey PRIMARY KEY (schedule_id, due_at)
);

SELECT wall_in_company('export_schedule', 'SELECT, INSERT, UPDATE, DELETE');
SELECT wall_in_company('export_run', 'SELECT');
