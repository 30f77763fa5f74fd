"""Discovery of algorithms: programs are proposed, sifted, run in isolation, scored and kept; the loop knows no operator and no task."""
