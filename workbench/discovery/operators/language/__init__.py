"""Programs proposed by a language model: `operator.make` builds the operator, the rest are its parts."""
