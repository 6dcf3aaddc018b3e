# defines the target for kuzu
