"""Discoveries looked at afterwards: comparisons, ablations, verification, lineage, reports. May use all of discovery."""
