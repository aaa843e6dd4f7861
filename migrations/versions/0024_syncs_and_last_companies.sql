-- Ids of runs are shared by all companies, and requests that join a run burn one each. People read these numbers instead.
ALTER TABLE sync_run ADD COLUMN number integer;

UPDATE sync_run r SET number = n.number
FROM (SELECT id, row_number() OVER (PARTITION BY company_id ORDER BY id) AS number FROM sync_run) n
WHERE r.id = n.id;

ALTER TABLE sync_run ALTER COLUMN number SET NOT NULL;
CREATE UNIQUE INDEX sync_run_number ON sync_run (company_id, number);

-- Two requests at once may find the same next number; then the index lets one of them through, and the other one joins
-- its run or tries again. What is rolled back leaves no gap, since the next number is that of the last run that is there.
CREATE FUNCTION number_sync_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.number := coalesce((SELECT max(number) FROM sync_run WHERE company_id = NEW.company_id), 0) + 1;
    RETURN NEW;
END $$;
CREATE TRIGGER sync_run_number BEFORE INSERT ON sync_run FOR EACH ROW EXECUTE FUNCTION number_sync_run();

-- A new session begins where the user was last, in whichever browser.
ALTER TABLE user_account ADD COLUMN last_company_id bigint REFERENCES company (id);

UPDATE user_account u SET last_company_id = s.company_id
FROM (
    SELECT DISTINCT ON (user_id) user_id, company_id FROM user_session
    WHERE company_id IS NOT NULL ORDER BY user_id, last_used_at DESC
) s
WHERE u.id = s.user_id;
