"""Runs the whole job: orders in, scans along the way, changes at their time, evidence out."""
