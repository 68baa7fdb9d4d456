"""What of the imported documents is worth learning from, with a reason for each that is not."""
