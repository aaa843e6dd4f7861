"""The language of mapping rules: read, check and evaluate. Pure; imports recognition and nothing else of ours."""
