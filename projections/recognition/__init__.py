"""The law of revenue recognition: from billed lines to what is earned by month. Pure; imports nothing else of ours."""
