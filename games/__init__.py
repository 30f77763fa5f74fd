"""What is played: sequence-form games compiled from OpenSpiel, and single-agent worlds."""
