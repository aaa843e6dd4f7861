"""The desk of mapping: streams, rules, overrides and policy, decided and recorded as facts. Imports projections."""
