"""Openness scorecards: evidence, rule sets, scores, and why they are what they are."""
