"""What a discovery keeps: its store, the records that travel, texts fit to be kept, exchange as files. Runs nothing."""
