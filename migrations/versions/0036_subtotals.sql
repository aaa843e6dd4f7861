-- What an invoice says its lines add up to, and the discounts of single lines that are taken off in it.
ALTER TABLE sync_sighting
    ADD COLUMN subtotal numeric,
    ADD COLUMN line_discounts numeric;
