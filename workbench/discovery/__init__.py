"""Discovery of algorithms: programs are proposed, sifted, run isolated, scored and kept; the loop names no operator and no task."""
