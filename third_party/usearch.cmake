# defines the target for usearch
