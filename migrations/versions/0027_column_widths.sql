-- In pixels, by column. The release before reads and writes the other preferences as ever.
ALTER TABLE table_preference ADD COLUMN widths jsonb;
