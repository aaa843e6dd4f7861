-- How far the table had folded the log at a run's last proof; null before the first.
ALTER TABLE sync_run ADD COLUMN proved_position bigint;
